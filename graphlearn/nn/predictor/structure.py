"""What the graph alone says about a pair: sums over common neighbors, paths and degrees."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph, NeighborLists
from graphlearn.nn.predictor.node_weights import inverse_degree, inverse_log_degree
from graphlearn.typing import Pairs

NUM_SUMS = 8
"""How many numbers :func:`structural_sums` gives for a pair."""


def structural_sums(
    graph: CSRGraph,
    pairs: Pairs,
    first: NeighborLists,
    second: NeighborLists,
    paths: Tensor,
    dtype: torch.dtype,
) -> Tensor:
    r"""Logarithms log(1 + a) of counts that heuristics are made of, the same from either endpoint.

    Common neighbors, Adamic-Adar's and resource allocation's sums over them; paths of length three,
    and the same where each counts 1 / sqrt(degree), the mean over its two inner nodes; the product
    of the endpoints' degrees, the smaller and the larger one. A pair's own link is in none of them:
    its endpoints' degrees are those without it.

    Cost: O(N) and O(K + L) for lists of K and L entries.

    Args:
        graph: The graph, possibly masked.
        pairs: Node pairs.
        first: Their common neighbors.
        second: What :func:`graphlearn.kernels.second_order_neighbors` gave.
        paths: Its counts.
        dtype: Type of the result.

    Shapes:
        - **pairs**: ``[2, B]``; **paths**: ``[L, 2]``; **output**: ``[B, 8]``

    Example:
        >>> import torch
        >>> from graphlearn.kernels import common_neighbors, second_order_neighbors
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 3]]))
        >>> pairs = torch.tensor([[0], [2]])
        >>> lists, paths = second_order_neighbors(graph, pairs)
        >>> sums = structural_sums(graph, pairs, common_neighbors(graph, pairs), lists, paths,
        ...     torch.float64)
        >>> [round(value, 2) for value in sums[0].expm1().tolist()]
        [1.0, 1.44, 0.5, 0.0, 0.0, 2.0, 1.0, 2.0]
    """
    size = pairs.size(1)
    wide = torch.float64  # half precision would lose counts above 2048
    node = first.node.long()
    shared = [torch.ones_like(node, dtype=wide)]
    shared += [of_node(graph, wide)[node] for of_node in (inverse_log_degree, inverse_degree)]
    columns = [_sums(first, weight, size) for weight in shared]
    # Each path counts at both of its inner nodes: half of the sum.
    count = paths.sum(1).to(wide)
    scaled = count * inverse_degree(graph, wide).sqrt()[second.node.long()]
    columns += [_sums(second, weight, size) / 2 for weight in (count, scaled)]
    degree = graph.degree().to(wide)
    # Each end by its own row: dropped entries may hide a link from one of them alone.
    ends = [degree[own[0]] - graph.has_entries(own).to(wide) for own in (pairs, pairs.flip(0))]
    columns += [ends[0] * ends[1], torch.minimum(*ends), torch.maximum(*ends)]
    return torch.stack(columns, dim=1).log1p().to(dtype)


def _sums(lists: NeighborLists, weight: Tensor, size: int) -> Tensor:
    return weight.new_zeros(size).index_add_(0, lists.rows(), weight)
