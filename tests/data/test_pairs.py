"""Pairs as keys agree with Python's own sets."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.data.pairs import (
    MAX_NODES,
    contains,
    sorted_unique,
    undirected_keys,
    unique_pairs,
)
from graphlearn.errors import InputError

edges_of_nine = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=40)


def as_tensor(edges: list[tuple[int, int]]) -> torch.Tensor:
    return torch.tensor(edges, dtype=torch.int64).view(-1, 2).t()


@given(edges_of_nine)
def test_unique_pairs_is_the_set_of_undirected_links(edges) -> None:
    links = unique_pairs(as_tensor(edges), 9).t().tolist()
    assert links == sorted([min(e), max(e)] for e in {frozenset(e) for e in edges} if len(e) == 2)


@given(edges_of_nine)
def test_keys_ignore_direction_and_tell_pairs_apart(edges) -> None:
    pairs = as_tensor(edges)
    keys = undirected_keys(pairs, 9)
    assert torch.equal(keys, undirected_keys(pairs.flip(0), 9))
    assert len(set(keys.tolist())) == len({frozenset(edge) for edge in edges})


@given(st.lists(st.integers(-5, 5)), st.lists(st.integers(-5, 5)))
def test_contains_is_set_membership(known, asked) -> None:
    ordered = sorted_unique(torch.tensor(known, dtype=torch.int64))
    assert ordered.tolist() == sorted(set(known))
    found = contains(ordered, torch.tensor(asked, dtype=torch.int64))
    assert found.tolist() == [value in set(known) for value in asked]


def test_ids_near_the_largest_node_count_do_not_overflow() -> None:
    pairs = torch.tensor([[MAX_NODES - 1], [MAX_NODES - 2]])
    key = int(undirected_keys(pairs, MAX_NODES))
    assert key == (MAX_NODES - 2) * MAX_NODES + MAX_NODES - 1


def test_too_many_nodes_are_refused() -> None:
    with pytest.raises(InputError, match="num_nodes is"):
        undirected_keys(torch.tensor([[0], [1]]), MAX_NODES + 1)


def test_a_narrow_integer_type_does_not_overflow() -> None:
    pairs = torch.tensor([[100], [120]], dtype=torch.uint8)
    assert undirected_keys(pairs, 200).tolist() == [100 * 200 + 120]
