"""The protocol, by a tracker that writes down what it is told."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench import runs as run_module
from graphlearn.bench.listener import Epoch
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.runs import RunInterrupted, run_recipes
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.seed_run import run_seed
from graphlearn.bench.trackers import TrackingListener, tracking
from graphlearn.bench.trackers.listening import final_values
from graphlearn.bench.trackers.protocol import Outcome, TrackedSeed
from graphlearn.errors import DivergedError

ROW = SeedResult("ncn", "cora", 0, "", "", "", {"auc": 0.7}, {"auc": 0.6}, {"auc": 2}, 3, 1.25)


class Book:
    """Writes everything down; raises at the call that it is told to fail at."""

    def __init__(self, failing: str = "") -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.failing = failing

    def _write(self, *call: Any) -> None:
        if call[0] == self.failing:
            raise ConnectionError("no\nroute")
        self.calls.append(call)

    def start(self, seed: TrackedSeed) -> None:
        self._write("start", seed.label)

    def log(self, seed: TrackedSeed, step: int, values: Mapping[str, float]) -> None:
        self._write("log", seed.label, step, dict(values))

    def end(self, seed: TrackedSeed, outcome: Outcome, values: Mapping[str, float]) -> None:
        self._write("end", seed.label, outcome, dict(values))

    def close(self) -> None:
        self._write("close")

    def of(self, label: str) -> list[tuple[Any, ...]]:
        """What was told of a seed, without its name; of values their names."""
        found = [(c[0], *c[2:]) for c in self.calls if c[1:2] == (label,)]
        return [tuple(sorted(v) if isinstance(v, dict) else v for v in call) for call in found]


VALUES = ["loss", "valid/auc", "valid/hits@20"]
WHOLE = [
    ("start",),
    ("log", 1, VALUES),
    ("log", 2, VALUES),
    ("log", 3, VALUES),
    (
        "end", "finished", [
            "best_epoch/auc", "best_epoch/hits@20", "best_valid/auc", "best_valid/hits@20",
            "epochs", "seconds", "test/auc", "test/hits@20",
        ],
    ),
]  # fmt: skip
LABELS = [f"small on digits-knn, seed {seed}" for seed in (0, 1)]


@pytest.mark.parametrize("workers", [1, 2])
def test_every_seed_from_start_to_end(
    heuristic: Recipe, trained: Recipe, tmp_path: Path, workers: int
) -> None:
    book = Book()
    recipes = [heuristic, trained]
    result = run_recipes(recipes, out=tmp_path, workers=workers, progress=False, track=[book])
    assert [book.of(label) for label in LABELS] == [WHOLE, WHOLE]
    assert [call[0] for call in book.of("cn on digits-knn, seed 0")] == ["start", "end"]
    assert book.calls[-1] == ("close",)
    (test,) = (c[3] for c in book.calls if c[:2] == ("end", LABELS[1]))
    assert test == final_values(result.rows[2])
    again = Book()
    run_recipes(recipes, out=tmp_path, progress=False, track=[again])
    assert again.calls == []  # finished seeds are no news


def stopping(error: BaseException) -> Any:
    """``run_seed``, but the second epoch of seed 1 raises."""

    def run(*arguments: Any, **options: Any) -> Any:
        *others, on_epoch = arguments

        def hear(epoch: Epoch) -> None:
            on_epoch(epoch)
            if others[2] == 1 and epoch.number == 2:
                raise error

        return run_seed(*others, hear, **options)

    return run


@pytest.mark.parametrize(
    ("error", "caught", "outcome"),
    [
        (KeyboardInterrupt(), RunInterrupted, "killed"),
        (DivergedError("the loss is NaN"), DivergedError, "failed"),
        (ZeroDivisionError(), ZeroDivisionError, "failed"),
    ],
)
def test_a_stopped_seed_is_marked_and_goes_on(
    trained: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    error: BaseException, caught: type[BaseException], outcome: str,
) -> None:  # fmt: skip
    book = Book()
    monkeypatch.setattr(run_module, "run_seed", stopping(error))
    with pytest.raises(caught):
        run_recipes([trained], out=tmp_path, progress=False, track=[book])
    assert book.of(LABELS[0]) == WHOLE
    assert book.of(LABELS[1]) == [*WHOLE[:3], ("end", outcome, [])]
    assert book.calls[-1] == ("close",)
    monkeypatch.undo()
    rest = Book()
    run_recipes([trained], out=tmp_path, progress=False, track=[rest])
    assert rest.of(LABELS[0]) == []
    # The checkpoint is of the first epoch: the second is told again, as it was.
    assert rest.of(LABELS[1]) == [WHOLE[0], *WHOLE[2:]]
    told = [[c for c in b.calls if c[:3] == ("log", LABELS[1], 2)] for b in (book, rest)]
    assert told[0] == told[1]


def test_a_worker_s_error_ends_its_seed_as_failed_and_the_other_as_killed(
    trained: Recipe, tmp_path: Path
) -> None:
    assert trained.train is not None
    train = dataclasses.replace(
        trained.train, encoder_learning_rate=1e30, predictor_learning_rate=1e30, epochs=20
    )
    book = Book()
    with pytest.raises(DivergedError):
        run_recipes(
            [dataclasses.replace(trained, train=train)],
            out=tmp_path, workers=2, progress=False, track=[book],
        )  # fmt: skip
    outcomes = [call[2] for call in book.calls if call[0] == "end"]
    assert outcomes == ["failed", "killed"]
    assert book.calls[-1] == ("close",)


@pytest.mark.parametrize("failing", ["start", "log", "end", "close"])
def test_a_tracker_that_fails_is_left_behind(
    trained: Recipe, tmp_path: Path, capsys: pytest.CaptureFixture[str], failing: str
) -> None:
    broken, sound = Book(failing), Book()
    result = run_recipes([trained], out=tmp_path, progress=False, track=[broken, sound])
    assert len(result.rows) == 2
    assert [sound.of(label) for label in LABELS] == [WHOLE, WHOLE]
    assert capsys.readouterr().err == (
        "graphlearn: Book failed, going on without it (ConnectionError: no route)\n"
    )


def test_nothing_is_opened_where_nothing_is_left(tmp_path: Path) -> None:
    heard = TrackingListener([], [])
    with tracking(["no such name"], [], tmp_path, heard) as listener:
        assert listener is heard
    with tracking([], [], tmp_path, heard) as listener:
        assert listener is heard


def test_events_one_by_one(seeds: list[TrackedSeed]) -> None:
    book, said = Book(), list[str]()
    listener = TrackingListener([book], seeds, say=said.append)
    listener.planned(["a", "b"], [3, 3])
    listener.skipped(0, ROW)
    listener.started(1)
    listener.noted(1, "it pays")
    listener.epoch(1, Epoch(4, 0.5, {}))
    listener.finished(1, ROW)
    listener.close()
    label = seeds[1].label
    assert book.calls == [
        ("start", label),
        ("log", label, 4, {"loss": 0.5}),
        ("end", label, "finished", final_values(ROW)),
        ("close",),
    ]
    assert said == []
    assert repr(listener) == "TrackingListener([Book], 2 seeds)"
