"""What a training's processes did in one of its epochs, put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from graphlearn.pipeline.records import PipelineEpoch
from graphlearn.pipeline.schedule import efficiency
from graphlearn.pipeline.timeline import Timeline
from graphlearn.pipeline.trainer import PipelineTrainer


@dataclass(frozen=True)
class PipelineProfile:
    """An epoch of median length, as all stages saw it.

    Args:
        stages: S.
        ways: W.
        chunks: K.
        epoch: Which epoch it was, from 0.
        seconds: It took, by the first process's clock.
        sent_bytes: Between stages and between ways, by all processes.
        timeline: The turns of every stage, on way 0.
        layers: Of every stage.

    Example:
        >>> from graphlearn.pipeline.timeline import simulate_turns
        >>> turns = simulate_turns([[1.0] * 4] * 2, [[2.0] * 4] * 2)
        >>> found = PipelineProfile(2, 1, 4, 7, 15.0, (1000, 0), turns, (range(2), range(2, 4)))
        >>> found.bubble, found.ideal_bubble, found.stage_seconds
        (0.2, 0.2, [12.0, 12.0])
    """

    stages: int
    ways: int
    chunks: int
    epoch: int
    seconds: float
    sent_bytes: tuple[int, int]
    timeline: Timeline
    layers: tuple[range, ...]

    @property
    def stage_seconds(self) -> list[float]:
        """What each stage worked."""
        return [self.timeline.stage_busy(stage) for stage in range(self.stages)]

    @property
    def bubble(self) -> float:
        """The share of their time that stages waited."""
        return round(self.timeline.bubble, 4)

    @property
    def ideal_bubble(self) -> float:
        """That of a pipeline whose turns all take the same."""
        return round(1.0 - efficiency(self.chunks, self.stages), 4)


def gather_profile(
    trainer: PipelineTrainer, epochs: Sequence[PipelineEpoch]
) -> PipelineProfile | None:
    """Put together what all processes have of one epoch; every process has to call it.

    Args:
        trainer: The training.
        epochs: Some of its epochs, the same ones on every process. The one of median length is
            taken, and not the very first, which fills caches.

    Returns:
        The same on every process; None if there are no epochs.

    Raises:
        PeerLostError: If another process died or hangs.
    """
    lengths = trainer.place.gather([(record.seconds, record.epoch) for record in epochs])[0]
    assert isinstance(lengths, list)
    if not lengths:
        return None
    later = lengths[1:] or lengths
    chosen = sorted(later)[(len(later) - 1) // 2][1]
    mine = next(record for record in epochs if record.epoch == chosen)
    gathered = trainer.place.gather((mine.turns, mine.seconds))
    place = trainer.place
    turns = []
    for stage in range(place.stages):
        part = gathered[place.rank_of(stage, 0)]
        assert isinstance(part, tuple)
        turns.append(tuple(part[0]))
    first = gathered[0]
    assert isinstance(first, tuple)
    return PipelineProfile(
        stages=place.stages,
        ways=place.ways,
        chunks=trainer.layout.num_chunks,
        epoch=chosen,
        seconds=first[1],
        sent_bytes=mine.sent_bytes,
        timeline=Timeline(tuple(turns)),
        layers=tuple(trainer.layer_ranges),
    )
