from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlearn.kernels import NeighborLists, join_lists, values_where_shared

RAGGED = st.lists(st.lists(st.integers(0, 50), max_size=5), max_size=8)


def pack(rows: list[list[int]], dtype: torch.dtype = torch.int32) -> NeighborLists:
    counts = torch.tensor([0, *(len(row) for row in rows)])
    return NeighborLists(
        counts.cumsum(0), torch.tensor([node for row in rows for node in row], dtype=dtype)
    )


@given(RAGGED)
def test_reading_ragged_lists(rows: list[list[int]]) -> None:
    lists = pack(rows)
    assert len(lists) == len(rows)
    assert lists.tolist() == rows
    assert lists.counts().tolist() == [len(row) for row in rows]
    assert lists.rows().tolist() == [i for i, row in enumerate(rows) for _ in row]
    assert repr(lists) == f"NeighborLists(lists={len(rows)}, entries={sum(map(len, rows))})"


@given(RAGGED, st.randoms(use_true_random=False))
def test_where_keeps_entries(rows: list[list[int]], random) -> None:
    marks = [[random.random() < 0.5 for _ in row] for row in rows]
    keep = torch.tensor([mark for row in marks for mark in row], dtype=torch.bool)
    wanted = [
        [node for node, mark in zip(row, of_row, strict=True) if mark]
        for row, of_row in zip(rows, marks, strict=True)
    ]
    assert pack(rows).where(keep).tolist() == wanted


@given(st.data())
def test_join_against_plain_python(data: st.DataObject) -> None:
    size = data.draw(st.integers(0, 6))
    row = st.lists(st.integers(0, 50), max_size=4)
    parts = data.draw(st.lists(st.lists(row, min_size=size, max_size=size), min_size=1, max_size=4))
    packed, weights, start = [], [], 0
    for rows in parts:
        lists = pack(rows)
        packed.append(lists)
        weights.append(torch.arange(start, start + lists.node.numel(), dtype=torch.float64))
        start += lists.node.numel()
    joined, weight = join_lists(list(zip(packed, weights, strict=True)))
    assert joined.tolist() == [[node for rows in parts for node in rows[b]] for b in range(size)]
    ragged = [NeighborLists(p.rowptr, w).tolist() for p, w in zip(packed, weights, strict=True)]
    wanted = [[entry for rows in ragged for entry in rows[b]] for b in range(size)]
    assert NeighborLists(joined.rowptr, weight).tolist() == wanted


def test_join_passes_gradients_to_every_weight() -> None:
    one, two = pack([[1, 2], [], [3]]), pack([[4], [5, 6], []])

    def weights_of(first: Tensor, second: Tensor) -> Tensor:
        return join_lists([(one, first), (two, second)])[1]

    first = torch.randn(3, dtype=torch.float64, requires_grad=True)
    second = torch.randn(3, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(weights_of, (first, second))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_join_keeps_the_dtype_of_nodes(dtype: torch.dtype) -> None:
    lists, _ = join_lists([(pack([[1], [2]], dtype), torch.ones(2))] * 2)
    assert lists.node.dtype == dtype
    assert lists.tolist() == [[1, 1], [2, 2]]


def test_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        pack([[1]]).node = torch.zeros(1)  # type: ignore[misc]


def test_values_where_shared_are_those_of_the_same_list() -> None:
    generator = torch.Generator().manual_seed(1)
    dense = []
    made = []
    for _ in range(2):
        shown = torch.rand(20, 9, generator=generator) < 0.4
        rowptr = torch.cat([torch.zeros(1, dtype=torch.int64), shown.sum(1).cumsum(0)])
        made.append(NeighborLists(rowptr, shown.nonzero()[:, 1]))
        dense.append(shown)
    values = torch.rand(made[1].node.numel(), generator=generator)
    whole = torch.zeros(20, 9)
    whole[dense[1]] = values
    found = values_where_shared(made[0], made[1], values, 9)
    assert torch.equal(found, whole[dense[0]])
    empty = NeighborLists(torch.zeros(21, dtype=torch.int64), torch.empty(0, dtype=torch.int64))
    assert not values_where_shared(made[0], empty, values[:0], 9).any()
