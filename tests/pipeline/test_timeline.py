from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.records import Turn
from graphlearn.pipeline.schedule import efficiency
from graphlearn.pipeline.timeline import Timeline, simulate_turns, turn_seconds

SIZE = st.integers(1, 6)


def table(stages: int, chunks: int, value: float) -> list[list[float]]:
    return [[value] * chunks for _ in range(stages)]


@given(SIZE, SIZE, st.integers(1, 50), st.integers(1, 50))
def test_equal_turns_give_the_ideal_efficiency_exactly(stages, chunks, there, back) -> None:
    timeline = simulate_turns(table(stages, chunks, there), table(stages, chunks, back))
    assert timeline.seconds == (chunks + stages - 1) * (there + back)
    assert timeline.efficiency == efficiency(chunks, stages)
    assert timeline.bubble == 1 - timeline.efficiency


@st.composite
def cases(draw):
    stages, chunks = draw(SIZE), draw(SIZE)
    row = st.lists(st.integers(0, 20), min_size=chunks, max_size=chunks)
    tables = st.lists(row, min_size=stages, max_size=stages)
    return draw(tables), draw(tables), draw(st.integers(0, 5)), draw(st.permutations(range(chunks)))


@given(cases())
def test_what_holds_of_every_schedule(case) -> None:
    forward, backward, latency, order = case
    timeline = simulate_turns(forward, backward, latency=latency, transfer=1, order=order)
    stages, chunks = len(forward), len(order)
    for stage, turns in enumerate(timeline.turns):
        assert [turn.chunk for turn in turns] == [*order, *order[::-1]]
        assert [turn.forward for turn in turns] == [True] * chunks + [False] * chunks
        for one, following in pairwise(turns):
            assert following.begin >= one.end
        for turn in turns:
            seconds = forward if turn.forward else backward
            assert turn.end - turn.begin == seconds[stage][turn.chunk]
        assert timeline.stage_busy(stage) == sum(forward[stage]) + sum(backward[stage])
    for upper, lower in pairwise(timeline.turns):
        for one, other in zip(upper, lower, strict=True):
            if one.forward:
                assert other.begin >= one.end + latency + 1
        up = {turn.chunk: turn for turn in upper if not turn.forward}
        for turn in lower:
            if not turn.forward:
                assert up[turn.chunk].begin >= turn.end + latency + 1
    least = max(timeline.stage_busy(stage) for stage in range(stages))
    assert timeline.seconds <= sum(map(sum, forward)) + sum(map(sum, backward)) + 2 * (
        stages - 1
    ) * (latency + chunks)
    assert 0 <= timeline.efficiency <= 1
    assert max(turn.end for turns in timeline.turns for turn in turns) >= least


@given(cases())
def test_waiting_longer_never_ends_sooner(case) -> None:
    forward, backward, latency, order = case
    some = simulate_turns(forward, backward, latency=latency, order=order).seconds
    more = simulate_turns(forward, backward, latency=latency + 1, order=order).seconds
    busy = simulate_turns(forward, backward, latency=latency, transfer=2.0, order=order).seconds
    assert more >= some
    assert busy >= some


def test_a_full_link_delays_what_follows() -> None:
    timeline = simulate_turns(table(2, 3, 1.0), table(2, 3, 0.0), transfer=[5.0, 5.0, 5.0])
    assert [turn.begin for turn in timeline.turns[1]][:3] == [6.0, 11.0, 16.0]


def test_nothing_takes_any_time() -> None:
    assert simulate_turns(table(2, 2, 0.0), table(2, 2, 0.0)).efficiency == 1.0


def test_seconds_of_measured_turns_are_the_least() -> None:
    timeline = simulate_turns([[2.0, 3.0]], [[4.0, 5.0]])
    slow = [Turn(0, True, 0.0, 9.0)]
    turns = [[*slow, *timeline.turns[0]]]
    assert turn_seconds(turns, forward=True, chunks=2) == [[2.0, 3.0]]
    assert turn_seconds(turns, forward=False, chunks=2) == [[4.0, 5.0]]
    with pytest.raises(InputError, match="chunk 2 has no turn on stage 0"):
        turn_seconds(turns, forward=True, chunks=3)


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (lambda: simulate_turns([], []), InputError, "forward has"),
        (lambda: simulate_turns([[]], [[]]), InputError, "forward has"),
        (lambda: simulate_turns([[1.0], [1.0, 2.0]], [[1.0]]), InputError, "forward has"),
        (lambda: simulate_turns([[1.0]], [[1.0, 2.0]]), InputError, "backward is 1 stages x 2"),
        (lambda: simulate_turns([[-1.0]], [[1.0]]), InputError, "forward holds -1"),
        (lambda: simulate_turns([[float("nan")]], [[1.0]]), InputError, "forward is nan"),
        (lambda: simulate_turns([["1"]], [[1.0]]), InputTypeError, "forward is '1'"),
        (lambda: simulate_turns([[1.0]], [[1.0]], latency=-1), InputError, "latency holds -1"),
        (lambda: simulate_turns([[1.0]], [[1.0]], order=[1]), InputError, "order is"),
        (lambda: simulate_turns([[1.0]], [[1.0]], transfer=[1, 2]), InputError, "transfer has 2"),
        (lambda: Timeline(()), InputError, "no turns"),
    ],
)
def test_bad_input(call, error, text) -> None:
    with pytest.raises(error, match=text):
        call()
