from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph, NeighborLists
from graphlearn.kernels.intersect.reference import overlap_reference, pooled_reference


def dense(graph: CSRGraph) -> Tensor:
    matrix = torch.zeros(graph.num_nodes, graph.num_nodes, dtype=torch.bool)
    matrix[tuple(graph.edge_index())] = True
    return matrix


def rows_of(marks: Tensor) -> list[list[int]]:
    return [row.nonzero().flatten().tolist() for row in marks]


def test_lists_against_a_dense_matrix(graph: CSRGraph, pairs: Tensor) -> None:
    matrix = dense(graph)
    of_u, of_v = matrix[pairs[0]], matrix[pairs[1]]
    endpoint = torch.zeros_like(of_u)
    endpoint.scatter_(1, pairs.t(), True)
    found = overlap_reference(graph, pairs)
    expected = [of_u & of_v, of_u & ~of_v & ~endpoint, of_v & ~of_u & ~endpoint]
    for lists, marks in zip(found, expected, strict=True):
        assert isinstance(lists, NeighborLists)
        assert lists.tolist() == rows_of(marks)


def test_sums_against_a_dense_matrix(graph: CSRGraph, pairs: Tensor) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(graph.num_nodes, 3, dtype=torch.float64, generator=generator)
    weight = torch.randn(graph.num_nodes, dtype=torch.float64, generator=generator)
    matrix = dense(graph)
    common = (matrix[pairs[0]] & matrix[pairs[1]]).double()
    torch.testing.assert_close(pooled_reference(graph, pairs, x), common @ x)
    torch.testing.assert_close(pooled_reference(graph, pairs, x, weight), (common * weight) @ x)
