"""Trackers by name: checked before work starts, opened once a run is to write."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from graphlearn.bench.trackers.mlflow import MLflowTracker
from graphlearn.bench.trackers.protocol import Tracker
from graphlearn.bench.trackers.tensorboard import TensorBoardTracker
from graphlearn.bench.trackers.wandb import WandbTracker
from graphlearn.errors import InputTypeError
from graphlearn.registry import unknown_name

Track: TypeAlias = str | Tracker
"""A tracker's name, or an object that follows the protocol."""

TRACKERS: dict[str, type[TensorBoardTracker] | type[WandbTracker] | type[MLflowTracker]] = {
    "tensorboard": TensorBoardTracker,
    "wandb": WandbTracker,
    "mlflow": MLflowTracker,
}
"""Name, which is that of the extra too, to class."""

_CALLS = ("start", "log", "end", "close")


def check_trackers(track: str | Sequence[Track]) -> tuple[Track, ...]:
    """Return what was asked for as a tuple, once each can be used as far as this machine tells.

    Nothing is written and no server asked: that is for :func:`open_trackers`, when a run has been
    checked and is to start.

    Args:
        track: Names and objects, or a single name.

    Raises:
        UnknownNameError: If a name is not known.
        InputTypeError: If an object does not follow :class:`Tracker`.
        MissingExtraError: If the package that a name needs is not installed.

    Example:
        >>> check_trackers("tensorbord")
        Traceback (most recent call last):
        graphlearn.errors.UnknownNameError: unknown tracker 'tensorbord': expected one of mlflow, \
tensorboard, wandb; did you mean 'tensorboard'?
    """
    if not isinstance(track, str | Sequence):
        raise InputTypeError(f"track is {track!r}", expected="names, or objects, in a list")
    asked = [track] if isinstance(track, str) else list(track)
    found: list[Track] = []
    for one in asked:
        if one in found:
            continue  # asked for twice: one is enough
        if isinstance(one, str):
            if one not in TRACKERS:
                raise unknown_name("tracker", one, TRACKERS)
            TRACKERS[one].check()
        elif isinstance(one, type) or not all(callable(getattr(one, c, None)) for c in _CALLS):
            raise InputTypeError(
                f"tracker is {one!r}",
                expected=f"a name, or an object with the methods {', '.join(_CALLS)}",
            )
        found.append(one)
    return tuple(found)


def open_trackers(track: Sequence[Track], out: Path) -> list[Tracker]:
    """Return trackers that write under a run's folder.

    Args:
        track: What :func:`check_trackers` returned.
        out: The run's folder, which exists.

    Raises:
        InputError: If one cannot be used: its server is not reached, or nobody is logged in.
    """
    return [TRACKERS[one](out) if isinstance(one, str) else one for one in track]
