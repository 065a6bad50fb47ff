"""The command line in this process: words, exit codes, and what stands where."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

import graphlearn
from graphlearn import cli
from graphlearn.bench.runs import RunInterrupted
from graphlearn.errors import InputError

TINY = ["--set", "train.epochs=2", "--set", "encoder.hidden_channels=4", "--seeds", "1"]

Cli = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Cli:
    """Run the command line in an empty folder; returns exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one small run is finished; copy it before you change it."""
    folder = tmp_path_factory.mktemp("done")
    words = ["run", "cn", "gcn", "--out", str(folder / "runs"), "--quiet", *TINY]
    assert cli.main(words) == 0
    return folder


@pytest.fixture
def runs(done: Path, tmp_path: Path) -> Path:
    shutil.copytree(done / "runs", tmp_path / "runs")
    return tmp_path / "runs"


def test_help_and_version(call: Cli) -> None:
    code, out, _ = call("--help")
    assert code == 0
    assert all(
        word in out
        for word in ("run", "resume", "reproduce", "table", "ls", "doctor", "audit", "plan")
    )
    assert call("--version")[1].strip() == graphlearn.__version__


def test_run_prints_table_report_and_model(call: Cli) -> None:
    code, out, err = call("run", "cn", "gcn", *TINY)
    assert code == 0
    lines = out.splitlines()
    assert lines[0].split()[:3] == ["model", "dataset", "n"]
    assert [line.split()[0] for line in lines[1:3]] == ["cn", "gcn"]
    for key in ("report:", "figure:", "model:"):
        (place,) = [line.split()[1] for line in lines if line.startswith(key)]
        assert Path(place).exists()
    assert "gcn on digits-knn, seed 0: test hits@100" in err


def test_a_rerun_skips_and_says_so(call: Cli, runs: Path) -> None:
    code, out, err = call("run", "cn", "gcn", *TINY)
    assert code == 0
    assert err.count("skipped") == 2
    assert "gcn" in out


def test_quiet(call: Cli, runs: Path) -> None:
    assert call("run", "cn", "--seeds", "1", "--quiet")[2] == ""


def test_print_config_resolves_and_writes_nothing(call: Cli, tmp_path: Path) -> None:
    code, out, _ = call("run", "ncn/cora", "cn", "--dataset", "cora", "--print-config", *TINY)
    assert code == 0
    first, second = yaml.safe_load_all(out)
    assert first["train"]["epochs"] == 2
    assert first["train"]["weight_decay"] == 0.0
    assert first["seeds"] == [0]
    assert second["model"] == {"predictor": {"name": "cn"}}
    assert list(tmp_path.iterdir()) == []


def test_print_config_can_be_run(call: Cli, tmp_path: Path) -> None:
    _, out, _ = call("run", "gcn", "--print-config", *TINY)
    (tmp_path / "mine.yaml").write_text(out)
    assert call("run", "mine.yaml", "--print-config")[1] == out


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", [0, 1, 2]), ("4,", [4]), ("0,3", [0, 3]), ("2-4", [2, 3, 4]), ("7,1-2", [7, 1, 2])],
)
def test_seeds(call: Cli, text: str, seeds: list[int]) -> None:
    _, out, _ = call("run", "cn", "--seeds", text, "--print-config")
    assert yaml.safe_load(out)["seeds"] == seeds


@pytest.mark.parametrize(
    "text", ["x", "", "1-", "-3", "0,0", "1.5", "0-99999999999", "99999999999999"]
)
def test_bad_seeds(call: Cli, text: str) -> None:
    code, _, err = call("run", "cn", f"--seeds={text}")
    assert (code, len(err.splitlines())) == (2, 1)


def test_resume(call: Cli, runs: Path) -> None:
    (folder,) = runs.glob("gcn-*")
    (runs / "ledger.jsonl").unlink()
    (folder / "seed-0" / "result.json").unlink()
    code, out, err = call("resume", str(folder))
    assert code == 0
    assert "gcn" in out
    assert "skipped" not in err
    assert (folder / "seed-0" / "result.json").is_file()


def test_reproduce(call: Cli, data_root: Path) -> None:
    code, out, _ = call("reproduce", "cn/cora", "--data-root", str(data_root), "--seeds", "2")
    assert code == 0
    assert "34.05" in out
    assert "s.e.)" in out
    assert "published: cn on cora: " in out


def test_reproduce_needs_a_published_figure(call: Cli) -> None:
    code, _, err = call("reproduce", "cn/digits-knn")
    assert code == 2
    assert "no published figure in cn on digits-knn" in err


def test_table(call: Cli, runs: Path) -> None:
    code, out, _ = call("table")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[:3]] == ["model", "cn", "gcn"]
    assert call("table", "--form", "markdown")[1].startswith("| model | dataset |")
    assert call("table", "--ledger", str(runs / "ledger.jsonl"))[1] == out


@pytest.mark.parametrize("what", ["all", "datasets", "models", "recipes"])
def test_ls(call: Cli, what: str) -> None:
    code, out, _ = call("ls", what)
    assert code == 0
    assert "cora" in out


def test_doctor(call: Cli) -> None:
    code, out, _ = call("doctor")
    assert code == 0
    assert "kernel threads" in out


def test_audit_of_a_split(call: Cli) -> None:
    code, out, _ = call("audit", "digits-knn", "--seeds", "2")
    assert code == 0
    assert out.count("no leak found") == 2


def test_audit_of_a_model(call: Cli) -> None:
    code, out, _ = call("audit", "ncn", "--dataset", "digits-knn", "--pairs", "40")
    assert code == 0
    assert "ncn on digits-knn, seed 0: consistent" in out


def test_audit_refuses_a_batch_dependent_model(call: Cli) -> None:
    code, out, err = call("audit", "ncn", "--set", "predictor.node_weight=batch-frequency")
    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert "largest difference" in err


def test_analyze(call: Cli, runs: Path) -> None:
    pytest.importorskip("pyarrow")
    (folder,) = runs.glob("gcn-*/seed-0")
    words = ["analyze", "--model", str(folder), "--metric", "hits@10", "--candidates", "60"]
    code, out, err = call(*words)
    assert (code, err) == (0, "")
    assert out.splitlines()[0].split() == ["measure", "Pearson", "Spearman", "what", "it", "is"]
    assert f"report: {folder / 'analysis' / 'analysis.html'}" in out
    assert (folder / "analysis" / "nodes.parquet").is_file()
    code, out, err = call("analyze", "--model", str(runs))
    assert (code, out) == (2, "")
    assert "is not a run's folder" in err


SIZES = ["--nodes", "2e6", "--edges", "30e6", "--dim", "128"]


def test_plan(call: Cli) -> None:
    words = ["--host-bytes", "200MiB", "--gpu-bytes", "64MB", "--fanout", "15,10"]
    code, out, err = call("plan", *SIZES, *words, "--train-nodes", "20_000", "--assume", "uniform")
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert lines[0].startswith("store        disk-packed: ")
    assert lines[1].startswith("basis        an estimate: a uniform random graph is assumed; ")
    assert [line.split()[0] for line in lines[-4:]] == ["tier", "gpu", "pinned", "disk"]
    code, out, err = call("plan", "--graph", "digits-knn", "--host-bytes", "1GB")
    assert (code, err) == (0, "")
    assert out.startswith("store        memory: all rows fit")
    code, out, err = call("plan", *SIZES, "--host-bytes", "0", "--batch-size", "1e3")
    assert (code, err) == (0, "")
    assert "hit rate     0.0 %" in out
    assert "1,000 seeds" in out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["plan", *SIZES], "--host-bytes is not given: expected how much memory rows may take"),
        (
            ["plan", "--host-bytes", "10", *SIZES],
            "host_bytes is 10: expected at least one row, 512",
        ),
        (["plan", "--host-bytes", "1GB", *SIZES[:5], "9" * 20], "--dim 99999999999999999999"),
        (["plan", "--host-bytes", "lots", *SIZES], "--host-bytes lots: expected a size such as"),
        (["plan", "--host-bytes", "1GB", *SIZES[:4]], "--dim is not given"),
        (["plan", "--host-bytes", "1GB", *SIZES, "--graph", "cora"], "stands beside --graph cora"),
        (["plan", "--host-bytes", "1GB", *SIZES, "--fanout", "a"], "--fanout a"),
        (["plan", "--host-bytes", "1GB", *SIZES, "--assume", "normal"], "normal"),
        (["plan", "--host-bytes", "1GB", *SIZES, "--batch-size", "0"], "batch_size is 0"),
    ],
)
def test_bad_plans(call: Cli, words: list[str], text: str) -> None:
    code, out, err = call(*words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert text in err


def test_running_out_of_memory_is_one_line(call: Cli) -> None:
    huge = "--set=encoder.hidden_channels=1000000000000"
    code, _, err = call("run", "gae", "--dataset=digits-knn", "--seeds=1", huge)
    assert code == 2
    assert err.startswith("graphlearn: out of memory (")
    assert err.count("\n") == 1


def test_debug_shows_where_it_came_from(call: Cli) -> None:
    code, _, err = call("run", "ncnn", "--debug")
    assert code == 2
    assert "Traceback" in err
    assert err.splitlines()[-1].startswith("graphlearn: unknown model 'ncnn'")


def test_interrupt(call: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise RunInterrupted(Path("runs/gcn-x"))

    monkeypatch.setattr("graphlearn.bench.run_recipes", stop)
    code, _, err = call("run", "gcn")
    assert code == 130
    assert "go on with: graphlearn resume runs/gcn-x" in err


def test_a_fault_of_our_own_is_not_hidden(call: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("graphlearn.bench.run_recipes", fail)
    with pytest.raises(ZeroDivisionError):
        call("run", "gcn")


def test_text_of_several_lines_becomes_one(call: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise InputError("one\n  two")

    monkeypatch.setattr("graphlearn.bench.run_recipes", fail)
    assert call("run", "gcn")[2] == "graphlearn: one two\n"
