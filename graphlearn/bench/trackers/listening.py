"""From a run's events to trackers' calls; a tracker that fails is left behind, the run goes on."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from graphlearn.bench.listener import Epoch, Listener, Listeners
from graphlearn.bench.plan import Job
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.trackers.named import Track, open_trackers
from graphlearn.bench.trackers.protocol import Outcome, TrackedSeed, Tracker

_MOST_OF_AN_ERROR = 200


@contextlib.contextmanager
def tracking(
    track: Sequence[Track], jobs: Sequence[Job], out: Path, listener: Listener
) -> Iterator[Listener]:
    """Yield a listener that tells ``listener`` and trackers; where nothing is left, that one alone.

    However the block ends, seeds that are still open are ended as killed, and trackers closed.

    Args:
        track: What :func:`graphlearn.bench.trackers.check_trackers` returned.
        jobs: Of the run, by their numbers.
        out: The run's folder.
        listener: Hears everything too.

    Raises:
        InputError: If a tracker cannot be used, its server not reached for example.
    """
    if not track or all(job.done is not None for job in jobs):
        yield listener
        return
    trackers = TrackingListener(
        open_trackers(track, out), [TrackedSeed.of(job) for job in jobs], say=_say
    )
    try:
        yield Listeners(listener, trackers)
    finally:
        trackers.close()


class TrackingListener:
    """Tells trackers what it hears of a run.

    Args:
        trackers: The trackers.
        seeds: Each job's seed, by the job's number.
        say: Told a line about a tracker that failed.

    Example:
        >>> listener = TrackingListener([], [])
        >>> listener.close()
    """

    def __init__(
        self,
        trackers: Sequence[Tracker],
        seeds: Sequence[TrackedSeed],
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.trackers, self.seeds = list(trackers), list(seeds)
        self._say = say or _say
        self._open: set[int] = set()

    def planned(self, labels: Sequence[str], epochs: Sequence[int]) -> None:
        """Say nothing: what is planned may be finished already."""

    def skipped(self, job: int, result: SeedResult) -> None:
        """Say nothing: the run that finished it told of it."""

    def started(self, job: int) -> None:
        """Start the seed."""
        self._open.add(job)
        self._each(lambda tracker: tracker.start(self.seeds[job]))

    def epoch(self, job: int, epoch: Epoch) -> None:
        """Log loss and validation metrics."""
        values = {"loss": epoch.loss, **_under("valid", epoch.valid)}
        self._each(lambda tracker: tracker.log(self.seeds[job], epoch.number, values))

    def noted(self, job: int, text: str) -> None:
        """Say nothing: it is for who waits for the run."""

    def failed(self, job: int) -> None:
        """End the seed as failed."""
        self._end(job, "failed", {})

    def finished(self, job: int, result: SeedResult) -> None:
        """End the seed with its final figures."""
        self._end(job, "finished", final_values(result))

    def close(self) -> None:
        """End what is open as killed, and close the trackers."""
        for job in sorted(self._open):
            self._end(job, "killed", {})
        self._each(lambda tracker: tracker.close())

    def _end(self, job: int, outcome: Outcome, values: Mapping[str, float]) -> None:
        self._open.discard(job)
        self._each(lambda tracker: tracker.end(self.seeds[job], outcome, values))

    def _each(self, call: Callable[[Tracker], None]) -> None:
        for tracker in list(self.trackers):
            try:
                call(tracker)
            # Whatever a service's client raises, hours of training are worth more than its curves.
            except Exception as error:  # noqa: BLE001
                self.trackers.remove(tracker)
                text = " ".join(f"{type(error).__name__}: {error}".split())[:_MOST_OF_AN_ERROR]
                self._say(f"{type(tracker).__name__} failed, going on without it ({text})")

    def __repr__(self) -> str:
        names = ", ".join(type(tracker).__name__ for tracker in self.trackers)
        return f"{type(self).__name__}([{names}], {len(self.seeds)} seeds)"


def final_values(result: SeedResult) -> dict[str, float]:
    """Return a finished seed's figures by the names that trackers show.

    Args:
        result: Of the seed.

    Example:
        >>> row = SeedResult("cn", "cora", 0, "", "", "", {"auc": 0.7}, {"auc": 0.8}, seconds=2)
        >>> final_values(row)
        {'test/auc': 0.7, 'best_valid/auc': 0.8, 'epochs': 0, 'seconds': 2}
    """
    return {
        **_under("test", result.test),
        **_under("best_valid", result.valid),
        **_under("best_epoch", result.best_epoch),
        "epochs": result.epochs,
        "seconds": result.seconds,
    }


def _under(name: str, values: Mapping[str, float]) -> dict[str, float]:
    return {f"{name}/{metric}": value for metric, value in values.items()}


def _say(text: str) -> None:
    sys.stderr.write(f"graphlearn: {text}\n")
    sys.stderr.flush()
