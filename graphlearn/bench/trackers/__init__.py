"""Trackers: what a run's seeds give goes to TensorBoard, W&B or MLflow while they train.

All of them follow one protocol, :class:`Tracker`; an object of your own that follows it does as
well: ``graphlearn.run(..., track=["tensorboard", mine])``.
"""

from graphlearn.bench.trackers.listening import TrackingListener, tracking
from graphlearn.bench.trackers.named import TRACKERS, Track, check_trackers
from graphlearn.bench.trackers.protocol import Outcome, TrackedSeed, Tracker

__all__ = [
    "TRACKERS",
    "Outcome",
    "Track",
    "TrackedSeed",
    "Tracker",
    "TrackingListener",
    "check_trackers",
    "tracking",
]
