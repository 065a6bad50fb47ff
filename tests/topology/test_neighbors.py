from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.topology.neighbors import mean_over_neighbors, neighbor_pairs, undirected_graph

EDGES = torch.tensor([[0, 1, 1, 2, 2], [1, 0, 2, 3, 2]])


def test_each_pair_once_and_no_node_its_own() -> None:
    graph = undirected_graph(EDGES, 5)
    assert neighbor_pairs(graph, None).tolist() == [[0, 1, 2], [1, 2, 3]]
    given = torch.tensor([[4, 0, 0, 3], [0, 4, 4, 3]])
    assert neighbor_pairs(graph, given).t().sort().values.tolist() == [[0, 4]]


def test_removed_edges_are_no_neighbors() -> None:
    graph = undirected_graph(EDGES, 5).without_edges(torch.tensor([0]))
    assert neighbor_pairs(graph, None).tolist() == [[1, 2], [2, 3]]


def test_loops_of_a_graph_that_keeps_them_are_masked() -> None:
    kept = CSRGraph.from_edge_index(EDGES, 5, keep_self_loops=True)
    assert undirected_graph(kept, None).degree().tolist() == [1, 2, 2, 1, 0]


def test_means() -> None:
    pairs = torch.tensor([[0, 1], [1, 2]])
    found = mean_over_neighbors(pairs, torch.tensor([1.0, 3.0]), torch.tensor([5.0, 7.0]), 4)
    assert found.tolist() == [1.0, 4.0, 7.0, 0.0]


def test_another_number_of_nodes_is_refused() -> None:
    with pytest.raises(InputError, match="num_nodes is 3"):
        undirected_graph(CSRGraph.from_edge_index(EDGES, 5), 3)
