"""What a run tells while it goes on; progress bars listen, tests listen, silence listens too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from graphlearn.bench.seed_result import SeedResult


@dataclass(frozen=True)
class Epoch:
    """One finished epoch, small enough to send between processes.

    Args:
        number: Counted from 1.
        loss: Mean training loss.
        valid: Validation metrics; empty if this epoch was not evaluated.

    Example:
        >>> Epoch(1, 0.7, {"auc": 0.9}).valid["auc"]
        0.9
    """

    number: int
    loss: float
    valid: dict[str, float]


class Listener(Protocol):
    """Hears of every step of a run; a job is known by its number."""

    def planned(self, labels: Sequence[str], epochs: Sequence[int]) -> None:
        """All jobs are known: ``"ncn on cora, seed 0"`` and how many epochs each may take."""

    def skipped(self, job: int, result: SeedResult) -> None:
        """A job was finished in an earlier run."""

    def started(self, job: int) -> None:
        """A job began."""

    def epoch(self, job: int, epoch: Epoch) -> None:
        """A job finished an epoch."""

    def noted(self, job: int, text: str) -> None:
        """There is something to say of a job before its first epoch."""

    def failed(self, job: int) -> None:
        """A job met an error, which ends the run; of jobs beside it nothing more is heard."""

    def finished(self, job: int, result: SeedResult) -> None:
        """A job is done and in the ledger."""


class Silence:
    """A listener that says nothing.

    Example:
        >>> Silence().started(0)
    """

    def planned(self, labels: Sequence[str], epochs: Sequence[int]) -> None:
        """Say nothing."""

    def skipped(self, job: int, result: SeedResult) -> None:
        """Say nothing."""

    def started(self, job: int) -> None:
        """Say nothing."""

    def epoch(self, job: int, epoch: Epoch) -> None:
        """Say nothing."""

    def noted(self, job: int, text: str) -> None:
        """Say nothing."""

    def failed(self, job: int) -> None:
        """Say nothing."""

    def finished(self, job: int, result: SeedResult) -> None:
        """Say nothing."""


class Listeners:
    """Several listeners as one: each hears everything, in the order given.

    Args:
        listeners: The listeners.

    Example:
        >>> Listeners(Silence(), Silence()).started(0)
    """

    def __init__(self, *listeners: Listener) -> None:
        self.listeners = listeners

    def planned(self, labels: Sequence[str], epochs: Sequence[int]) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.planned(labels, epochs)

    def skipped(self, job: int, result: SeedResult) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.skipped(job, result)

    def started(self, job: int) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.started(job)

    def epoch(self, job: int, epoch: Epoch) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.epoch(job, epoch)

    def noted(self, job: int, text: str) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.noted(job, text)

    def failed(self, job: int) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.failed(job)

    def finished(self, job: int, result: SeedResult) -> None:
        """Tell each."""
        for listener in self.listeners:
            listener.finished(job, result)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(map(repr, self.listeners))})"
