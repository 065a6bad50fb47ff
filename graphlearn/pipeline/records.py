"""What an epoch of pipelined training gave, and when each chunk had its turn."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Turn:
    """A chunk's turn on a stage, in seconds since the epoch began: one bar of the timeline."""

    chunk: int
    forward: bool
    begin: float
    end: float


@dataclass(frozen=True)
class PipelineEpoch:
    """What an epoch of training gave.

    Args:
        epoch: Its number, from 0.
        loss: The mean over the training nodes.
        seconds: It took.
        sent_bytes: Of representations and gradients, by all processes: between stages and between
            ways.
        turns: Of this process.
    """

    epoch: int
    loss: float
    seconds: float
    sent_bytes: tuple[int, int]
    turns: list[Turn] = field(default_factory=list, repr=False)
