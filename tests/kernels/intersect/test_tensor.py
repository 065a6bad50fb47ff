from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlearn.kernels import CSRGraph, common_neighbors, neighborhood_overlap
from graphlearn.kernels.intersect import tensor


def equal(one, other) -> bool:
    return (
        torch.equal(one.rowptr, other.rowptr)
        and torch.equal(one.node, other.node)
        and one.node.dtype == other.node.dtype
    )


@pytest.mark.parametrize("chunk", [1 << 24, 100, 1])
def test_same_lists_in_the_same_order_as_the_compiled_loops(
    graph: CSRGraph, pairs: Tensor, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    if chunk == 1:
        pairs = pairs[:, :60]  # here every pair is a chunk of its own
    monkeypatch.setattr(tensor, "_CHUNK_ENTRIES", chunk)
    assert equal(tensor.common_neighbors(graph, pairs), common_neighbors(graph, pairs))
    found, expected = tensor.overlap(graph, pairs), neighborhood_overlap(graph, pairs)
    assert all(equal(*both) for both in zip(found, expected, strict=True))


@given(st.lists(st.integers(0, 50), max_size=40), st.sampled_from([1, 7, 64, 10_000]))
def test_chunks_cover_the_pairs_and_bound_the_work(work: list[int], limit: int) -> None:
    patch = pytest.MonkeyPatch()
    with patch.context() as at:
        at.setattr(tensor, "_CHUNK_ENTRIES", limit)
        chunks = tensor._chunks(torch.tensor(work, dtype=torch.int64))
    assert [i for begin, end in chunks for i in range(begin, end)] == list(range(len(work)))
    assert all(first[1] == second[0] for first, second in itertools.pairwise(chunks))
    for begin, end in chunks:
        assert begin < end
        assert sum(work[begin : end - 1]) <= limit  # but the last pair of a chunk


def test_pairs_of_int32(hub_graph: CSRGraph) -> None:
    pairs = hub_graph.edge_pairs()[:, ::13]
    assert equal(
        tensor.common_neighbors(hub_graph, pairs.int()), common_neighbors(hub_graph, pairs)
    )
