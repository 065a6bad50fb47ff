from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, expand, second_order_neighbors
from graphlearn.kernels.second_order import second_order_reference, tensor


def test_against_the_reference(graph: CSRGraph, pairs: Tensor) -> None:
    lists, count = second_order_neighbors(graph, pairs)
    expected, expected_count = second_order_reference(graph, pairs)
    assert torch.equal(lists.rowptr, expected.rowptr)
    assert torch.equal(lists.node.long(), expected.node)
    assert torch.equal(count, expected_count)
    assert (lists.node.dtype, count.dtype) == (graph.col.dtype, torch.int64)


@pytest.mark.parametrize("chunk", [1 << 24, 50])
def test_plain_torch_finds_the_same(
    graph: CSRGraph, pairs: Tensor, chunk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expand, "_CHUNK_ENTRIES", chunk)
    lists, count = second_order_neighbors(graph, pairs)
    found, found_count = tensor.second_order(graph, pairs)
    assert torch.equal(lists.rowptr, found.rowptr)
    assert torch.equal(lists.node, found.node)
    assert torch.equal(count, found_count)


def test_the_counts_of_a_pair_sum_to_twice_its_paths_of_length_three(hub_graph: CSRGraph) -> None:
    pairs = hub_graph.edge_pairs()[:, ::40]
    lists, count = second_order_neighbors(hub_graph, pairs)
    a = torch.zeros(400, 400, dtype=torch.float64)
    row, col = hub_graph.edge_index()
    a[row, col] = 1.0
    degree = a.sum(1)
    i, j = pairs
    # Walks of length three, but those that come back over the link itself.
    paths = (a @ a @ a)[i, j] - a[i, j] * (degree[i] + degree[j] - 1)
    sums = torch.zeros(pairs.size(1), dtype=torch.float64).index_add_(
        0, lists.rows(), count.sum(1).double()
    )
    assert torch.equal(sums, 2 * paths)


def test_neither_the_link_nor_its_direction_shows(degree_graph: CSRGraph) -> None:
    pairs = degree_graph.edge_pairs()[:, :300:7]
    lists, count = second_order_neighbors(degree_graph, pairs)
    turned, turned_count = second_order_neighbors(degree_graph, pairs.flip(0))
    assert torch.equal(lists.node, turned.node)
    assert torch.equal(count, turned_count.flip(1))
    for at in range(pairs.size(1)):
        pair = pairs[:, at : at + 1]
        hidden = degree_graph.without_edges(degree_graph.find_edges(pair))
        alone, alone_count = second_order_neighbors(hidden, pair)
        begin, end = lists.rowptr[at : at + 2].tolist()
        assert torch.equal(alone.node, lists.node[begin:end])
        assert torch.equal(alone_count, count[begin:end])


def test_the_same_on_one_thread_and_on_two(large_graph: CSRGraph, large_pairs: Tensor) -> None:
    threads = torch.get_num_threads()
    pairs = large_pairs[:, :4000]
    found = []
    try:
        for used in (1, 2):
            torch.set_num_threads(used)
            lists, count = second_order_neighbors(large_graph, pairs)
            found.append((lists.rowptr, lists.node, count))
    finally:
        torch.set_num_threads(threads)
    assert all(torch.equal(*both) for both in zip(*found, strict=True))


def test_an_edge_index_is_taken_and_pairs_may_be_int32() -> None:
    edge_index = torch.tensor([[0, 1, 2], [1, 2, 3]])
    lists, count = second_order_neighbors(edge_index, torch.tensor([[0], [3]], dtype=torch.int32))
    assert (lists.tolist(), count.tolist()) == ([[1, 2]], [[1, 0], [0, 1]])


@pytest.mark.parametrize(
    ("pairs", "error", "match"),
    [
        (torch.tensor([[0], [9]]), InputError, "9"),
        (torch.tensor([[0.0], [1.0]]), InputTypeError, "float32"),
        (torch.tensor([0, 1]), InputError, "shape"),
    ],
)
def test_bad_pairs(pairs: Tensor, error: type[Exception], match: str) -> None:
    with pytest.raises(error, match=match):
        second_order_neighbors(torch.tensor([[0, 1, 2], [1, 2, 3]]), pairs)
