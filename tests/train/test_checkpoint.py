from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from torch import nn

from graphlearn.errors import CheckpointError, OutputError
from graphlearn.metrics.history import EpochRecord
from graphlearn.train import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    save_checkpoint,
    save_weights,
)
from graphlearn.train.checkpoint import LATER_SETTINGS, check_same_run
from graphlearn.train.config import TrainConfig
from graphlearn.train.tensor_file import write_tensors


def example(fill: float = 1.0) -> Checkpoint:
    return Checkpoint(
        identity={"seed": 3, "config.rate": 0.1},
        history=[EpochRecord(1, 1 / 3, {"auc": 0.1 + 0.2}, {"auc": 2 / 3}, 0.1, 0.2)],
        finished=False,
        model={"encoder.weight": torch.full((2, 3), fill)},
        best={"encoder.weight": torch.zeros(2, 3)},
        optimizer={"step.encoder.weight": torch.tensor(4.0)},
        rng={"batches": torch.Generator().get_state()},
    )


def test_a_checkpoint_comes_back_exactly(tmp_path: Path) -> None:
    saved = example()
    save_checkpoint(tmp_path / "a", saved)
    found = load_checkpoint(tmp_path / "a")
    assert found.identity == saved.identity
    assert found.history == saved.history  # floats exactly, too
    assert not found.finished
    for group in ("model", "best", "optimizer", "rng"):
        there, here = getattr(found, group), getattr(saved, group)
        assert there.keys() == here.keys()
        assert all(torch.equal(there[name], here[name]) for name in here)


def test_it_unpickles_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    save_checkpoint(tmp_path / "a", example())

    def refuse(*arguments: object, **options: object) -> None:
        raise AssertionError("something was unpickled")

    for name in ("pickle.load", "pickle.loads", "pickle.Unpickler", "torch.load"):
        monkeypatch.setattr(name, refuse)
    assert load_checkpoint(tmp_path / "a").identity["seed"] == 3


def test_a_full_disk_leaves_the_former_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a"
    save_checkpoint(path, example(1.0))

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OutputError, match="No space left on device"):
        save_checkpoint(path, example(2.0))
    monkeypatch.undo()
    assert float(load_checkpoint(path).model["encoder.weight"][0, 0]) == 1.0
    assert [entry.name for entry in tmp_path.iterdir()] == ["a"]


@pytest.mark.parametrize(
    "state",
    [
        {},
        {"identity": {}, "history": [{"epoch": 1}], "finished": False},
        {"identity": 3, "history": [], "finished": False},
        {"identity": {}, "history": [3], "finished": False},
    ],
)
def test_a_state_laid_out_otherwise_is_refused(tmp_path: Path, state: dict[str, object]) -> None:
    write_tensors(tmp_path / "a", "checkpoint", {}, state)
    with pytest.raises(CheckpointError, match="not laid out as a checkpoint"):
        load_checkpoint(tmp_path / "a")


def test_an_unknown_group_of_tensors_is_refused(tmp_path: Path) -> None:
    state = {"identity": {}, "history": [], "finished": False}
    write_tensors(tmp_path / "a", "checkpoint", {"other.a": torch.ones(1)}, state)
    with pytest.raises(CheckpointError, match="not laid out as a checkpoint"):
        load_checkpoint(tmp_path / "a")


def test_the_first_difference_is_named() -> None:
    wanted = {"seed": 0, "config.epochs": 5, "config.batch_size": 9}
    check_same_run(dict(wanted), wanted, "a")
    with pytest.raises(CheckpointError, match="made with config.epochs = 6.*config.epochs = 5"):
        check_same_run({"seed": 0, "config.epochs": 6, "config.batch_size": 8}, wanted, "a")
    with pytest.raises(CheckpointError, match="seed = nothing, this run has seed = 0"):
        check_same_run({}, wanted, "a")
    with pytest.raises(CheckpointError, match="more = 1, this run has more = nothing"):
        check_same_run({**wanted, "more": 1}, wanted, "a")


def test_settings_that_a_checkpoint_is_too_old_for_are_their_defaults() -> None:
    wanted = {"seed": 0}
    for name, default in LATER_SETTINGS.items():
        assert default == getattr(TrainConfig(), name.removeprefix("config."))
        check_same_run({"seed": 0}, {**wanted, name: default}, "a")
        with pytest.raises(CheckpointError, match=f"made with {name} = {default}, this run"):
            check_same_run({"seed": 0}, {**wanted, name: "other"}, "a")


def test_weights_and_checkpoints_are_not_confused(tmp_path: Path) -> None:
    layer, other = nn.Linear(2, 1), nn.Linear(2, 1)
    save_weights(tmp_path / "weights", layer.state_dict(), {"model": "linear"})
    save_checkpoint(tmp_path / "checkpoint", example())
    assert load_weights(tmp_path / "weights", other) == {"model": "linear"}
    assert torch.equal(other.weight, layer.weight)
    with pytest.raises(CheckpointError, match="kind 'weights': expected kind 'checkpoint'"):
        load_checkpoint(tmp_path / "weights")
    with pytest.raises(CheckpointError, match="kind 'checkpoint': expected kind 'weights'"):
        load_weights(tmp_path / "checkpoint", other)
    with pytest.raises(CheckpointError, match=r"weights: weight is float32\[1, 2\]"):
        load_weights(tmp_path / "weights", nn.Linear(3, 1))
