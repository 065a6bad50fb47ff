"""Exit codes, and what stands on standard error."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

import graphlearn
from graphlearn.bench.runs import RunInterrupted
from graphlearn.errors import InputError

Cli = Callable[..., tuple[int, str, str]]


def test_help_and_version(call: Cli) -> None:
    code, out, _ = call("--help")
    assert code == 0
    assert all(
        word in out
        for word in ("run", "resume", "reproduce", "table", "ls", "doctor", "audit", "plan")
    )
    assert call("--version")[1].strip() == graphlearn.__version__


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
