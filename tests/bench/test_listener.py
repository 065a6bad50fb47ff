from __future__ import annotations

import pytest

from graphlearn.bench.listener import Epoch, Listener, Listeners, Silence
from graphlearn.bench.seed_result import SeedResult


def test_silence_hears_everything(capsys: pytest.CaptureFixture[str]) -> None:
    listener: Listener = Silence()
    row = SeedResult("cn", "cora", 0, "", "", "", {})
    listener.planned(["a"], [1])
    listener.skipped(0, row)
    listener.started(0)
    listener.epoch(0, Epoch(1, 0.5, {}))
    listener.noted(0, "it pays")
    listener.failed(0)
    listener.finished(0, row)
    assert capsys.readouterr() == ("", "")


class Names(Silence):
    """Notes which of its methods were called."""

    def __init__(self, heard: list[str]) -> None:
        self.heard = heard

    def __getattribute__(self, name: str) -> object:
        if name in ("planned", "skipped", "started", "epoch", "noted", "failed", "finished"):
            object.__getattribute__(self, "heard").append(name)
        return object.__getattribute__(self, name)


def test_several_hear_everything_in_turn() -> None:
    heard: list[str] = []
    listener: Listener = Listeners(Names(heard), Silence(), Names(heard))
    row = SeedResult("cn", "cora", 0, "", "", "", {})
    listener.planned(["a"], [1])
    listener.skipped(0, row)
    listener.started(0)
    listener.epoch(0, Epoch(1, 0.5, {}))
    listener.noted(0, "it pays")
    listener.failed(0)
    listener.finished(0, row)
    told = ["planned", "skipped", "started", "epoch", "noted", "failed", "finished"]
    assert heard == [name for name in told for _ in range(2)]
