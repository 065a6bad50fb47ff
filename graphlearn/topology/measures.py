"""Other measures of a node's surroundings, which concentration is compared with."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph, edge_triangles, pooled_common_neighbors
from graphlearn.topology.neighbors import mean_over_neighbors, neighbor_pairs, undirected_graph
from graphlearn.typing import EdgeIndex, Pairs


def node_degree(graph: CSRGraph | EdgeIndex, *, num_nodes: int | None = None) -> Tensor:
    """Number of distinct neighbors of every node, itself not among them.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``.
        num_nodes: For an ``edge_index``: how many nodes there are.

    Shapes:
        - output: ``[N]`` float64

    Raises:
        InputTypeError: If the graph is no graph.
        InputError: If an id is out of range, or a :class:`CSRGraph` directed.

    Example:
        >>> node_degree(torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])).tolist()
        [2.0, 2.0, 3.0, 1.0]
    """
    return undirected_graph(graph, num_nodes).degree().double()


def local_clustering(graph: CSRGraph | EdgeIndex, *, num_nodes: int | None = None) -> Tensor:
    """Local clustering coefficient: which share of the pairs of a node's neighbors are edges.

    Cost: as :func:`graphlearn.kernels.edge_triangles`.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``.
        num_nodes: For an ``edge_index``: how many nodes there are.

    Shapes:
        - output: ``[N]`` float64; 0 for a node with fewer than two neighbors

    Raises:
        InputTypeError: If the graph is no graph.
        InputError: If an id is out of range, or a :class:`CSRGraph` directed.

    Example:
        >>> local_clustering(torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])).round(decimals=3).tolist()
        [1.0, 1.0, 0.333, 0.0]
    """
    graph = undirected_graph(graph, num_nodes)
    degree = graph.degree().double()
    pairs = degree * (degree - 1) / 2
    return torch.where(pairs > 0, _node_triangles(graph) / pairs.clamp(min=1), 0.0)


def subgraph_density(graph: CSRGraph | EdgeIndex, *, num_nodes: int | None = None) -> Tensor:
    """Density of the subgraph of a node and its neighbors: its edges over its pairs of nodes.

    Cost: as :func:`graphlearn.kernels.edge_triangles`.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``.
        num_nodes: For an ``edge_index``: how many nodes there are.

    Shapes:
        - output: ``[N]`` float64; 0 for an isolated node

    Raises:
        InputTypeError: If the graph is no graph.
        InputError: If an id is out of range, or a :class:`CSRGraph` directed.

    Example:
        >>> subgraph_density(torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])).round(decimals=3).tolist()
        [1.0, 1.0, 0.667, 1.0]
    """
    graph = undirected_graph(graph, num_nodes)
    degree = graph.degree().double()
    pairs = degree * (degree + 1) / 2
    return torch.where(pairs > 0, (degree + _node_triangles(graph)) / pairs.clamp(min=1), 0.0)


def mean_resource_allocation(
    graph: CSRGraph | EdgeIndex, neighbors: Pairs | None = None, *, num_nodes: int | None = None
) -> Tensor:
    r"""Mean over a node's neighbors of the resource allocation index
    :math:`\sum_{u \in N_i \cap N_j} 1 / |N_u|`.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``.
        neighbors: Pairs of nodes, each once or in both directions; the edges of ``graph`` if None.
        num_nodes: For an ``edge_index``: how many nodes there are.

    Shapes:
        - **neighbors**: ``[2, B]``; **output**: ``[N]`` float64, 0 for a node without neighbors

    Raises:
        InputTypeError: If the graph is no graph.
        InputError: If an id is out of range, or a :class:`CSRGraph` directed.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])
        >>> mean_resource_allocation(edge_index).round(decimals=3).tolist()
        [0.417, 0.417, 0.333, 0.0]
    """
    graph = undirected_graph(graph, num_nodes)
    pairs = neighbor_pairs(graph, neighbors)
    share = 1 / graph.degree().double().clamp(min=1)
    index = pooled_common_neighbors(graph, pairs, share[:, None]).flatten()
    return mean_over_neighbors(pairs, index, index, graph.num_nodes)


def _node_triangles(graph: CSRGraph) -> Tensor:
    """Triangles that each node is in."""
    of_edge = edge_triangles(graph).double()
    pairs = graph.edge_pairs()
    total = of_edge.new_zeros(graph.num_nodes).index_add(0, pairs[0], of_edge)
    return total.index_add(0, pairs[1], of_edge) / 2
