from __future__ import annotations

import pytest

from graphlearn.bench.listener import Epoch, Listener, Silence
from graphlearn.bench.seed_result import SeedResult


def test_silence_hears_everything(capsys: pytest.CaptureFixture[str]) -> None:
    listener: Listener = Silence()
    row = SeedResult("cn", "cora", 0, "", "", "", {})
    listener.planned(["a"], [1])
    listener.skipped(0, row)
    listener.started(0)
    listener.epoch(0, Epoch(1, 0.5, {}))
    listener.finished(0, row)
    assert capsys.readouterr() == ("", "")
