from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline import efficiency, split_layers
from graphlearn.pipeline.schedule import chunk_order


@given(st.integers(1, 30), st.integers(0, 1000), st.integers(-5, 2**40))
def test_an_order_has_every_chunk_once_and_is_told_by_its_seed(chunks, epoch, seed) -> None:
    order = chunk_order(chunks, epoch, seed=seed)
    assert sorted(order) == list(range(chunks))
    assert order == chunk_order(chunks, epoch, seed=seed)


def test_of_two_chunks_each_comes_first_half_of_the_time() -> None:
    orders = [chunk_order(6, epoch, seed=0) for epoch in range(2000)]
    for one, other in itertools.combinations(range(6), 2):
        first = sum(order.index(one) < order.index(other) for order in orders)
        assert abs(first - 1000) < 100  # 4.5 standard deviations
    assert orders[:9] != [chunk_order(6, epoch, seed=1) for epoch in range(9)]


def test_without_shuffling_they_come_by_number() -> None:
    assert chunk_order(4, 3, seed=0, shuffle=False) == [0, 1, 2, 3]


def test_efficiency_is_what_a_table_of_turns_shows() -> None:
    for chunks, stages in itertools.product((1, 2, 5, 16), (1, 2, 4)):
        # Stage s works on chunk k from time s + k to s + k + 1.
        slots = chunks + stages - 1
        assert efficiency(chunks, stages) == pytest.approx(chunks * stages / (slots * stages))


@given(
    st.lists(st.integers(0, 9), min_size=1, max_size=7).flatmap(
        lambda costs: st.tuples(st.just(costs), st.integers(1, len(costs)))
    )
)
def test_no_other_cut_has_a_cheaper_dearest_stage(case) -> None:
    costs, stages = case
    layers = len(costs)
    ranges = split_layers(costs, stages)
    assert [number for part in ranges for number in part] == list(range(layers))
    assert all(len(part) for part in ranges)
    best = min(
        max(sum(costs[a:b]) for a, b in itertools.pairwise([0, *cuts, layers]))
        for cuts in itertools.combinations(range(1, layers), stages - 1)
    )
    assert max(sum(costs[number] for number in part) for part in ranges) == best


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="stages is 3 for 2 layers.*pass stages=2"):
        split_layers([1.0, 1.0], 3)
    with pytest.raises(InputError, match="numbers >= 0"):
        split_layers([1.0, float("nan")], 1)
    with pytest.raises(InputError, match="num_chunks is 0"):
        efficiency(0, 2)
    with pytest.raises(InputTypeError, match="num_stages"):
        efficiency(2, 2.0)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="epoch is -1"):
        chunk_order(2, -1, seed=0)
