"""Commands that look and train nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

Cli = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize("what", ["all", "datasets", "models", "recipes"])
def test_ls(call: Cli, what: str) -> None:
    code, out, _ = call("ls", what)
    assert code == 0
    assert "cora" in out


def test_doctor(call: Cli) -> None:
    code, out, _ = call("doctor")
    assert code == 0
    assert "kernel threads" in out


def test_suggest_prints_a_recipe_and_why(call: Cli) -> None:
    code, out, _ = call("suggest", "digits-knn")
    assert code == 0
    assert out.startswith("# 64 features: ")
    assert "\nname: cnmix\n" in out


def test_a_suggestion_runs(call: Cli, tmp_path: Path) -> None:
    edges = "".join(f"{i} {(i + step) % 40}\n" for i in range(40) for step in (1, 2, 5))
    (tmp_path / "ring.txt").write_text(edges)
    code, out, _ = call("suggest", "ring.txt", "--model", "gae", "--out", "ring.yaml")
    assert code == 0
    assert "train it with: graphlearn run ring.yaml" in out
    code, out, err = call("run", "ring.yaml", "--quiet", "--set", "train.epochs=2")
    assert code == 0, err
    assert "gae" in out


def test_a_suggestion_goes_to_a_new_recipe_alone(call: Cli, tmp_path: Path) -> None:
    edges = tmp_path / "ring.txt"
    edges.write_text("".join(f"{i} {(i + 1) % 40}\n" for i in range(40)))
    for name, text in (("ring", "ends in .yaml"), ("ring.txt", "ends in .yaml")):
        code, _, err = call("suggest", "ring.txt", "--out", name)
        assert code == 2
        assert text in err
    (tmp_path / "mine.yaml").write_text("kept")
    code, _, err = call("suggest", "ring.txt", "--out", "mine.yaml")
    assert code == 2
    assert "which is there already: expected a new file" in err
    assert (tmp_path / "mine.yaml").read_text() == "kept"
    assert edges.read_text().startswith("0 1\n")


def test_a_suggestion_names_its_file_wherever_it_is_read(call: Cli, tmp_path: Path) -> None:
    (tmp_path / "ring.txt").write_text("".join(f"{i} {(i + 1) % 40}\n" for i in range(40)))
    code, out, _ = call("suggest", "ring.txt")
    assert code == 0
    assert f"dataset: {tmp_path.resolve() / 'ring.txt'}\n" in out


def test_no_suggestion_for_what_is_no_graph_of_links(call: Cli) -> None:
    code, _, err = call("suggest", "mutag")
    assert code == 2
    assert "mutag" in err
    code, _, err = call("suggest", "usaor")
    assert code == 2
    assert "did you mean 'usair'" in err


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


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_completion_prints_a_script(call: Cli, shell: str) -> None:
    code, out, err = call("completion", shell)
    assert (code, err) == (0, "")
    assert "graphlearn" in out
    assert "__complete" in out


def test_no_script_for_other_shells(call: Cli) -> None:
    code, _, err = call("completion", "csh")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "csh" in err
