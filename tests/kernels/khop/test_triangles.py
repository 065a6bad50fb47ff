from __future__ import annotations

import networkx
import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.kernels import edge_triangles
from graphlearn.kernels.khop.reference import edge_triangles_reference


def test_against_sets(graph) -> None:
    edges = set(map(tuple, graph.edge_index().t().tolist()))
    if not graph.undirected or edges != {(v, u) for u, v in edges}:
        with pytest.raises(InputError, match="directed"):
            edge_triangles(graph)
        return
    assert torch.equal(edge_triangles(graph), edge_triangles_reference(graph))


def test_thrice_the_triangles_that_networkx_counts(large_graph) -> None:
    other = networkx.Graph(large_graph.edge_pairs().t().tolist())
    assert int(edge_triangles(large_graph).sum()) == sum(networkx.triangles(other).values())


def test_results_do_not_depend_on_the_number_of_threads(large_graph, one_and_two_threads) -> None:
    one, two = one_and_two_threads(lambda: edge_triangles(large_graph))
    assert torch.equal(one, two)


def test_removed_edges_are_in_no_triangle() -> None:
    from graphlearn.kernels import CSRGraph

    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2, 0, 1], [1, 2, 0, 3, 3]]))
    assert edge_triangles(graph).tolist() == [2, 1, 1, 1, 1]
    assert edge_triangles(graph.without_edges(torch.tensor([1]))).tolist() == [1, 0, 0, 1, 1]
