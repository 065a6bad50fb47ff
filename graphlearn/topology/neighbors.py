"""Which graph is measured, and to which neighbors."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.kernels.khop.overlap import check_undirected
from graphlearn.typing import EdgeIndex, Pairs
from graphlearn.validate import check_node_pairs


def undirected_graph(graph: CSRGraph | EdgeIndex, num_nodes: int | None) -> CSRGraph:
    """Return the graph in compressed rows, without self-loops, edges counted in both directions.

    Args:
        graph: The graph, or an ``edge_index``, whose edges may come in one direction or both.
        num_nodes: For an ``edge_index``: how many nodes there are; by default one more than the
            largest id.

    Raises:
        InputTypeError: If it is neither, or the ids are not integers.
        InputError: If a :class:`CSRGraph` is directed, be it by its mask, or ``num_nodes`` is not
            its own.
    """
    if not isinstance(graph, CSRGraph):
        return CSRGraph.from_edge_index(graph, num_nodes)
    graph = check_undirected(graph)
    if num_nodes is not None and num_nodes != graph.num_nodes:
        raise InputError(f"num_nodes is {num_nodes}", expected=f"{graph.num_nodes}, the graph's")
    first, second = graph.edge_pairs()
    loops = (first == second).nonzero().flatten()
    return graph.without_edges(loops) if loops.numel() else graph


def neighbor_pairs(graph: CSRGraph, neighbors: Pairs | None) -> Pairs:
    """One direction of every distinct pair of neighbors, ``[2, B]``; no node is its own.

    Args:
        graph: The graph.
        neighbors: Pairs of nodes, once or in both directions; the graph's own edges if None.

    Raises:
        InputTypeError: If they are not integers.
        InputError: If the shape is wrong or an id is out of range.
    """
    if neighbors is None:
        pairs = graph.edge_pairs()
        if graph.keep is None:
            return pairs
        return pairs[:, graph.keep[graph.edge_entries[:, 0].long()]]
    check_node_pairs(neighbors, graph.num_nodes, name="neighbors")
    return CSRGraph.from_edge_index(neighbors, graph.num_nodes).edge_pairs()


def mean_over_neighbors(pairs: Pairs, forward: Tensor, backward: Tensor, num_nodes: int) -> Tensor:
    """Mean of each node's values over its neighbors; 0 for a node without any.

    Args:
        pairs: One direction of every pair of neighbors.
        forward: The first node's value for each pair.
        backward: The second's.
        num_nodes: How many nodes there are.

    Shapes:
        - **pairs**: ``[2, B]``; **forward**, **backward**: ``[B]``; **output**: ``[num_nodes]``

    Example:
        >>> pairs = torch.tensor([[0, 0], [1, 2]])
        >>> mean_over_neighbors(pairs, torch.tensor([1.0, 2.0]), torch.ones(2), 4).tolist()
        [1.5, 1.0, 1.0, 0.0]
    """
    total = forward.new_zeros(num_nodes).index_add(0, pairs[0], forward)
    total = total.index_add(0, pairs[1], backward)
    return total / torch.bincount(pairs.flatten(), minlength=num_nodes).clamp(min=1)
