"""Steps of fit and predict: lines, a bar on a terminal, nothing if quiet."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from graphlearn.cli.steps import BarSteps, Steps, shown_steps

Cli = Callable[..., tuple[int, str, str]]


def console_of(*, terminal: bool = False) -> Console:
    return Console(file=io.StringIO(), force_terminal=terminal, width=100, highlight=False)


def shown(console: Console) -> str:
    text: str = console.file.getvalue()  # type: ignore[attr-defined]
    return text


def test_lines_of_a_long_step() -> None:
    now, console = [0.0], console_of()
    steps = Steps(console, clock=lambda: now[0])
    steps.say("training NCN")
    for epoch in range(1, 5):
        now[0] += 25.0
        steps.advance(epoch, 30, "epochs")
    steps.say("learning to mix scores")
    steps.advance(1, 48, "epochs")
    assert shown(console).splitlines() == [
        "training NCN",
        "training NCN: 3 of 30 epochs, about 12 min left",
        "learning to mix scores",
    ]


def test_sources_without_a_step_s_name() -> None:
    now, console = [0.0], console_of()
    steps = Steps(console, clock=lambda: now[0])
    for done in range(1024, 6000, 1024):
        now[0] += 20.0
        steps.advance(min(done, 5000), 5000, "sources")
    assert shown(console) == "3,072 of 5,000 sources, about 38 s left\n"


def test_a_terminal_gets_a_bar() -> None:
    console = console_of(terminal=True)
    with shown_steps(console=console) as steps:
        assert isinstance(steps, BarSteps)
        steps.say("training NCN")
        (task,) = steps.bar.tasks
        assert (task.description, task.total) == ("training NCN", None)
        steps.advance(3, 30, "epochs")
        (task,) = steps.bar.tasks
        assert (task.completed, task.total, task.fields["count"]) == (3, 30, "3/30 epochs")
        steps.say("reading the whole graph")
        (task,) = steps.bar.tasks
        assert task.description == "reading the whole graph"
    assert "training NCN\n" in shown(console).replace("\r", "")


def test_a_bar_without_steps() -> None:
    with shown_steps(console=console_of(terminal=True)) as steps:
        assert steps is not None
        steps.advance(1024, 5000, "sources")
        assert isinstance(steps, BarSteps)
        assert steps.bar.tasks[0].fields["count"] == "1,024/5,000 sources"


def test_elsewhere_and_quiet() -> None:
    with shown_steps(console=console_of()) as steps:
        assert type(steps) is Steps
    with shown_steps(quiet=True) as steps:
        assert steps is None


@pytest.mark.parametrize("quiet", [False, True])
def test_fit_and_predict(call: Cli, tmp_path: Path, quiet: bool) -> None:
    edges = tmp_path / "edges.csv"
    edges.write_text("".join(f"{i},{(i + s) % 60}\n" for i in range(60) for s in (1, 2, 5)))
    words = ["--quiet"] if quiet else []
    code, out, err = call("fit", str(edges), "--out", "model", *words)
    assert code == 0
    assert "hit rate" in out or "hit_rate" in out
    steps = [
        "training NCN",
        "finding candidates",
        "learning to mix scores",
        "choosing and measuring",
        "reading the whole graph",
    ]
    assert err.splitlines()[1:] == ([] if quiet else steps)
    code, out, err = call("predict", "model", "--all-sources", "--out", "links.csv", *words)
    assert (code, err) == (0, "")
    assert "links: links.csv" in out
