from __future__ import annotations

import networkx
import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.topology import (
    local_clustering,
    mean_resource_allocation,
    node_degree,
    subgraph_density,
)


@pytest.fixture(params=["karate", "random", "star", "isolated"])
def both(request: pytest.FixtureRequest) -> tuple[networkx.Graph, torch.Tensor, int]:
    """A graph as networkx's and as an ``edge_index``."""
    made = {
        "karate": networkx.karate_club_graph,
        "random": lambda: networkx.gnm_random_graph(80, 400, seed=1),
        "star": lambda: networkx.star_graph(30),
        "isolated": lambda: networkx.disjoint_union(
            networkx.complete_graph(4), networkx.empty_graph(3)
        ),
    }[request.param]()
    return made, torch.tensor(list(made.edges)).t(), made.number_of_nodes()


def close(found: torch.Tensor, expected: list[float]) -> None:
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12
    )


def test_degree(both) -> None:
    other, edges, nodes = both
    close(node_degree(edges, num_nodes=nodes), [other.degree[v] for v in range(nodes)])


def test_clustering(both) -> None:
    other, edges, nodes = both
    clustering = networkx.clustering(other)
    close(local_clustering(edges, num_nodes=nodes), [clustering[v] for v in range(nodes)])


def test_density_of_the_node_and_its_neighbors(both) -> None:
    other, edges, nodes = both
    expected = [networkx.density(networkx.ego_graph(other, v)) for v in range(nodes)]
    close(subgraph_density(edges, num_nodes=nodes), expected)


def test_resource_allocation(both) -> None:
    other, edges, nodes = both
    drawn = torch.randint(nodes, (2, 50), generator=torch.Generator().manual_seed(0))
    for neighbors in (None, drawn):
        near: list[set[int]] = [set() for _ in range(nodes)]
        for u, v in (edges if neighbors is None else neighbors).t().tolist():
            if u != v:
                near[u].add(v)
                near[v].add(u)
        expected = []
        for node in range(nodes):
            pairs = [(node, j) for j in near[node]]
            values = [p for _, _, p in networkx.resource_allocation_index(other, pairs)]
            expected.append(sum(values) / len(values) if values else 0.0)
        close(mean_resource_allocation(edges, neighbors, num_nodes=nodes), expected)


@pytest.mark.parametrize(
    "measure", [node_degree, local_clustering, subgraph_density, mean_resource_allocation]
)
def test_masks_loops_and_directions(measure) -> None:
    edges = torch.randint(30, (2, 150), generator=torch.Generator().manual_seed(0))
    graph = CSRGraph.from_edge_index(edges, 30, keep_self_loops=True)
    masked = graph.without_edges(torch.arange(0, graph.num_edges, 3))
    rebuilt = CSRGraph.from_edge_index(masked.edge_index(), 30)
    torch.testing.assert_close(measure(masked), measure(rebuilt))
    with pytest.raises(InputError, match="directed"):
        measure(CSRGraph.from_edge_index(edges, 30, undirected=False))
    keep = torch.ones(graph.col.numel(), dtype=torch.bool)
    keep[int((graph.entry_row != graph.col).nonzero()[0])] = False
    with pytest.raises(InputError, match="keeps one direction"):
        measure(graph.with_mask(keep))


@pytest.mark.parametrize(
    "measure", [node_degree, local_clustering, subgraph_density, mean_resource_allocation]
)
def test_graphs_without_edges(measure) -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    assert measure(none, num_nodes=3).tolist() == [0, 0, 0]
    assert measure(none, num_nodes=0).tolist() == []
