from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.kernels.partition import cpu_stream, reference

NODES = 9
edge_lists = st.lists(st.tuples(st.integers(0, NODES - 1), st.integers(0, NODES - 1)), max_size=30)


def neighbors(edges: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    source, target = np.array(edges, np.int64).reshape(-1, 2).T.copy()
    rowptr = np.zeros(NODES + 1, np.int64)
    cpu_stream.count_neighbors(source, target, rowptr)
    col = np.empty(rowptr[-1], np.int32)
    cpu_stream.fill_neighbors(source, target, rowptr, col)
    return rowptr, col


@given(edge_lists)
def test_neighbors_are_both_ends_of_every_edge(edges) -> None:
    rowptr, col = neighbors(edges)
    found = [row.tolist() for row in np.split(col, rowptr[1:-1])]
    assert found == reference.neighbor_lists(edges, NODES)


@given(edge_lists, st.permutations(range(NODES)))
def test_search_meets_every_node_in_the_order_of_the_plain_form(edges, start) -> None:
    order = np.empty(NODES, np.int64)
    cpu_stream.breadth_first(*neighbors(edges), np.array(start), order)
    near = reference.neighbor_lists(edges, NODES)
    assert order.tolist() == reference.breadth_first_reference(near, start)
    assert sorted(order) == list(range(NODES))


@given(
    edge_lists,
    st.lists(st.integers(1, 5), min_size=NODES, max_size=NODES),
    st.permutations(range(NODES)),
    st.integers(1, NODES),
    st.sampled_from([0.0, 0.5, 1.3]),
    st.sampled_from([1.0, 1.05, 2.0]),
)
def test_passes_are_those_of_the_plain_form(edges, work, order, parts, price, room) -> None:
    share = sum(work) / parts
    part, load = np.full(NODES, -1, np.int64), np.zeros(parts, np.int64)
    plain_part, plain_load = [-1] * NODES, [0] * parts
    rowptr, col = neighbors(edges)
    near = reference.neighbor_lists(edges, NODES)
    weights = np.array(work, np.int64)
    for _ in range(3):
        rest = (room * share, price, share)
        changed = cpu_stream.stream_pass(rowptr, col, weights, np.array(order), load, *rest, part)
        plain = reference.stream_pass_reference(near, work, order, plain_load, *rest, plain_part)
        assert (changed, part.tolist(), load.tolist()) == (plain, plain_part, plain_load)
    assert load.tolist() == np.bincount(part, weights, minlength=parts).tolist()
    assert load.max() <= max(room * share, share + max(work))


@pytest.mark.parametrize("parts", [1, 2, 3, 5, 8])
def test_nodes_without_neighbors_go_to_the_lightest_part(parts) -> None:
    part, load = np.full(8, -1, np.int64), np.zeros(parts, np.int64)
    rows = np.zeros(9, np.int64), np.empty(0, np.int32)
    ones = np.ones(8, np.int64)
    cpu_stream.stream_pass(*rows, ones, np.arange(8), load, 0.0, 1.0, 8 / parts, part)
    assert part.tolist() == [v % parts for v in range(8)]


@given(st.lists(st.integers(0, 6), min_size=7, max_size=20))
def test_no_part_stays_empty_and_few_nodes_move(given_parts) -> None:
    part = np.array(given_parts, np.int64)
    cpu_stream.fill_empty_parts(part, 7)
    assert set(part.tolist()) == set(range(7))
    assert (part != given_parts).sum() == 7 - len(set(given_parts))
