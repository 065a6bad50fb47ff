"""The sums over neighbors that layers share, chunk by chunk and without ``[E, C]``."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import spmm
from graphlearn.nn.deep.chunk import Neighborhoods


def weighted_sum(x: Tensor, chunk: Neighborhoods) -> Tensor:
    r""":math:`\sum_k w_k \mathbf{x}_k` over the messages of each node; factors are 1 without
    weights.

    Cost: m C multiply-adds, and as much backward.

    Shapes:
        - **x**: ``[n + h, C]``; **output**: ``[n, C]``

    Example:
        >>> from graphlearn.nn.deep import whole_graph
        >>> graph = whole_graph(torch.tensor([[0, 1], [2, 2]]), num_nodes=3)
        >>> weighted_sum(torch.ones(3, 1), graph).flatten().tolist()
        [0.0, 0.0, 2.0]
    """
    weight = None if chunk.weight is None else chunk.weight.to(x.dtype)
    return spmm(chunk.rowptr, chunk.col, x, weight)


def mean_or_weighted_sum(x: Tensor, chunk: Neighborhoods) -> Tensor:
    """Mean of the messages of each node, 0 where there is none; with weights their weighted sum.

    Shapes:
        - **x**: ``[n + h, C]``; **output**: ``[n, C]``

    Example:
        >>> from graphlearn.nn.deep import whole_graph
        >>> graph = whole_graph(torch.tensor([[0, 1], [2, 2]]), num_nodes=3)
        >>> mean_or_weighted_sum(torch.tensor([[1.0], [2.0], [9.0]]), graph).flatten().tolist()
        [0.0, 0.0, 1.5]
    """
    out = weighted_sum(x, chunk)
    if chunk.weight is not None:
        return out
    return out / chunk.rowptr.diff().clamp(min=1).to(out.dtype)[:, None]


def gcn_sum(x: Tensor, chunk: Neighborhoods, *, add_self_loops: bool = True) -> Tensor:
    r""":math:`\mathbf{D}^{-1/2} (\mathbf{A} + \mathbf{I}) \mathbf{D}^{-1/2} \mathbf{X}`, or the
    weighted sum where the chunk has weights, which then hold loops and normalization.

    D are the degrees of A + I, or of A without ``add_self_loops``. A self-loop of the graph is a
    message like others, and :math:`\mathbf{I}` comes on top of it.

    Shapes:
        - **x**: ``[n + h, C]``; **output**: ``[n, C]``

    Example:
        >>> from graphlearn.nn.deep import whole_graph
        >>> edge = whole_graph(torch.tensor([[0, 1], [1, 0]]), num_nodes=2)
        >>> gcn_sum(torch.tensor([[1.0], [3.0]]), edge).flatten().round(decimals=3).tolist()
        [2.0, 2.0]
    """
    if chunk.weight is not None:
        return weighted_sum(x, chunk)
    # Half precision has not the digits for a hub's degree.
    degree = chunk.degree.to(torch.promote_types(x.dtype, torch.float32))
    # Rows are scaled before and sums after, which needs no factor an entry.
    if add_self_loops:
        scale = (degree + 1).rsqrt().to(x.dtype)[:, None]
        x = x * scale
        own = chunk.num_nodes
        return (weighted_sum(x, chunk) + x[:own]) * scale[:own]
    scale = torch.where(degree > 0, degree.rsqrt(), 0.0).to(x.dtype)[:, None]
    return weighted_sum(x * scale, chunk) * scale[: chunk.num_nodes]
