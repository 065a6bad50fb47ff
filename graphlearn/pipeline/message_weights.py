"""The entries of a graph's message passing and the factor of each, before it is cut."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, get_args

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.registry import unknown_name
from graphlearn.typing import EdgeIndex

Normalization = Literal["gcn", "mean", "sum"]


class Entries(NamedTuple):
    """Messages of a graph.

    Args:
        source: Where each comes from.
        target: Where it goes to.
        edge: Which edge of the graph it is; ``E + v`` for a self-loop that was added to node v.
        weight: Its factor; None where all are 1.

    Shapes:
        - all: ``[M]``
    """

    source: Tensor
    target: Tensor
    edge: Tensor
    weight: Tensor | None


def check_weight(weight: Any, num_edges: int) -> Tensor | None:
    """Return edge weights if there is a finite number for each edge, or None.

    Raises:
        InputTypeError: If they are no floating-point tensor.
        InputError: If there are more or fewer, or one is infinite or NaN.

    Example:
        >>> check_weight(torch.ones(2, 1), 2)
        tensor([1., 1.])
    """
    if weight is None:
        return None
    if not isinstance(weight, Tensor) or not weight.is_floating_point():
        kind = f"dtype {weight.dtype}" if isinstance(weight, Tensor) else type(weight).__name__
        raise InputTypeError(
            f"weight has {kind}", expected=f"a floating-point tensor [{num_edges}]"
        )
    if list(weight.shape) not in ([num_edges], [num_edges, 1]):
        raise InputError(
            f"weight has shape {list(weight.shape)}", expected=f"[{num_edges}], one for each edge"
        )
    values: Tensor = weight.detach().cpu().flatten()
    wrong = ~torch.isfinite(values)
    if bool(wrong.any()):
        edge = int(wrong.nonzero()[0])
        raise InputError(f"weight holds {float(values[edge])} for edge {edge}", expected="finite")
    return values


def make_entries(
    edge_index: EdgeIndex,
    num_nodes: int,
    weight: Tensor | None,
    normalization: Normalization | None,
    dtype: torch.dtype,
) -> Entries:
    """Entries with their factors, from the degrees of the whole graph.

    ``"gcn"`` is PyG's ``gcn_norm``: every node has one self-loop, behind the edges, which takes the
    weight of one that was there (the last of several) or 1; an entry's factor is its weight over
    the square root of the summed weights of both its ends. ``"mean"`` divides by the sum of weights
    at the target. ``"sum"`` and None leave weights as they are. Sums that are 0 give factors 0.

    Args:
        edge_index: Checked edges, on the CPU.
        num_nodes: Number of nodes.
        weight: Checked weights of the edges, or None.
        normalization: How to normalize.
        dtype: Of the factors; sums are taken in it too, as PyG does.

    Raises:
        UnknownNameError: If the normalization is unknown.

    Example:
        >>> edges = torch.tensor([[0, 1], [1, 1]])
        >>> found = make_entries(edges, 2, None, "gcn", torch.float32)
        >>> found.source.tolist(), found.target.tolist(), found.edge.tolist()
        ([0, 0, 1], [1, 0, 1], [0, 2, 1])
        >>> found.weight
        tensor([0.7071, 1.0000, 0.5000])
    """
    if normalization not in (None, *get_args(Normalization)):
        raise unknown_name("normalization", str(normalization), get_args(Normalization))
    source, target = edge_index.long()
    edge = torch.arange(source.numel())
    values = None if weight is None else weight.to(dtype)
    if normalization in (None, "sum"):
        return Entries(source, target, edge, values)
    if normalization == "gcn":
        source, target, edge, values = _with_loops(source, target, edge, values, num_nodes)
    if values is None:
        values = torch.ones(edge.numel(), dtype=dtype)
    total = torch.zeros(num_nodes, dtype=dtype).index_add_(0, target, values)
    if normalization == "mean":
        scale = total.reciprocal().masked_fill_(total == 0, 0)
        return Entries(source, target, edge, values * scale[target])
    scale = total.pow(-0.5)
    scale.masked_fill_(torch.isinf(scale), 0)
    factor = scale[source] * values * scale[target]
    if bool(torch.isnan(factor).any()):
        node = int(torch.isnan(scale).nonzero()[0])
        raise InputError(
            f"the weights of edges to node {node} sum to {float(total[node])}",
            expected="sums >= 0 for 'gcn'",
            mend="use weights >= 0, or normalization='sum'",
        )
    return Entries(source, target, edge, factor)


def _with_loops(
    source: Tensor, target: Tensor, edge: Tensor, weight: Tensor | None, num_nodes: int
) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
    """One self-loop a node, behind all other edges."""
    loop = source == target
    nodes = torch.arange(num_nodes)
    loop_edge = edge.numel() + nodes
    # Edge ids ascend, so the largest is the last one given, whichever order the writes come in.
    last = torch.full((num_nodes,), -1).scatter_reduce_(0, target[loop], edge[loop], "amax")
    given = last >= 0
    loop_edge[given] = last[given]
    other = ~loop
    values = None
    if weight is not None:
        loop_weight = torch.ones(num_nodes, dtype=weight.dtype)
        loop_weight[given] = weight[last[given]]
        values = torch.cat([weight[other], loop_weight])
    return (
        torch.cat([source[other], nodes]),
        torch.cat([target[other], nodes]),
        torch.cat([edge[other], loop_edge]),
        values,
    )
