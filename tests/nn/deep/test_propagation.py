from __future__ import annotations

import torch

from graphlearn.nn.deep import whole_graph
from graphlearn.nn.deep.propagation import gcn_sum, mean_or_weighted_sum, weighted_sum


def matrix(edge_index, weight) -> torch.Tensor:
    dense = torch.zeros(30, 30, dtype=torch.float64)
    return dense.index_put((edge_index[1], edge_index[0]), weight, accumulate=True)


def test_sums_against_a_dense_matrix(edge_index, graph, weight, x) -> None:
    ones = torch.ones_like(weight)
    adjacency = matrix(edge_index, ones)
    torch.testing.assert_close(weighted_sum(x, graph), adjacency @ x)
    degree = adjacency.sum(dim=1).clamp(min=1)
    torch.testing.assert_close(mean_or_weighted_sum(x, graph), adjacency / degree[:, None] @ x)
    weighted = whole_graph(edge_index, 30, weight)
    for compute in (weighted_sum, mean_or_weighted_sum, gcn_sum):
        torch.testing.assert_close(compute(x, weighted), matrix(edge_index, weight) @ x)


def test_gcn_against_a_dense_matrix(edge_index, graph, x) -> None:
    ones = torch.ones(edge_index.size(1), dtype=torch.float64)
    adjacency = matrix(edge_index, ones)
    for loops in (True, False):
        full = adjacency + torch.eye(30, dtype=torch.float64) if loops else adjacency
        scale = full.sum(dim=1).rsqrt().nan_to_num(posinf=0)
        expected = scale[:, None] * full * scale @ x
        torch.testing.assert_close(gcn_sum(x, graph, add_self_loops=loops), expected)


def test_weights_of_another_precision_are_converted(edge_index, weight, x) -> None:
    weighted = whole_graph(edge_index, 30, weight)
    assert weighted_sum(x.float(), weighted).dtype == torch.float32
