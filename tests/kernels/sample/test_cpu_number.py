from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.kernels.sample import cpu_number

NO_TREE = np.empty(0, np.int64)


def table_of(slots: int) -> np.ndarray:
    return np.zeros(2 * slots, np.int64)


def enter(node: list[int], table: np.ndarray, tag: int, *, nodes: int = 100) -> None:
    ids = np.array(node, np.int64)
    cpu_number.number_seeds(ids, NO_TREE, 0, len(ids), 0, nodes, tag, table)


def numbers(
    drawn: list[list[int]], node: list[int], table: np.ndarray, tag: int, *, nodes: int = 100
) -> tuple[list[int], list[int], list[int]]:
    """The nodes, and source and target of every edge, after the neighbors in ``drawn`` are met."""
    col = np.array([u for part in drawn for u in part], np.int32)
    offset = np.cumsum([0] + [len(part) for part in drawn])
    room = np.concatenate([np.array(node, np.int64), np.empty(len(col), np.int64)])
    source, target = np.empty(len(col), np.int64), np.empty(len(col), np.int64)
    count = cpu_number.number_neighbors(
        col, np.arange(len(col)), offset, 0, NO_TREE, 0, nodes, tag, table, room, NO_TREE,
        len(node), source, target,
    )  # fmt: skip
    return room[:count].tolist(), source.tolist(), target.tolist()


node_lists = st.lists(st.integers(0, 99), max_size=12)


@given(seeds=node_lists, drawn=st.data(), slots=st.sampled_from([64, 256]))
def test_nodes_are_numbered_as_they_are_met(
    seeds: list[int], drawn: st.DataObject, slots: int
) -> None:
    parts: list[list[int]] = [drawn.draw(st.lists(st.integers(0, 99), max_size=3)) for _ in seeds]
    table = table_of(slots)
    enter(seeds, table, 1)
    expected, place = list(seeds), {}
    for number, node in enumerate(seeds):
        place.setdefault(node, number)
    met = [u for part in parts for u in part]
    for node in met:
        if node not in place:
            place[node] = len(expected)
            expected.append(node)
    node, source, target = numbers(parts, seeds, table, 1)
    assert node == expected
    assert source == [place[u] for u in met]
    assert target == [i for i, part in enumerate(parts) for _ in part]


def test_one_batch_knows_nothing_of_the_one_before() -> None:
    table = table_of(64)
    enter([5, 6, 7], table, 1)
    enter([7], table, 2)
    assert numbers([[5, 7, 5]], [7], table, 2) == ([7, 5], [1, 0, 1], [0, 0, 0])


def test_the_last_tag_leaves_room_for_its_numbers() -> None:
    table, tag = table_of(64), 2**31 - 2
    enter([3, 4], table, tag)
    assert numbers([[4], [9]], [3, 4], table, tag) == ([3, 4, 9], [1, 2], [0, 1])
    assert (table[1::2] >= 0).all()


def test_a_full_table_still_finds_what_it_holds() -> None:
    table = table_of(64)
    enter(list(range(63)), table, 1)  # searches go around its end
    node, source, _ = numbers([list(range(62, -1, -1))], list(range(63)), table, 1)
    assert node == list(range(63))
    assert source == list(range(62, -1, -1))


def test_a_larger_table_holds_what_the_batch_entered_and_nothing_older() -> None:
    old, new = table_of(64), table_of(256)
    enter(list(range(40)), old, 1)
    enter([90, 3, 91], old, 2)
    cpu_number.enlarge(old, 2, new)
    assert np.count_nonzero(new[1::2]) == 3
    node, source, _ = numbers([[91, 0, 3, 90]], [90, 3, 91], new, 2)
    assert node == [90, 3, 91, 0]
    assert source == [2, 3, 1, 0]


def test_types_and_trees_keep_their_nodes_apart() -> None:
    # Node 1 of the type whose ids begin at 10, seed of the trees 0 and 1 among 30 nodes.
    table, node, tree = table_of(64), np.array([1, 1]), np.array([0, 1])
    cpu_number.number_seeds(node, tree, 0, 2, 10, 30, 1, table)
    room, trees = np.append(node, [0] * 4), np.append(tree, [0] * 4)
    source, target = np.empty(4, np.int64), np.empty(4, np.int64)
    col = np.array([1, 2, 2, 1])
    count = cpu_number.number_neighbors(
        col, np.arange(4), np.array([0, 2, 4]), 0, tree, 10, 30, 1, table, room, trees, 2,
        source, target,
    )  # fmt: skip
    assert room[:count].tolist() == [1, 1, 2, 2]
    assert trees[:count].tolist() == [0, 1, 0, 1]
    assert source.tolist() == [0, 2, 3, 1]
    # Of another type, whose ids begin at 0, the same nodes are not known.
    more, found = np.empty(4, np.int64), np.empty(4, np.int64)
    count = cpu_number.number_neighbors(
        col, np.arange(4), np.array([0, 2, 4]), 0, tree, 0, 30, 1, table, more, found, 0,
        source, target,
    )  # fmt: skip
    assert more[:count].tolist() == [1, 2, 2, 1]
    assert found[:count].tolist() == [0, 0, 1, 1]


@pytest.mark.parametrize("disjoint", [False, True])
def test_induced_edges_are_those_between_nodes_of_a_tree(disjoint) -> None:
    rng = np.random.default_rng(0)
    nodes = 12
    rowptr = np.cumsum(np.append(0, rng.integers(0, 6, nodes)))
    col = rng.integers(0, nodes, rowptr[-1]).astype(np.int32)
    node = np.array([3, 0, 7, 7, 11, 5, 2])
    tree = np.array([0, 0, 1, 0, 1, 1, 1]) if disjoint else NO_TREE
    table = table_of(64)
    cpu_number.number_seeds(node, tree, 0, len(node), 0, nodes, 4, table)
    trees = tree.tolist() if disjoint else [0] * len(node)
    place: dict[tuple[int, int], int] = {}
    for number, pair in enumerate(zip(trees, node.tolist(), strict=True)):
        place.setdefault(pair, number)
    expected = [
        (entry, place[t, int(col[entry])], number)
        for number, (t, v) in enumerate(zip(trees, node.tolist(), strict=True))
        for entry in range(rowptr[v], rowptr[v + 1])
        if (t, int(col[entry])) in place
    ]

    offset = np.empty(len(node) + 1, np.int64)
    common: tuple[Any, ...] = (
        rowptr[node], rowptr[node + 1], col, tree, 0, nodes, 4, table, offset
    )  # fmt: skip
    cpu_number.count_induced(*common)
    found = [np.empty(offset[-1], np.int64) for _ in range(3)]
    cpu_number.write_induced(*common, *found)
    assert list(zip(*(part.tolist() for part in found), strict=True)) == expected
    assert expected
