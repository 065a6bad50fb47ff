"""What a tracker is: it hears of each seed's start, values and end."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

import graphlearn
from graphlearn.bench.plan import Job

Outcome = Literal["finished", "failed", "killed"]
"""How a seed ended: with a result, by an error of its own, or because the run was stopped."""

_NO_CONFIG = ("name", "title", "seeds", "published", "swept")


@dataclass(frozen=True)
class TrackedSeed:
    """One seed as trackers know it.

    Args:
        label: What to call it: ``"ncn on cora, seed 0"``.
        path: Where it lies under the run's folder, unique in it: ``"ncn-cora-0a1b2c3d/seed-0"``.
        config: Recipe, seed and digests, flat: ``{"train.epochs": 100, "seed": 0, ...}``.
        folder: Its folder, which keeps what a tracker has to know to go on after a resume.
        key: What makes it the same seed: of another recipe, data, seed or version it differs.

    Example:
        >>> seed = TrackedSeed("cn on cora, seed 0", "cn-cora-0a/seed-0", {}, Path("runs"), "ab")
        >>> seed.group
        'cn-cora-0a'
    """

    label: str
    path: str
    config: Mapping[str, str | int | float | bool | None]
    folder: Path
    key: str

    @property
    def group(self) -> str:
        """What the seeds of one recipe share."""
        return self.path.split("/")[0]

    @classmethod
    def of(cls, job: Job) -> TrackedSeed:
        """Return a job's seed."""
        mapping = job.recipe.to_mapping()
        config = flat({name: v for name, v in mapping.items() if name not in _NO_CONFIG})
        same: dict[str, str | int | float | bool | None] = {
            "recipe": job.recipe.name,
            "seed": job.seed,
            "recipe_digest": job.recipe.digest(),
            "dataset_hash": job.dataset_hash,
            "graphlearn": graphlearn.__version__,
        }
        key = hashlib.sha256(json.dumps(same, sort_keys=True).encode()).hexdigest()
        folder = job.folder.seed(job.seed)
        path = f"{job.folder.path.resolve().name}/{folder.name}"
        return cls(job.label, path, {**same, **config}, folder, key)


class Tracker(Protocol):
    """Keeps what seeds give where people look at it.

    All calls come from the main process, one after the other, also where seeds are trained side by
    side by workers: several seeds may be open at a time. An error that a call raises is told in a
    line, and the run goes on without the tracker.
    """

    def start(self, seed: TrackedSeed) -> None:
        """Training begins, or goes on where a stopped run was: then add to what is there."""

    def log(self, seed: TrackedSeed, step: int, values: Mapping[str, float]) -> None:
        """An epoch gave values: ``{"loss": 0.2, "valid/hits@20": 0.5}``.

        A run that was killed hears some epochs again when it goes on, with the same values.
        """

    def end(self, seed: TrackedSeed, outcome: Outcome, values: Mapping[str, float]) -> None:
        """The seed ended; ``values`` are its final figures, none unless it is finished."""

    def close(self) -> None:
        """The run is over, and every seed has ended; another run may follow."""


def flat(mapping: Mapping[str, Any]) -> dict[str, str | int | float | bool | None]:
    """Return nested mappings as one, with dotted keys; lists as JSON.

    Args:
        mapping: Plain values.

    Example:
        >>> flat({"train": {"epochs": 3}, "metrics": ["auc"]})
        {'train.epochs': 3, 'metrics': '["auc"]'}
    """
    found: dict[str, str | int | float | bool | None] = {}
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            found |= {f"{name}.{key}": inner for key, inner in flat(value).items()}
        elif value is None or isinstance(value, str | int | float):
            found[name] = value
        else:
            found[name] = json.dumps(value)
    return found
