"""When every chunk has its turn on every stage, worked out from what the turns take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from graphlearn.errors import InputError
from graphlearn.pipeline.records import Turn
from graphlearn.validate import check_number

Seconds = Sequence[Sequence[float]]


@dataclass(frozen=True)
class Timeline:
    """The turns of an epoch, simulated or measured.

    Args:
        turns: Of each stage, in any order.

    Raises:
        InputError: If there is no stage, or no turn.

    Example:
        >>> timeline = simulate_turns([[1.0, 1.0], [1.0, 1.0]], [[2.0, 2.0], [2.0, 2.0]])
        >>> timeline.seconds, timeline.efficiency, round(timeline.bubble, 3)
        (9.0, 0.6666666666666666, 0.333)
        >>> timeline.stage_busy(1)
        6.0
    """

    turns: tuple[tuple[Turn, ...], ...]

    def __post_init__(self) -> None:
        if not any(self.turns):
            raise InputError("the timeline has no turns", expected="one at least")

    @property
    def num_stages(self) -> int:
        """S."""
        return len(self.turns)

    @property
    def seconds(self) -> float:
        """From the first turn's begin to the last one's end."""
        every = [turn for stage in self.turns for turn in stage]
        return max(turn.end for turn in every) - min(turn.begin for turn in every)

    def stage_busy(self, stage: int) -> float:
        """Seconds of a stage's turns, summed.

        Args:
            stage: Which stage.
        """
        return sum(turn.end - turn.begin for turn in self.turns[stage])

    @property
    def efficiency(self) -> float:
        """The share of their time that the stages work, all together."""
        busy = sum(self.stage_busy(stage) for stage in range(self.num_stages))
        whole = self.num_stages * self.seconds
        return busy / whole if whole > 0 else 1.0

    @property
    def bubble(self) -> float:
        """The share of their time that the stages wait."""
        return 1.0 - self.efficiency


def simulate_turns(
    forward: Seconds,
    backward: Seconds,
    *,
    latency: float = 0.0,
    transfer: Sequence[float] | float = 0.0,
    order: Sequence[int] | None = None,
) -> Timeline:
    """Play an epoch's schedule: all chunks forward in order, then all back in reverse.

    A stage takes a chunk as soon as it is through with the one before and the neighboring stage's
    message has come. A message is under way for ``latency + transfer`` seconds and keeps the link
    busy for ``transfer`` of them; nobody waits for it to be sent. A stage goes back when it has
    been through all its chunks. Turns that take the same on all stages and for all chunks give an
    efficiency of exactly K / (K + S - 1). O(S K).

    Args:
        forward: Seconds of every chunk on every stage, by chunk number.
        backward: Likewise on the way back.
        latency: Seconds that a message takes, however small.
        transfer: Seconds that a message keeps the link busy; one number, or one for each chunk.
        order: Of the chunks; by their numbers if None.

    Shapes:
        - **forward**, **backward**: ``[S][K]``; **transfer**: ``[K]`` or a number; **order**:
          ``[K]``

    Raises:
        InputTypeError: If a number is none.
        InputError: If shapes do not fit each other, a number is negative or not finite, or the
            order is none of the chunks.

    Example:
        >>> timeline = simulate_turns([[1.0], [1.0]], [[2.0], [2.0]], latency=0.5)
        >>> [(turn.begin, turn.end) for turn in timeline.turns[1]]
        [(1.5, 2.5), (2.5, 4.5)]
        >>> timeline.turns[0][1]
        Turn(chunk=0, forward=False, begin=5.0, end=7.0)
    """
    forward, backward = _check(forward, "forward"), _check(backward, "backward")
    stages, chunks = len(forward), len(forward[0])
    if len(backward) != stages or len(backward[0]) != chunks:
        raise InputError(
            f"backward is {len(backward)} stages x {len(backward[0])} chunks",
            expected=f"{stages} x {chunks}, as forward",
        )
    given: Any = transfer
    moves = [given] * chunks if isinstance(given, (int, float)) else list(given)
    (moves,) = _check([moves], "transfer")
    if len(moves) != chunks:
        raise InputError(f"transfer has {len(moves)} numbers", expected=f"{chunks}, one a chunk")
    (_, [delay]) = _check([[0.0], [latency]], "latency")
    places = list(range(chunks)) if order is None else list(order)
    if sorted(places) != list(range(chunks)):
        raise InputError(f"order is {places}", expected=f"each chunk of 0 to {chunks - 1} once")

    turns: list[list[Turn]] = [[] for _ in range(stages)]
    free = [0.0] * stages
    for is_forward, seconds in ((True, forward), (False, backward)):
        sequence = places if is_forward else places[::-1]
        arrival = [0.0] * chunks
        for stage in range(stages) if is_forward else reversed(range(stages)):
            link = 0.0
            for chunk in sequence:
                begin = max(free[stage], arrival[chunk])
                end = free[stage] = begin + seconds[stage][chunk]
                turns[stage].append(Turn(chunk, is_forward, begin, end))
                link = max(link, end) + moves[chunk]
                arrival[chunk] = link + delay
    return Timeline(tuple(tuple(stage) for stage in turns))


def turn_seconds(
    turns: Sequence[Sequence[Turn]], *, forward: bool, chunks: int
) -> list[list[float]]:
    """What each chunk took on each stage, for :func:`simulate_turns`; the least of several epochs.

    Args:
        turns: Of each stage, of one epoch or more, as :class:`PipelineEpoch` has them.
        forward: Which way.
        chunks: K.

    Raises:
        InputError: If a chunk had no turn on a stage.

    Example:
        >>> turns = [Turn(0, True, 0.0, 1.0), Turn(1, True, 1.0, 3.0), Turn(0, True, 9.0, 9.5)]
        >>> turn_seconds([turns], forward=True, chunks=2)
        [[0.5, 2.0]]
    """
    found = []
    for stage, own in enumerate(turns):
        least: dict[int, float] = {}
        for turn in own:
            if turn.forward == forward:
                took = turn.end - turn.begin
                least[turn.chunk] = min(took, least.get(turn.chunk, took))
        missing = [chunk for chunk in range(chunks) if chunk not in least]
        if missing:
            raise InputError(
                f"chunk {missing[0]} has no turn on stage {stage}",
                expected=f"turns of {chunks} chunks",
            )
        found.append([least[chunk] for chunk in range(chunks)])
    return found


def _check(table: Any, name: str) -> list[list[float]]:
    rows = [[check_number(value, name=name) for value in row] for row in table]
    if not rows or not rows[0] or any(len(row) != len(rows[0]) for row in rows):
        raise InputError(
            f"{name} has {[len(row) for row in rows]} numbers",
            expected="as many for each stage, one at least",
        )
    low = min(min(row) for row in rows)
    if low < 0:
        raise InputError(f"{name} holds {low}", expected="numbers >= 0")
    return rows
