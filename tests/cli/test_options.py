"""An option that several commands take: --track, from the words to the tracker."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphlearn import cli
from graphlearn.bench.trackers.named import TRACKERS
from graphlearn.cli.torchrun import together

Cli = Callable[..., tuple[int, str, str]]
TINY = ["--set", "train.epochs=2", "--set", "encoder.hidden_channels=4", "--seeds", "1"]


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What trackers named mlflow and tensorboard are told; neither package is needed."""
    calls: list[tuple[Any, ...]] = []

    def fake(name: str) -> type:
        class Fake:
            def __init__(self, out: Path) -> None:
                calls.append((name, "open", str(out)))

            @staticmethod
            def check() -> None: ...

            def start(self, seed: Any) -> None:
                calls.append((name, "start", seed.label))

            def log(self, seed: Any, step: int, values: Any) -> None:
                calls.append((name, "log", step))

            def end(self, seed: Any, outcome: str, values: Any) -> None:
                calls.append((name, "end", outcome))

            def close(self) -> None:
                calls.append((name, "close"))

        return Fake

    for name in ("mlflow", "tensorboard"):
        monkeypatch.setitem(TRACKERS, name, fake(name))
    return calls


def heard(name: str, label: str, epochs: int, out: str = "runs") -> list[tuple[Any, ...]]:
    logged = [(name, "log", epoch) for epoch in range(1, epochs + 1)]
    return [
        (name, "open", out),
        (name, "start", label),
        *logged,
        (name, "end", "finished"),
        (name, "close"),
    ]


def test_run_and_resume(call: Cli, told: list[tuple[Any, ...]]) -> None:
    assert call("run", "gcn", *TINY, "--track", "tensorboard", "--track", "mlflow")[0] == 0
    for name in ("tensorboard", "mlflow"):
        found = [one for one in told if one[0] == name]
        assert found == heard(name, "gcn on digits-knn, seed 0", 2)
    told.clear()
    (folder,) = Path("runs").glob("gcn-*")
    assert call("resume", str(folder), "--track", "mlflow")[0] == 0
    assert told == []  # nothing was left to do
    Path("runs/ledger.jsonl").unlink()
    (folder / "seed-0" / "result.json").unlink()
    assert call("resume", str(folder), "--track", "mlflow")[0] == 0
    # The training was done: no epoch is told again.
    assert told == heard("mlflow", "gcn on digits-knn, seed 0", 0)


def test_reproduce(call: Cli, told: list[tuple[Any, ...]], data_root: Path) -> None:
    words = ["reproduce", "cn/cora", "--data-root", str(data_root), "--seeds", "1"]
    assert call(*words, "--track", "mlflow")[0] == 0
    assert told == heard("mlflow", "cn on cora, seed 0", 0)


def test_bench(call: Cli, told: list[tuple[Any, ...]], ogb_root: Path) -> None:
    words = ["bench", "ogbl-collab", "--models", "cn", "--data-root", str(ogb_root)]
    code, _, err = call(*words, "--track", "mlflow", "--out", "mine")
    assert code == 0, err
    assert told == heard("mlflow", "cn on ogbl-collab, seed 0", 0, "mine")


def test_torchrun_s_command(call: Cli, told: list[tuple[Any, ...]]) -> None:
    words = ["gcnii/digits-knn", "--seeds", "1", "--set", "train.epochs=2", "--track", "mlflow"]
    assert cli.main([*words, "--set", "stack.num_layers=2"], app=together) == 0
    assert told == heard("mlflow", "gcnii on digits-knn, seed 0", 2)


def test_a_missing_extra_is_one_line(call: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    code, _, err = call("run", "cn", "--track", "tensorboard")
    assert code == 2
    assert err == (
        "graphlearn: tracking with TensorBoard needs tensorboard, which is not installed; "
        'run: pip install "pyg-graphlearn[tensorboard]"\n'
    )
    assert not Path("runs").exists()


def test_an_unknown_tracker(call: Cli) -> None:
    code, _, err = call("run", "cn", "--track", "comet")
    assert code == 2
    assert "--track" in err
    assert "tensorboard" in err
