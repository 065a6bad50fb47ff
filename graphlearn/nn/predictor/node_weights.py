"""Factors that a pooling may give to each common neighbor."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph, NeighborLists, spmm
from graphlearn.registry import unknown_name

NODE_WEIGHTS = ("none", "adamic-adar", "resource-allocation", "batch-frequency")


def check_node_weight(name: str) -> str:
    """Return ``name`` if it is a known node weight.

    Raises:
        UnknownNameError: If it is not; offers the nearest.

    Example:
        >>> check_node_weight("none")
        'none'
    """
    if name not in NODE_WEIGHTS:
        raise unknown_name("node weight", name, NODE_WEIGHTS)
    return name


def inverse_degree(graph: CSRGraph, dtype: torch.dtype) -> Tensor:
    """Resource allocation's factor 1 / degree, 0 for isolated nodes.

    Shapes:
        - **output**: ``[N]``

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), num_nodes=4)
        >>> inverse_degree(graph, torch.float32).tolist()
        [1.0, 0.5, 1.0, 0.0]
    """
    degree = graph.degree().to(dtype)
    return torch.where(degree > 0, 1 / degree, torch.zeros((), dtype=dtype, device=degree.device))


def inverse_log_degree(graph: CSRGraph, dtype: torch.dtype) -> Tensor:
    """Adamic-Adar's factor 1 / log(degree), 0 below degree 2, where the logarithm is no factor.

    Shapes:
        - **output**: ``[N]``

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), num_nodes=4)
        >>> [round(w, 3) for w in inverse_log_degree(graph, torch.float32).tolist()]
        [0.0, 1.443, 0.0, 0.0]
    """
    degree = graph.degree().to(dtype)
    zero = torch.zeros((), dtype=dtype, device=degree.device)
    return torch.where(degree > 1, 1 / degree.clamp(min=2).log(), zero)


def first_order_rarity(graph: CSRGraph, dtype: torch.dtype) -> Tensor:
    r"""One over the number of node pairs that a node is a common neighbor of.

    That is 1 / (d (d - 1) / 2), divided by its mean over the nodes that are one at all, so that
    weights are about 1 on sparse graphs and on dense ones; 0 for the others. Counted over the
    graph, never over the pairs that are being scored. Costs O(N).

    Shapes:
        - **output**: ``[N]``

    Example:
        >>> import torch
        >>> star = CSRGraph.from_edge_index(torch.tensor([[0, 0, 0, 1], [1, 2, 3, 4]]))
        >>> first_order_rarity(star, torch.float32).tolist()
        [0.5, 1.5, 0.0, 0.0, 0.0]
    """
    degree = graph.degree().to(torch.float64)
    return _rarity(degree * (degree - 1) / 2, dtype)


def second_order_rarity(graph: CSRGraph, dtype: torch.dtype) -> Tensor:
    r"""One over the number of walks i - u - w - j that a node u is the second of.

    Walks do not turn back at once, so that there are :math:`(d_u - 1) \sum_{w \in N(u)} (d_w - 1)`;
    divided by its mean as in :func:`first_order_rarity`. Costs O(E).

    Shapes:
        - **output**: ``[N]``

    Example:
        >>> import torch
        >>> path = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 3]]))
        >>> second_order_rarity(path, torch.float32).tolist()
        [0.0, 1.0, 1.0, 0.0]
    """
    degree = graph.degree().to(torch.float64)
    further = (degree - 1).clamp_(min=0)
    weight = None if graph.keep is None else graph.keep.to(torch.float64)
    around = spmm(graph.rowptr, graph.col, further[:, None], weight)[:, 0]
    return _rarity(further * around, dtype)


def _rarity(frequency: Tensor, dtype: torch.dtype) -> Tensor:
    occurs = frequency > 0
    rarity = torch.where(occurs, 1 / frequency.clamp(min=1), 0.0)
    mean = rarity.sum() / occurs.sum().clamp(min=1)
    return (rarity / mean.clamp(min=torch.finfo(torch.float64).tiny)).to(dtype)


def node_weight(name: str, graph: CSRGraph, common: NeighborLists, x: Tensor) -> Tensor | None:
    """The factor of every node, or None for 1.

    ``"batch-frequency"`` divides by how often a node is a common neighbor *in this batch*, as
    OCN's reference code does. A pair's score then depends on the other pairs beside it, which
    ``graphlearn audit`` refuses; it is here to show that, and to measure what it is worth.

    Shapes:
        - **output**: ``[N]`` or None

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]))
        >>> lists = NeighborLists(torch.tensor([0, 1, 2]), torch.tensor([1, 1]))
        >>> node_weight("batch-frequency", graph, lists, torch.ones(3, 1)).tolist()
        [0.0, 0.5, 0.0]
    """
    if name == "adamic-adar":
        return inverse_log_degree(graph, x.dtype)
    if name == "resource-allocation":
        return inverse_degree(graph, x.dtype)
    if name == "batch-frequency":
        count = torch.bincount(common.node.long(), minlength=graph.num_nodes).to(x.dtype)
        return torch.where(count > 0, 1 / count.clamp(min=1), torch.zeros_like(count))
    return None
