"""Weights & Biases: a run for each seed, on disk alone unless somebody is logged in."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from graphlearn.bench.trackers.protocol import Outcome, TrackedSeed
from graphlearn.bench.trackers.remembered import recall, remember
from graphlearn.errors import InputError
from graphlearn.extras import import_extra

PROJECT = "graphlearn"
"""The project of runs, where ``WANDB_PROJECT`` names no other."""

_EXIT_CODES: dict[Outcome, int] = {"finished": 0, "failed": 1, "killed": 255}  # W&B's own
_FINISH_SECONDS = 120  # W&B waits for its server without end otherwise
# How long W&B keeps what it heard in memory; by default 15 s, which a kill would lose. The setting
# has no promise to stay, so it is passed where it is known.
_KEPT_IN_MEMORY = {"x_transaction_log_flush_interval": 1.0}


class WandbTracker:
    """Makes a run of each seed, the seeds of a recipe in a group.

    Without ``WANDB_MODE``, and where no API key is found, runs are written to ``out/wandb`` alone;
    ``wandb sync`` sends them later. Nobody is asked for a key.

    Of a seed that was killed without warning (by SIGKILL, not by Ctrl-C) W&B may lack the last
    epoch, and its runs on disk may hold epochs twice that it told again, with the same values.

    Args:
        out: The run's folder; files go to ``out/wandb``.

    Raises:
        MissingExtraError: If wandb is not installed.
        InputError: If ``WANDB_MODE`` asks for a server and nobody is logged in, or W&B cannot be
            set up.

    Example:
        >>> from graphlearn.bench.trackers import TRACKERS
        >>> TRACKERS["wandb"]  # track="wandb" makes one
        <class 'graphlearn.bench.trackers.wandb.WandbTracker'>
    """

    def __init__(self, out: Path | str) -> None:
        self.check()
        self._folder = Path(out).resolve()
        self._mode = _mode()
        self._seeds: dict[str, _Open] = {}

    @staticmethod
    def check() -> None:
        """Raise unless the package is installed.

        Raises:
            MissingExtraError: If it is not.
        """
        _wandb()

    def start(self, seed: TrackedSeed) -> None:
        """Start a run, or go on with the one that the seed's folder remembers."""
        wandb = _wandb()
        known = recall(seed, "wandb")
        name = str(known.get("id") or secrets.token_hex(8))
        remember(seed, "wandb", id=name, step=known.get("step", 0))
        run = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            group=seed.group,
            name=seed.label,
            id=name,
            config=dict(seed.config),
            dir=str(self._folder),
            mode=self._mode,
            resume="allow",
            reinit="create_new",  # seeds of several workers are open at a time
            settings=wandb.Settings(
                console="off",  # what the terminal shows is no seed's own
                silent=True,
                finish_timeout=_FINISH_SECONDS,
                finish_timeout_raises=True,
                **{n: v for n, v in _KEPT_IN_MEMORY.items() if n in wandb.Settings.model_fields},
            ),
        )
        last = max(int(known.get("step", 0)), int(run.starting_step) - 1)
        self._seeds[seed.path] = _Open(run, name, last)

    def log(self, seed: TrackedSeed, step: int, values: Mapping[str, float]) -> None:
        """Log the values, unless the run has them from before it was stopped."""
        found = self._seeds[seed.path]
        if step > found.last:
            found.run.log(dict(values), step=step)
            found.last = step

    def end(self, seed: TrackedSeed, outcome: Outcome, values: Mapping[str, float]) -> None:
        """Finish the run; final values go into its summary."""
        found = self._seeds.pop(seed.path, None)
        if found is None:  # interrupted while it started
            return
        found.run.summary.update(dict(values))
        remember(seed, "wandb", id=found.name, step=found.last)
        found.run.finish(exit_code=_EXIT_CODES[outcome])

    def close(self) -> None:
        """Finish the runs of seeds that did not end."""
        while self._seeds:
            _, found = self._seeds.popitem()
            found.run.finish(exit_code=_EXIT_CODES["killed"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(mode={self._mode!r})"


@dataclass
class _Open:
    """A run that goes on: W&B's object, its id, and the last step that it has."""

    run: Any
    name: str
    last: int


def _wandb() -> Any:
    return import_extra("wandb", extra="wandb", purpose="tracking with W&B")


def _mode() -> Literal["offline"] | None:
    """Off line unless W&B's own settings or a key say otherwise; None leaves it to W&B."""
    wandb = _wandb()
    try:
        mode = wandb.setup().settings.mode
        # Its own settings are WANDB_MODE, and `wandb offline` in this folder.
        if mode not in ("online", "shared") or wandb.login(prompt=False, verify=True):
            return None
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())
        raise InputError(
            f"W&B cannot be used ({text[:300]})",
            expected="settings that wandb takes",
            mend="see: wandb login --help; or set WANDB_MODE=offline",
        ) from error
    if "WANDB_MODE" in os.environ:
        raise InputError(
            f"WANDB_MODE is {mode!r} and nobody is logged in to W&B",
            expected="an API key",
            mend="run: wandb login, or set WANDB_API_KEY, or WANDB_MODE=offline",
        )
    return "offline"
