from __future__ import annotations

import math

import networkx as nx
import pytest
import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph
from graphlearn.nn import AdamicAdar, CommonNeighbors, ResourceAllocation


def to_networkx(graph: CSRGraph) -> nx.Graph:
    peer = nx.Graph()
    peer.add_nodes_from(range(graph.num_nodes))
    peer.add_edges_from(graph.edge_index().t().tolist())
    return peer


@pytest.fixture(params=["small", "masked", "hubs"])
def any_graph(request: pytest.FixtureRequest, graph: CSRGraph) -> CSRGraph:
    if request.param == "masked":
        return graph.without_edges(torch.arange(0, graph.num_edges, 3))
    if request.param == "hubs":
        peer = nx.barabasi_albert_graph(400, 3, seed=1)
        peer.add_edges_from((0, node) for node in range(1, 200))
        return CSRGraph.from_edge_index(torch.tensor(list(peer.edges)).t(), 402)
    return graph


@pytest.fixture
def unequal_pairs(any_graph: CSRGraph) -> Tensor:
    generator = torch.Generator().manual_seed(2)
    pairs = torch.randint(any_graph.num_nodes, (2, 300), generator=generator)
    pairs = torch.cat([pairs, any_graph.edge_pairs()], dim=1)
    return pairs[:, pairs[0] != pairs[1]]


def test_common_neighbors(any_graph: CSRGraph, unequal_pairs: Tensor) -> None:
    peer = to_networkx(any_graph)
    expected = [len(list(nx.common_neighbors(peer, u, v))) for u, v in unequal_pairs.t().tolist()]
    assert CommonNeighbors()(None, any_graph, unequal_pairs).tolist() == expected


@pytest.mark.parametrize(
    ("predictor", "index"),
    [
        (AdamicAdar(), nx.adamic_adar_index),
        (ResourceAllocation(), nx.resource_allocation_index),
    ],
)
def test_weighted(predictor, index, any_graph: CSRGraph, unequal_pairs: Tensor) -> None:
    expected = [score for *_, score in index(to_networkx(any_graph), unequal_pairs.t().tolist())]
    found = predictor(None, any_graph, unequal_pairs)
    torch.testing.assert_close(found, torch.tensor(expected, dtype=torch.float64))


def test_a_node_paired_with_itself() -> None:
    star = torch.tensor([[0, 0, 0], [1, 2, 3]])
    pairs = torch.tensor([[0, 1], [0, 1]])
    assert CommonNeighbors()(None, star, pairs).tolist() == [3.0, 1.0]
    assert ResourceAllocation()(None, star, pairs).tolist() == pytest.approx([3.0, 1 / 3])
    # A neighbor of degree 1 has no logarithm to divide by and counts 0.
    assert AdamicAdar()(None, star, pairs).tolist() == pytest.approx([0.0, 1 / math.log(3)])


@pytest.mark.parametrize("predictor", [CommonNeighbors(), AdamicAdar(), ResourceAllocation()])
def test_x_is_ignored_and_nothing_is_learned(predictor, graph: CSRGraph, pairs: Tensor) -> None:
    with_x = predictor(torch.full((3, 1), float("nan")), graph, pairs)
    assert torch.equal(with_x, predictor(None, graph, pairs))
    assert list(predictor.parameters()) == []
    assert repr(predictor) == f"{type(predictor).__name__}()"
