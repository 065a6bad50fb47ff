from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from graphlearn.errors import CheckpointError
from graphlearn.metrics.history import EpochRecord
from graphlearn.train import CHECKPOINT_NAME, WEIGHTS_NAME, TrainConfig, load_weights
from graphlearn.train.progress import Progress, RunFolder, derive_seed


@pytest.fixture(autouse=True)
def _own_stream() -> Any:
    with torch.random.fork_rng([]):
        yield


def record(epoch: int, value: float) -> EpochRecord:
    return EpochRecord(epoch, 1.0, {"auc": value}, {"auc": value / 2}, 0.1, 0.1)


def test_seeds_of_two_purposes_or_runs_differ() -> None:
    seeds = {derive_seed(seed, purpose) for seed in range(50) for purpose in ("a", "b")}
    assert len(seeds) == 100
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert derive_seed(0, "a") == derive_seed(0, "a")


def test_the_weights_of_the_best_epoch_are_kept(make_model: Callable[..., Any]) -> None:
    model = make_model()
    progress = Progress.begin(model, TrainConfig(), 0)
    for epoch, value in enumerate([0.5, 0.9, 0.9, 0.1], start=1):
        with torch.no_grad():
            model.encoder.weight.fill_(epoch)
        progress.add(record(epoch, value), model)
        progress.add(EpochRecord(epoch, 1.0, {}, {}, 0.1, 0.0), model)  # not evaluated
    assert float(progress.best["encoder.weight"][0, 0]) == 2.0
    assert progress.best.keys() == model.state_dict().keys()


def test_generators_go_on_where_they_were(make_model: Callable[..., Any]) -> None:
    first = Progress.begin(make_model(), TrainConfig(), 0)
    states = first.generator_states()
    drawn = torch.rand(3), torch.rand(3, generator=first.generator)
    second = Progress.begin(make_model(), TrainConfig(), 1)
    second.restore_generators(states)
    again = torch.rand(3), torch.rand(3, generator=second.generator)
    assert all(torch.equal(a, b) for a, b in zip(drawn, again, strict=True))
    assert not torch.equal(*drawn)


@pytest.mark.parametrize(
    "states", [{}, {"batches": torch.zeros(3, dtype=torch.uint8), "dropout": torch.zeros(3)}]
)
def test_foreign_generator_states_are_refused(
    make_model: Callable[..., Any], states: dict[str, torch.Tensor]
) -> None:
    with pytest.raises(CheckpointError, match="states of the random generators"):
        Progress.begin(make_model(), TrainConfig(), 0).restore_generators(states)


def test_a_folder_restores_what_it_saved(tmp_path: Path, make_model: Callable[..., Any]) -> None:
    model, config = make_model(), TrainConfig()
    folder = RunFolder(tmp_path, {"seed": 0}, 0.0)
    progress = Progress.begin(model, config, 0)
    assert not folder.restore(model, progress)
    progress.add(record(1, 0.5), model)
    with torch.no_grad():
        model.encoder.weight.add_(1.0)
    progress.add(record(2, 0.4), model)
    folder.save(model, progress)
    other = make_model(seed=1)
    found = Progress.begin(other, config, 0)
    assert RunFolder(tmp_path, {"seed": 0}, 0.0).restore(other, found)
    assert found.history == progress.history
    assert not found.finished
    for name, value in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)
        assert torch.equal(found.best[name], progress.best[name])
    assert not torch.equal(found.best["encoder.weight"], other.encoder.weight)
    with pytest.raises(CheckpointError, match="made with seed = 0, this run has seed = 1"):
        RunFolder(tmp_path, {"seed": 1}, 0.0).restore(other, found)


def test_checkpoints_keep_their_distance_but_the_last_is_made(
    tmp_path: Path, make_model: Callable[..., Any]
) -> None:
    model = make_model()
    folder = RunFolder(tmp_path, {"seed": 0}, 3600.0)
    progress = Progress.begin(model, TrainConfig(), 0)
    progress.add(record(1, 0.5), model)
    folder.save(model, progress)
    assert list(tmp_path.iterdir()) == []
    progress.finished = True
    folder.save(model, progress)
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [CHECKPOINT_NAME, WEIGHTS_NAME]
    state = load_weights(tmp_path / WEIGHTS_NAME, make_model())
    assert state == {
        "epoch": 1,
        "valid": {"auc": 0.5},
        "test": {"auc": 0.25},
        "run": {"seed": 0},
    }


def test_what_a_killed_run_left_half_written_goes(tmp_path: Path) -> None:
    left = [tmp_path / f".{name}.0123abcd.partial" for name in (CHECKPOINT_NAME, WEIGHTS_NAME)]
    for path in left:
        path.write_bytes(b"half")
    RunFolder(tmp_path, {}, 0.0)
    assert list(tmp_path.iterdir()) == []


def test_a_checkpoint_without_all_its_epochs_is_refused(
    tmp_path: Path, make_model: Callable[..., Any]
) -> None:
    model = make_model()
    folder = RunFolder(tmp_path, {}, 0.0)
    progress = Progress.begin(model, TrainConfig(), 0)
    progress.history.append(record(2, 0.5))
    folder.save(model, progress)
    with pytest.raises(CheckpointError, match="lacks epochs"):
        folder.restore(model, progress)
