from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph, common_neighbors, expand, neighborhood_overlap
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
    monkeypatch.setattr(expand, "_CHUNK_ENTRIES", chunk)
    assert equal(tensor.common_neighbors(graph, pairs), common_neighbors(graph, pairs))
    found, expected = tensor.overlap(graph, pairs), neighborhood_overlap(graph, pairs)
    assert all(equal(*both) for both in zip(found, expected, strict=True))


def test_pairs_of_int32(hub_graph: CSRGraph) -> None:
    pairs = hub_graph.edge_pairs()[:, ::13]
    assert equal(
        tensor.common_neighbors(hub_graph, pairs.int()), common_neighbors(hub_graph, pairs)
    )
