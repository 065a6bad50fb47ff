"""Runs, their resumption and their tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import yaml

Cli = Callable[..., tuple[int, str, str]]
TINY = ["--set", "train.epochs=2", "--set", "encoder.hidden_channels=4", "--seeds", "1"]


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
