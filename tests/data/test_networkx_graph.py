"""networkx graphs of every kind."""

from __future__ import annotations

import networkx as nx
import pytest
import torch

from graphlearn.data import from_networkx
from graphlearn.errors import InputError, InputTypeError


def test_an_undirected_graph_gives_both_directions() -> None:
    graph = nx.Graph([("a", "b"), ("b", "c")])
    graph.add_node("alone")
    data = from_networkx(graph)
    assert data.node_ids == ["a", "b", "c", "alone"]
    assert data.num_nodes == 4
    assert sorted(data.edge_index.t().tolist()) == [[0, 1], [1, 0], [1, 2], [2, 1]]


def test_a_directed_graph_stays_directed_and_parallel_edges_stay() -> None:
    assert from_networkx(nx.DiGraph([(5, 3)])).edge_index.tolist() == [[0], [1]]
    assert from_networkx(nx.MultiGraph([(0, 1), (0, 1)])).num_edges == 4
    assert from_networkx(nx.MultiDiGraph([(0, 1), (0, 1)])).num_edges == 2


def test_features_come_from_a_node_attribute() -> None:
    graph = nx.Graph([(0, 1)])
    graph.nodes[0]["vector"], graph.nodes[1]["vector"] = [1, 2], (3.5, 4)
    x = from_networkx(graph, features="vector").x
    assert torch.equal(x, torch.tensor([[1.0, 2.0], [3.5, 4.0]]))


@pytest.mark.parametrize(
    ("vectors", "text"),
    [
        ({0: [1.0]}, "node 1 has no attribute 'vector'"),
        ({0: [1.0], 1: [1.0, 2.0]}, "node 1 has 2 values in 'vector': expected 1, as at node 0"),
        ({0: [1.0], 1: 3}, "node 1 has vector = 3: expected a list of numbers"),
        ({0: [1.0], 1: ["a"]}, "expected a list of numbers"),
        ({0: [1.0], 1: [float("nan")]}, "NaN"),
    ],
)
def test_wrong_features_are_named(vectors, text) -> None:
    graph = nx.Graph([(0, 1)])
    nx.set_node_attributes(graph, vectors, "vector")
    with pytest.raises(InputError, match=text):
        from_networkx(graph, features="vector")


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(InputTypeError, match="graph is a dict"):
        from_networkx({0: [1]})
    with pytest.raises(InputError, match="edge_index is empty"):
        from_networkx(nx.empty_graph(3))
