"""Checkpoints: all that a run needs to go on as if it had never stopped.

One file holds the weights, the best weights so far, the optimizer's state, the states of the
random generators, the records of every epoch, and what the run is: its settings, seed, split and
parameter shapes. It is replaced atomically, so a killed run finds the last whole one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from graphlearn.errors import CheckpointError
from graphlearn.metrics.history import EpochRecord
from graphlearn.train.tensor_file import load_into, read_tensors, write_tensors

CHECKPOINT_NAME = "checkpoint.safetensors"
"""The checkpoint's name in a run's folder."""

WEIGHTS_NAME = "model.safetensors"
"""The name of the trained weights in a run's folder."""

_GROUPS = ("model", "best", "average", "optimizer", "rng")


@dataclass(frozen=True)
class Checkpoint:
    """The state of a run at the end of an epoch.

    Args:
        identity: What the run is, as plain values; see ``identity.run_identity``.
        history: A record for every epoch that is done.
        finished: Whether no epoch is left to do.
        model: The model's ``state_dict``.
        best: Likewise at the best validation epoch; empty before the first evaluation.
        average: Likewise of the moving average of the weights, with how many steps it holds;
            empty where none is kept.
        optimizer: The optimizer's state.
        rng: States of the random generators.

    Example:
        >>> import tempfile, torch
        >>> checkpoint = Checkpoint({"seed": 0}, [], False, model={"weight": torch.ones(1)})
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / CHECKPOINT_NAME
        ...     save_checkpoint(path, checkpoint)
        ...     load_checkpoint(path).model
        {'weight': tensor([1.])}
    """

    identity: Mapping[str, Any]
    history: list[EpochRecord]
    finished: bool
    model: Mapping[str, Tensor] = field(default_factory=dict)
    best: Mapping[str, Tensor] = field(default_factory=dict)
    average: Mapping[str, Tensor] = field(default_factory=dict)
    optimizer: Mapping[str, Tensor] = field(default_factory=dict)
    rng: Mapping[str, Tensor] = field(default_factory=dict)


def save_checkpoint(path: Path | str, checkpoint: Checkpoint) -> None:
    """Write a checkpoint; whenever the process dies, the file is the former one or this one.

    Args:
        path: The file.
        checkpoint: The state.

    Raises:
        OutputError: If it could not be written; the former one is then intact.
        CheckpointError: If the model's state holds something that is no dense tensor.
    """
    tensors = {
        f"{group}.{name}": tensor
        for group in _GROUPS
        for name, tensor in getattr(checkpoint, group).items()
    }
    state = {
        "identity": dict(checkpoint.identity),
        "history": [record.as_dict() for record in checkpoint.history],
        "finished": checkpoint.finished,
    }
    write_tensors(path, "checkpoint", tensors, state)


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Read a checkpoint.

    Args:
        path: The file.

    Raises:
        CheckpointError: If it is missing, truncated, or no checkpoint of this package.
    """
    tensors, state = read_tensors(path, "checkpoint")
    groups: dict[str, dict[str, Tensor]] = {group: {} for group in _GROUPS}
    try:
        for key, tensor in tensors.items():
            group, _, name = key.partition(".")
            groups[group][name] = tensor
        history = [EpochRecord(**record) for record in state["history"]]
        identity, finished = dict(state["identity"]), bool(state["finished"])
    except (KeyError, TypeError, ValueError) as problem:
        raise CheckpointError(
            f"{path} is not laid out as a checkpoint ({problem!r})",
            expected="a checkpoint that this version of graphlearn wrote",
        ) from problem
    return Checkpoint(identity, history, finished, **groups)


LATER_SETTINGS: dict[str, Any] = {
    "config.weight_averaging": None,
    "config.negatives_apart": False,
    "config.autocast": None,
}
"""Settings that checkpoints of earlier versions do not name, with what those trained with."""


def check_same_run(found: Mapping[str, Any], wanted: Mapping[str, Any], path: Path | str) -> None:
    """Raise unless a checkpoint was made by the run that wants to go on from it.

    A setting that came into the package after the checkpoint was made is its default there: that
    is what it was trained with.

    Args:
        found: The identity in the checkpoint.
        wanted: The identity of this run.
        path: The checkpoint, for the error text.

    Raises:
        CheckpointError: Naming the first difference.

    Example:
        >>> check_same_run({"seed": 0}, {"seed": 1}, "a.safetensors")
        Traceback (most recent call last):
        ...
        graphlearn.errors.CheckpointError: a.safetensors was made with seed = 0, this run has \
seed = 1: expected the checkpoint of this very run; give this run another folder, or the settings \
of the one it should continue
    """
    absent = "nothing"
    for key in [*wanted, *(key for key in found if key not in wanted)]:
        here = wanted.get(key, absent)
        there = found.get(key, LATER_SETTINGS.get(key, absent))
        if there != here:
            raise CheckpointError(
                f"{path} was made with {key} = {there}, this run has {key} = {here}",
                expected="the checkpoint of this very run",
                mend="give this run another folder, or the settings of the one it should continue",
            )


def save_weights(path: Path | str, tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> None:
    """Write a trained model's weights with a few plain values beside them, atomically.

    Args:
        path: The file.
        tensors: The model's ``state_dict``.
        state: What the weights are: JSON values, such as the recipe to build the model from.

    Raises:
        OutputError: If it could not be written; the former file is then intact.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / WEIGHTS_NAME
        ...     save_weights(path, nn.Linear(3, 2).state_dict(), {"model": "linear"})
        ...     load_weights(path, nn.Linear(3, 2))
        {'model': 'linear'}
    """
    write_tensors(path, "weights", tensors, state)


def load_weights(path: Path | str, model: nn.Module) -> dict[str, Any]:
    """Copy the weights of a file into a model and return the values stored beside them.

    Args:
        path: The file.
        model: A model of the same shapes and dtypes.

    Raises:
        CheckpointError: If the file is missing, truncated, foreign, or of another model.
    """
    tensors, state = read_tensors(path, "weights")
    load_into(model, tensors, path)
    return state
