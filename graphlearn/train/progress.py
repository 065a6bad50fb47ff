"""What changes while a run goes on, and the folder that remembers it."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from graphlearn.errors import CheckpointError
from graphlearn.files import make_folder, remove_partial_files
from graphlearn.metrics.history import EpochRecord, best_record, summarize
from graphlearn.train.checkpoint import (
    CHECKPOINT_NAME,
    WEIGHTS_NAME,
    Checkpoint,
    check_same_run,
    load_checkpoint,
    save_checkpoint,
    save_weights,
)
from graphlearn.train.config import LoopConfig
from graphlearn.train.optimizer import load_optimizer_tensors, make_optimizer, optimizer_tensors
from graphlearn.train.tensor_file import load_into


def derive_seed(seed: int, purpose: str) -> int:
    """Return a seed of its own for one purpose, so that no two streams of a run are alike.

    A model is often initialised from the run's seed; dropout then must not repeat those draws.

    Args:
        seed: The run's seed.
        purpose: What the stream is for.

    Example:
        >>> derive_seed(0, "dropout") != derive_seed(0, "batches") != derive_seed(1, "batches")
        True
    """
    digest = hashlib.sha256(f"{seed} {purpose}".encode()).digest()
    return int.from_bytes(digest[:8], "little") % 2**63


@dataclass
class Progress:
    """The state of a run between two epochs, the model's weights apart.

    Args:
        optimizer: Updates the model.
        generator: Source of order and negatives, on the CPU.
        device: Where the model is.
        average: The moving average of the model's weights, if one is kept.
        history: A record for every epoch that is done.
        best: The model's ``state_dict`` at the best validation epoch of the first metric.
        finished: Whether no epoch is left to do.
        keeps_last: Whether ``best`` is to be the last evaluated epoch's weights, because nothing
            may choose an epoch.

    Example:
        >>> class Model(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.predictor = nn.Linear(1, 1)
        ...     def encode(self, x, graph):
        ...         return x
        >>> model = Model()
        >>> with torch.random.fork_rng([]):
        ...     progress = Progress.begin(model, LoopConfig(), seed=0)
        >>> progress.add(EpochRecord(1, 0.7, {"auc": 0.9}, {"auc": 0.8}, 0.4, 0.1), model)
        >>> list(progress.best)
        ['predictor.weight', 'predictor.bias']
    """

    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    device: torch.device
    average: AveragedModel | None = None
    history: list[EpochRecord] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)
    finished: bool = False
    keeps_last: bool = False

    @classmethod
    def begin(
        cls, model: nn.Module, config: LoopConfig, seed: int, *, keeps_last: bool = False
    ) -> Progress:
        """Return the state before the first epoch, and seed torch's own generators for dropout.

        Call it inside ``torch.random.fork_rng``.
        """
        torch.manual_seed(derive_seed(seed, "dropout"))
        generator = torch.Generator().manual_seed(derive_seed(seed, "batches"))
        average = None
        if config.weight_averaging is not None:
            blend = get_ema_multi_avg_fn(config.weight_averaging)  # type: ignore[no-untyped-call]
            average = AveragedModel(model, multi_avg_fn=blend)
        return cls(
            make_optimizer(model, config),
            generator,
            config.torch_device(),
            average,
            keeps_last=keeps_last,
        )

    def evaluated(self, model: nn.Module) -> nn.Module:
        """Return the model to evaluate and to keep: the average where there is one."""
        return model if self.average is None else self.average.module

    def add(self, record: EpochRecord, model: nn.Module) -> None:
        """Append an epoch's record, and keep the model's weights if they are the best so far."""
        self.history.append(record)
        choices = [record] if self.keeps_last else self.history
        best = best_record(choices, next(iter(record.valid), ""))
        if best is not record:
            return
        for name, value in model.state_dict().items():
            if name in self.best:
                self.best[name].copy_(value)
            else:
                self.best[name] = value.detach().clone()

    def generator_states(self) -> dict[str, Tensor]:
        """Return the states of every random generator that the run draws from."""
        states = {"batches": self.generator.get_state(), "dropout": torch.get_rng_state()}
        if self.device.type == "cuda":
            states["dropout_cuda"] = torch.cuda.get_rng_state(self.device)
        return states

    def restore_generators(self, states: Mapping[str, Tensor]) -> None:
        """Put back what :meth:`generator_states` gave.

        Raises:
            CheckpointError: If a state is missing or is none of this torch's.
        """
        try:
            self.generator.set_state(states["batches"].clone())
            torch.set_rng_state(states["dropout"].clone())
            if self.device.type == "cuda":
                torch.cuda.set_rng_state(states["dropout_cuda"].clone(), self.device)
        except (KeyError, RuntimeError, TypeError) as problem:
            raise CheckpointError(
                f"the states of the random generators cannot be put back ({problem!r})",
                expected="the states that this version of torch stores",
            ) from problem


class RunFolder:
    """A run's folder: the last checkpoint while it trains, the trained weights at its end.

    Making one clears away what a killed run left half-written.

    Args:
        path: The folder; made if missing.
        identity: What the run is; a checkpoint of another one is refused.
        checkpoint_seconds: Least time between two checkpoints.

    Raises:
        OutputError: If the folder cannot be made or written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     RunFolder(Path(folder) / "seed-0", {"seed": 0}, 10.0).path.is_dir()
        True
    """

    def __init__(
        self, path: Path | str, identity: Mapping[str, Any], checkpoint_seconds: float
    ) -> None:
        self.path = make_folder(path)
        self.identity = identity
        self.checkpoint_seconds = checkpoint_seconds
        self._saved_at = time.monotonic()
        for name in (CHECKPOINT_NAME, WEIGHTS_NAME):
            remove_partial_files(self.path / name)

    def restore(self, model: nn.Module, progress: Progress) -> bool:
        """Put the last checkpoint into ``model`` and ``progress``; False if there is none.

        Raises:
            CheckpointError: If it is damaged, or another run's.
        """
        path = self.path / CHECKPOINT_NAME
        if not path.exists():
            return False
        found = load_checkpoint(path)
        check_same_run(found.identity, self.identity, path)
        if [record.epoch for record in found.history] != list(range(1, len(found.history) + 1)):
            raise CheckpointError(f"{path} lacks epochs", expected="a record for every epoch")
        if found.best:
            load_into(model, found.best, path)
            progress.best = {k: v.detach().clone() for k, v in model.state_dict().items()}
        load_into(model, found.model, path)
        if progress.average is not None:
            load_into(progress.average, found.average, path)
        load_optimizer_tensors(model, progress.optimizer, found.optimizer)
        progress.restore_generators(found.rng)
        progress.history[:] = found.history
        progress.finished = found.finished
        return True

    def save(self, model: nn.Module, progress: Progress) -> None:
        """Write a checkpoint if it is time for one, or if the run is finished.

        Raises:
            OutputError: If it could not be written; the former one is then intact.
        """
        if progress.finished:
            # The weights before the checkpoint that says all is done: a kill between the two
            # repeats a few epochs and this write, and nothing is ever missing.
            result = summarize(0, progress.history, keeps_last=progress.keeps_last)
            save_weights(
                self.path / WEIGHTS_NAME,
                progress.best,
                {
                    "epoch": result.best_epoch,
                    "valid": result.valid,
                    "test": result.test,
                    "run": dict(self.identity),
                },
            )
        elif time.monotonic() - self._saved_at < self.checkpoint_seconds:
            return
        save_checkpoint(
            self.path / CHECKPOINT_NAME,
            Checkpoint(
                identity=self.identity,
                history=progress.history,
                finished=progress.finished,
                model=model.state_dict(),
                best=progress.best,
                average={} if progress.average is None else progress.average.state_dict(),
                optimizer=optimizer_tensors(model, progress.optimizer),
                rng=progress.generator_states(),
            ),
        )
        self._saved_at = time.monotonic()
