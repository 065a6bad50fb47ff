"""Sums node representations over lists, by gathering or by a matrix product, and says which.

Gathering costs K C multiply-adds from scattered rows; a product over dense rows costs B N C from
contiguous ones. On a graph as dense as ogbl-ddi the two compete, so the choice is by measured cost.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.csr import CSRGraph
from graphlearn.kernels.lists import NeighborLists
from graphlearn.kernels.spmm import spmm
from graphlearn.typing import Pairs
from graphlearn.validate import id_range

Path = Literal["fused", "gather", "dense"]

# Nanoseconds on one thread, measured by experiments/perf/pooling_paths.py; only the ratio decides.
_GATHER_ENTRY_CHANNEL = 0.08
_DENSE_CELL_CHANNEL = 0.058
_DENSE_CELL = 0.4
_DENSE_BYTES = 64 << 20


@dataclass(frozen=True)
class PoolingPlan:
    """Which way a pooling runs, and the estimate behind it.

    Args:
        path: ``"fused"`` (one pass, no lists, no gradient), ``"gather"`` or ``"dense"``.
        entries: Common neighbors expected (or known) in all.
        cells: Pairs times nodes: the size of the dense rows, which are made in chunks.
        reason: The comparison in words.

    Example:
        >>> PoolingPlan("gather", 10, 100, "0.1 us against 1.0 us").path
        'gather'
    """

    path: Path
    entries: int
    cells: int
    reason: str


def choose_path(entries: int, pairs: int, nodes: int, channels: int) -> PoolingPlan:
    """Compare gathering ``entries`` rows with a ``pairs x nodes`` matrix product.

    Example:
        >>> choose_path(entries=100, pairs=100, nodes=10_000, channels=64).path
        'gather'
        >>> choose_path(entries=900_000, pairs=1_000, nodes=1_000, channels=64).path
        'dense'
    """
    cells = pairs * nodes
    gather = entries * channels * _GATHER_ENTRY_CHANNEL
    dense = cells * (channels * _DENSE_CELL_CHANNEL + _DENSE_CELL)
    reason = (
        f"{entries} common neighbors of {pairs} pairs: gather {gather / 1e6:.3g} ms, "
        f"dense {dense / 1e6:.3g} ms"
    )
    return PoolingPlan("gather" if gather <= dense else "dense", entries, cells, reason)


def plan_pooling(
    graph: CSRGraph, pairs: Pairs, channels: int, *, needs_grad: bool = False
) -> PoolingPlan:
    """Choose how to pool the common neighbors of ``pairs``, from the smaller degrees.

    Args:
        graph: The graph.
        pairs: Node pairs ``[2, B]``.
        channels: Width of what is pooled.
        needs_grad: Whether a backward pass follows.

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]))
        >>> plan_pooling(graph, torch.tensor([[0], [2]]), 16).path
        'fused'
    """
    degree = graph.rowptr.diff()
    smaller = torch.minimum(degree[pairs[0].long()], degree[pairs[1].long()]).double()
    larger = torch.maximum(degree[pairs[0].long()], degree[pairs[1].long()]).double()
    # Of the smaller neighborhood, the expected share in the larger one if edges were independent;
    # real graphs are clustered, so this is the least that gathering will cost.
    expected = int((smaller * larger / max(graph.num_nodes, 1)).sum())
    plan = choose_path(expected, pairs.size(1), graph.num_nodes, channels)
    if plan.path == "gather" and not needs_grad and graph.device.type == "cpu":
        return PoolingPlan("fused", plan.entries, plan.cells, plan.reason)
    return plan


class _DensePool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, lists: NeighborLists, x: Tensor) -> Tensor:
        ctx.lists, ctx.shape = lists, x.shape
        out = x.new_empty(len(lists), x.size(1))
        for begin, end, rows in _dense_rows(lists, x.size(0), x):
            torch.mm(rows, x.detach(), out=out[begin:end])
        return out

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[None, Tensor]:
        grad_x = grad.new_zeros(ctx.shape)
        for begin, end, rows in _dense_rows(ctx.lists, ctx.shape[0], grad):
            grad_x.addmm_(rows.t(), grad[begin:end])
        return None, grad_x


def _dense_rows(lists: NeighborLists, nodes: int, like: Tensor) -> Any:
    """Yield ``(begin, end, 0/1 rows [end - begin, nodes])``, at most 64 MiB at a time."""
    step = max(1, _DENSE_BYTES // (max(nodes, 1) * like.element_size()))
    row = lists.rows()
    for begin in range(0, len(lists), step):
        end = min(begin + step, len(lists))
        first, last = int(lists.rowptr[begin]), int(lists.rowptr[end])
        rows = like.new_zeros(end - begin, nodes)
        # Added, not set: a list may hold a node twice, as the gathering path counts it twice.
        place = (row[first:last] - begin) * nodes + lists.node[first:last].long()
        rows.view(-1).scatter_add_(0, place, rows.new_ones(1).expand(last - first))
        yield begin, end, rows


def pool_lists(
    lists: NeighborLists,
    x: Tensor,
    node_weight: Tensor | None = None,
    *,
    entry_weight: Tensor | None = None,
    path: Path | Literal["auto"] = "auto",
) -> Tensor:
    """``out[b] = sum_{w in list b} node_weight[w] * entry_weight * x[w]``, differentiable in all.

    Args:
        lists: B lists of nodes.
        x: Node representations.
        node_weight: A factor for each node.
        entry_weight: A factor for each entry of the lists.
        path: ``"gather"``, ``"dense"`` or ``"auto"`` (by :func:`choose_path`).

    Shapes:
        - **x**: ``[N, C]``; **node_weight**: ``[N]``; **entry_weight**: ``[K]``
        - **output**: ``[B, C]``

    Raises:
        InputTypeError: If ``x`` is not dense.
        InputError: If a list holds an id outside ``[0, N)``, or ``entry_weight`` is given with the
            dense path.

    Example:
        >>> import torch
        >>> lists = NeighborLists(torch.tensor([0, 2]), torch.tensor([0, 1]))
        >>> pool_lists(lists, torch.tensor([[1.0], [2.0]])).tolist()
        [[3.0]]
    """
    if x.layout != torch.strided:
        raise InputTypeError(
            f"x has layout {x.layout}", expected="a dense tensor", mend="pass x.to_dense()"
        )
    if lists.node.numel():
        low, high = id_range(lists.node)
        if low < 0 or high >= x.size(0):
            raise InputError(
                f"the lists hold node id {low if low < 0 else high}",
                expected=f"ids in [0, {x.size(0)}), the rows of x",
            )
    if path == "auto":
        path = choose_path(lists.node.numel(), len(lists), x.size(0), x.size(1)).path
        if entry_weight is not None or x.device.type != "cpu":
            path = "gather"
    if path not in ("fused", "gather", "dense"):
        raise InputError(f"path is {path!r}", expected="'auto', 'gather' or 'dense'")
    if path == "dense":
        if entry_weight is not None:
            raise InputError(
                "entry_weight was given with path='dense'",
                expected="path='gather'",
                mend="leave path at 'auto'",
            )
        weighted = x if node_weight is None else x * node_weight.to(x.dtype)[:, None]
        dense: Tensor = _DensePool.apply(lists, weighted)  # type: ignore[no-untyped-call]
        return dense
    weight = entry_weight
    if node_weight is not None:
        of_entry = node_weight.to(x.dtype).index_select(0, lists.node.long())
        weight = of_entry if weight is None else weight * of_entry
    return spmm(lists.rowptr, lists.node, x, weight)
