from __future__ import annotations

import io

import pytest
from rich.console import Console

from graphlearn.bench.listener import Epoch, Silence
from graphlearn.bench.progress import Bars, Lines, show_progress
from graphlearn.bench.seed_result import SeedResult

ROW = SeedResult(
    "ncn", "cora", 0, "", "", "", {"auc": 0.7}, {"auc": 0.6}, {"auc": 2}, 3, 1.25,
    finished="2026-01-02T03:04:05+00:00",
)  # fmt: skip
LABELS = ["ncn on cora, seed 0", "ncn on cora, seed 1", "cn on cora, seed 0"]


def tell(listener: Lines) -> None:
    listener.planned(LABELS, [3, 3, 0])
    listener.skipped(0, ROW)
    listener.started(1)
    for number in (2, 3):  # resumed after the first epoch
        listener.epoch(1, Epoch(number, 0.5, {"auc": 0.6}))
    listener.finished(1, ROW)
    listener.started(2)
    listener.finished(2, SeedResult("cn", "cora", 0, "", "", "", {"auc": 0.5}))


def test_a_pipe_gets_a_line_a_seed() -> None:
    console = Console(file=io.StringIO(), width=40)
    with show_progress(console=console) as listener:
        assert type(listener) is Lines
        tell(listener)
    assert console.file.getvalue().splitlines() == [  # type: ignore[attr-defined]
        "ncn on cora, seed 0: finished on 2026-01-02, skipped (auc 70.00)",
        "ncn on cora, seed 1: test auc 70.00 (best epoch 2 of 3) in 1.2 s",
        "cn on cora, seed 0: test auc 50.00 in 0.0 s",
    ]


def test_a_terminal_gets_bars() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=200, highlight=False)
    with show_progress(console=console) as listener:
        assert isinstance(listener, Bars)
        tell(listener)
        (total,) = listener.bars.tasks
        assert total.completed == total.total == 7
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "all seeds" in shown
    assert "ncn on cora, seed 1: test auc 70.00" in shown


def test_the_bar_of_a_seed_says_loss_and_score() -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=200, highlight=False)
    with show_progress(console=console) as listener:
        assert isinstance(listener, Bars)
        listener.planned(LABELS, [3, 3, 0])
        listener.started(1)
        listener.epoch(1, Epoch(2, 0.5, {"auc": 0.6}))
        task = listener.bars.tasks[1]
        assert (task.completed, task.total) == (2, 3)
        assert task.fields["note"] == "loss 0.5000  valid auc 60.00"


def test_disabled(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress(enabled=False) as listener:
        assert isinstance(listener, Silence)
    assert capsys.readouterr() == ("", "")
