"""Event files, read back by TensorBoard's own reader."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench.runs import run
from graphlearn.bench.trackers.protocol import TrackedSeed
from graphlearn.bench.trackers.tensorboard import TensorBoardTracker

pytest.importorskip("tensorboard")

FINAL = {"test/hits@20": 0.5, "best_valid/hits@20": 0.75}


def read(folder: Path) -> Any:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    found = EventAccumulator(str(folder))
    found.Reload()
    return found


def scalars(folder: Path, tag: str) -> list[tuple[int, float]]:
    return [(event.step, event.value) for event in read(folder).Scalars(tag)]


def texts(folder: Path, tag: str) -> list[tuple[int, str]]:
    events = read(folder).Tensors(f"{tag}/text_summary")
    return [(event.step, event.tensor_proto.string_val[0].decode()) for event in events]


def place(out: Path, seed: TrackedSeed) -> Path:
    return out / "tensorboard" / seed.path


def test_seeds_side_by_side(tmp_path: Path, seeds: list[TrackedSeed]) -> None:
    tracker = TensorBoardTracker(tmp_path)
    for seed in seeds:
        tracker.start(seed)
    for step in (1, 2, 3):
        for number, seed in enumerate(seeds):
            tracker.log(seed, step, {"loss": step + 10.0 * number, "valid/hits@20": 0.25})
    tracker.end(seeds[0], "finished", FINAL)
    tracker.end(seeds[1], "failed", {})
    tracker.close()
    first, second = (place(tmp_path, seed) for seed in seeds)
    assert scalars(first, "loss") == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert scalars(second, "loss") == [(1, 11.0), (2, 12.0), (3, 13.0)]
    assert scalars(first, "valid/hits@20") == [(1, 0.25), (2, 0.25), (3, 0.25)]
    assert scalars(first, "test/hits@20") == [(3, 0.5)]
    assert texts(first, "outcome") == [(3, "finished")]
    assert texts(second, "outcome") == [(3, "failed")]
    ((step, config),) = texts(first, "config")
    assert step == 0
    assert "| train.epochs | 3 |" in config
    hparams = read(first).SummaryMetadata("_hparams_/session_start_info")
    assert b"train.epochs" in hparams.plugin_data.content


def test_values_are_on_disk_at_once(tmp_path: Path, seeds: list[TrackedSeed]) -> None:
    tracker = TensorBoardTracker(tmp_path)
    tracker.start(seeds[0])
    tracker.log(seeds[0], 1, {"loss": 0.5})
    assert scalars(place(tmp_path, seeds[0]), "loss") == [(1, 0.5)]
    tracker.close()


def test_a_resumed_seed_goes_on_without_repetition(
    tmp_path: Path, seeds: list[TrackedSeed]
) -> None:
    seed = seeds[0]
    for steps in (
        (1, 2, 3),
        (3, 4),
        (4, 5),
    ):  # killed twice, and told again
        tracker = TensorBoardTracker(tmp_path)
        tracker.start(seed)
        for step in steps:
            tracker.log(seed, step, {"loss": float(step)})
        if step == 5:
            tracker.end(seed, "finished", FINAL)
        tracker.close()
    folder = place(tmp_path, seed)
    assert scalars(folder, "loss") == [(step, float(step)) for step in range(1, 6)]
    assert scalars(folder, "test/hits@20") == [(5, 0.5)]
    assert len(texts(folder, "config")) == 1
    assert len(list(folder.iterdir())) == 3


def test_a_seed_that_was_killed_after_its_last_epoch(
    tmp_path: Path, seeds: list[TrackedSeed]
) -> None:
    seed = seeds[0]
    tracker = TensorBoardTracker(tmp_path)
    tracker.start(seed)
    for step in (1, 2, 3):
        tracker.log(seed, step, {"loss": float(step)})
    tracker.close()
    tracker = TensorBoardTracker(tmp_path)
    tracker.start(seed)
    tracker.end(seed, "finished", {**FINAL, "epochs": 3})
    folder = place(tmp_path, seed)
    assert scalars(folder, "loss") == [(1, 1.0), (2, 2.0), (3, 3.0)]
    assert scalars(folder, "test/hits@20") == [(3, 0.5)]


def test_a_seed_that_begins_anew_takes_the_place_of_the_old(
    tmp_path: Path, seeds: list[TrackedSeed]
) -> None:
    seed = seeds[0]
    for loss in (1.0, 2.0):
        tracker = TensorBoardTracker(tmp_path)
        tracker.start(seed)
        tracker.log(seed, 1, {"loss": loss})
        tracker.end(seed, "killed", {})
    folder = place(tmp_path, seed)
    assert scalars(folder, "loss") == [(1, 2.0)]
    assert len(texts(folder, "config")) == 1


def test_a_seed_without_values_leaves_no_file(tmp_path: Path, seeds: list[TrackedSeed]) -> None:
    tracker = TensorBoardTracker(tmp_path)
    tracker.start(seeds[0])
    tracker.end(seeds[0], "killed", {})
    tracker.close()
    assert list(tmp_path.iterdir()) == []


def test_a_run_s_figures_are_those_of_its_rows(tmp_path: Path) -> None:
    settings = {"train.epochs": 2, "encoder.hidden_channels": 4}
    result = run(
        ["cn", "gcn"], "digits-knn", seeds=1, set=settings, out=tmp_path, progress=False,
        track=["tensorboard"],
    )  # fmt: skip
    for job, row, curves in zip(result.jobs, result.rows, result.curves(), strict=True):
        folder = tmp_path / "tensorboard" / job.folder.path.name / "seed-0"
        for metric, value in row.test.items():
            assert scalars(folder, f"test/{metric}") == [(row.epochs, pytest.approx(value))]
        if curves:
            losses = [(c["epoch"], pytest.approx(c["loss"])) for c in curves]
            assert scalars(folder, "loss") == losses
