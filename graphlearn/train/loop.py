"""The loop that every trainer runs: epochs, the best validation epoch, checkpoints, resuming."""

from __future__ import annotations

import time
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import multiplies_bfloat16
from graphlearn.metrics.history import EpochRecord, FitResult, has_run_out_of_patience, summarize
from graphlearn.train.config import LoopConfig
from graphlearn.train.optimizer import make_optimizer
from graphlearn.train.progress import Progress, RunFolder


class Trainer(ABC):
    """Trains a model epoch by epoch and keeps the weights of its best validation epoch.

    A subclass says what an epoch is and how it is evaluated; see :class:`LinkTrainer` and
    :class:`GraphTrainer`. The caller's random stream is not touched: the loop draws from generators
    of its own, and dropout inside a fork of torch's.

    Args:
        model: Moved to the configured device and dtype, and trained in place.
        config: The settings.
        seed: Seed of all that the loop draws.
        metrics: The metrics' names; the first decides which epoch is the best.
        on_epoch: Called with the record of every epoch, before the checkpoint.

    Raises:
        InputTypeError: If the seed is no integer.
        InputError: If the seed is negative or the model has nothing to train.

    Example:
        >>> class Constant(Trainer):
        ...     def _train_epoch(self, progress, epoch):
        ...         return 0.0
        ...     def _evaluate(self, model, epoch):
        ...         return {"auc": 0.5}, {"auc": 0.5}
        >>> trainer = Constant(nn.Linear(1, 1), LoopConfig(epochs=2), seed=0, metrics=("auc",))
        >>> trainer.fit().test
        {'auc': 0.5}
    """

    def __init__(
        self,
        model: nn.Module,
        config: LoopConfig,
        *,
        seed: int,
        metrics: tuple[str, ...],
        on_epoch: Callable[[EpochRecord], None] | None = None,
    ) -> None:
        if isinstance(seed, bool) or not isinstance(seed, int):
            raise InputTypeError(f"seed is {seed!r}", expected="an integer >= 0")
        if seed < 0:
            raise InputError(f"seed is {seed}", expected="an integer >= 0")
        self.config, self.seed, self.on_epoch = config, seed, on_epoch
        self.device = config.torch_device()
        if config.autocast is not None and not multiplies_bfloat16(self.device.type):
            warnings.warn(
                f"autocast is {config.autocast}, for which this {self.device.type.upper()} has no "
                "instructions: training will be slower than in float32, by a multiple on older "
                "ones; leave autocast out (--set train.autocast=null)",
                stacklevel=3,
            )
        self.model = model.to(device=self.device, dtype=config.torch_dtype())
        self.metrics = metrics
        make_optimizer(self.model, config)  # refuses a model that cannot be trained, early
        self._folder: RunFolder | None = None
        self._keeps_last = False  # a subclass whose validation part may choose nothing sets it
        self._seconds_between = 0.0

    def _use_folder(self, run_dir: Path | str | None, identity: dict[str, Any]) -> None:
        """Keep checkpoints in ``run_dir``, of the run that ``identity`` describes."""
        if run_dir is not None:
            self._folder = RunFolder(run_dir, identity, self.config.checkpoint_seconds)

    def fit(self) -> FitResult:
        """Train, or go on training, and return the result; the model then has its best weights.

        Raises:
            DivergedError: If a loss or a validation score is NaN, with epoch, seed and batch.
            CheckpointError: If the checkpoint in ``run_dir`` is damaged or another run's.
            OutputError: If a checkpoint could not be written; the former one is then intact.
        """
        # Seeding inside a fork: the caller's stream goes on as if nothing had been drawn.
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []):
            progress = Progress.begin(
                self.model, self.config, self.seed, keeps_last=self._keeps_last
            )
            if self._folder is not None:
                self._folder.restore(self.model, progress)
            while not progress.finished:
                record = self._run_epoch(progress)
                if self.on_epoch is not None:
                    self.on_epoch(record)
                if self._folder is not None:
                    self._folder.save(self.model, progress)
        self.model.load_state_dict(progress.best)
        return summarize(self.seed, progress.history, keeps_last=self._keeps_last)

    def _run_epoch(self, progress: Progress) -> EpochRecord:
        """Train and evaluate one epoch and put its record, and maybe its weights, on file."""
        epoch = len(progress.history) + 1
        # What followed the last epoch is part of this one's training.
        start = time.perf_counter() - self._seconds_between
        loss = self._train_epoch(progress, epoch)
        evaluated = progress.evaluated(self.model)
        middle = time.perf_counter()
        last = epoch == self.config.epochs
        valid: dict[str, float] = {}
        test: dict[str, float] = {}
        if last or epoch % self.config.evaluate_every == 0:
            valid, test = self._evaluate(evaluated, epoch)
        end = time.perf_counter()
        record = EpochRecord(epoch, loss, valid, test, middle - start, end - middle)
        progress.add(record, evaluated)
        progress.finished = last or has_run_out_of_patience(
            progress.history, self.metrics[0], self.config.patience
        )
        end = time.perf_counter()
        if not progress.finished:
            self._after_epoch(epoch)
        self._seconds_between = time.perf_counter() - end
        return record

    def _after_epoch(self, epoch: int) -> None:  # noqa: B027  # few trainers have something to do
        """What modules do between two epochs, beside the gradients."""

    @abstractmethod
    def _train_epoch(self, progress: Progress, epoch: int) -> float:
        """Train for one epoch and return the mean of its batches' losses."""

    @abstractmethod
    def _evaluate(self, model: nn.Module, epoch: int) -> tuple[dict[str, float], dict[str, float]]:
        """Return validation and test metrics."""
