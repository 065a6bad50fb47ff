"""Trackers by name: refused before work where they cannot be used."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench.runs import run
from graphlearn.bench.trackers.named import TRACKERS, check_trackers, open_trackers
from graphlearn.errors import GraphLearnError, InputTypeError, MissingExtraError, UnknownNameError


class Mine:
    def start(self, *_: Any) -> None: ...
    def log(self, *_: Any) -> None: ...
    def end(self, *_: Any) -> None: ...
    def close(self) -> None: ...


def test_objects_are_taken_as_they_are(tmp_path: Path) -> None:
    mine = Mine()
    assert check_trackers([]) == ()
    assert check_trackers([mine, mine]) == (mine,)
    assert open_trackers([mine], tmp_path) == [mine]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", TRACKERS)
def test_a_missing_package_is_said_before_anything_is_written(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(MissingExtraError, match=rf'pip install "pyg-graphlearn\[{name}\]"'):
        run("cn", "digits-knn", out=tmp_path / "runs", progress=False, track=name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("track", "error", "words"),
    [
        ("tensorbord", UnknownNameError, "did you mean 'tensorboard'"),
        (["comet"], UnknownNameError, "one of mlflow, tensorboard, wandb"),
        ([3], InputTypeError, "start, log, end, close"),
        ([Mine], InputTypeError, "start, log, end, close"),
        (3, InputTypeError, "track is 3"),
        (Mine(), InputTypeError, "in a list"),
    ],
)
def test_refusals(track: Any, error: type[GraphLearnError], words: str) -> None:
    with pytest.raises(error, match=words):
        check_trackers(track)
