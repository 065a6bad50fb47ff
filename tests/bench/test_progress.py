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


def long_run(every: float = 30.0) -> tuple[Lines, list[float], Console]:
    """Lines, and the clock that they look at."""
    now = [0.0]
    console = Console(file=io.StringIO(), width=40, highlight=False)
    lines = Lines(console, every=every, clock=lambda: now[0])
    lines.planned(["ncn on ogbl-ddi, seed 0", "ncn on ogbl-ddi, seed 1"], [100, 100])
    return lines, now, console


def shown(console: Console) -> list[str]:
    return console.file.getvalue().splitlines()  # type: ignore[attr-defined]


def test_a_long_seed_says_where_it_is() -> None:
    lines, now, console = long_run()
    lines.started(0)
    for number in range(1, 13):
        now[0] += 65.5
        valid = {"hits@20": 0.5218, "mrr": 0.3} if number % 5 == 0 else {}
        lines.epoch(0, Epoch(number, 0.2134, valid))
    found = shown(console)
    assert len(found) == 11  # the first epoch has nothing to compare with
    assert found[-1] == (
        "ncn on ogbl-ddi, seed 0: epoch 12 of 100, loss 0.2134, valid hits@20 52.18, "
        "about 1 h 37 min left"
    )
    assert found[0].endswith("epoch 2 of 100, loss 0.2134, about 1 h 47 min left")


def test_lines_are_seldom_and_each_seed_has_its_own() -> None:
    lines, now, console = long_run(every=10.0)
    for job in (0, 1):
        lines.started(job)
    for number in range(1, 11):
        for job in (0, 1):
            now[0] += 1.0
            lines.epoch(job, Epoch(number, 0.5, {}))
    assert [line.split(",")[1] for line in shown(console)] == [
        " seed 0: epoch 6 of 100",
        " seed 1: epoch 6 of 100",
    ]


def test_a_resumed_seed_counts_what_it_did_since() -> None:
    lines, now, console = long_run()
    lines.started(0)
    for number in (91, 92):
        now[0] += 60.0
        lines.epoch(0, Epoch(number, 0.5, {}))
    (line,) = shown(console)
    assert line.endswith("epoch 92 of 100, loss 0.5000, about 8 min left")


def test_a_short_seed_says_nothing_before_its_end() -> None:
    lines, now, console = long_run()
    lines.started(0)
    for number in range(1, 101):
        now[0] += 0.25
        lines.epoch(0, Epoch(number, 0.5, {"auc": 0.6}))
    lines.failed(0)
    assert shown(console) == []
