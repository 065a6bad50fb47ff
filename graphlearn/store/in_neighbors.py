"""What a sampler reads: each node's in-neighbors, which nodes it starts from, how many it draws."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.kernels.sample import NeighborRows
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_node_pairs, check_num_nodes, check_size, id_range

Graph: TypeAlias = "NeighborRows | CSRGraph | EdgeIndex | tuple[Tensor, Tensor]"
"""A sampler's :class:`NeighborRows`, ``(colptr, row)``, an undirected :class:`CSRGraph`, or PyG's
``edge_index``."""

_INDEX = (torch.int32, torch.int64)


class InNeighbors(NamedTuple):
    """A graph as a neighbor sampler reads it: node v draws from ``row[colptr[v]:colptr[v + 1]]``.

    Args:
        colptr: Where each node's in-neighbors start.
        row: The in-neighbors.

    Shapes:
        - **colptr**: ``[N + 1]``; **row**: ``[E]``, int32 or int64

    Example:
        >>> InNeighbors(torch.tensor([0, 2, 2]), torch.tensor([0, 1])).num_nodes
        2
    """

    colptr: Tensor
    row: Tensor

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return self.colptr.numel() - 1


def in_neighbors(graph: Graph, num_nodes: int | None = None) -> InNeighbors:
    """Return the rows that a sampler draws from; ``(colptr, row)`` is checked and not copied.

    Args:
        graph: ``(colptr, row)``, or the rows of a sampler; an ``edge_index`` whose first row is
            sources, brought in order of the targets here in O(N + E); or an undirected
            :class:`CSRGraph` without a mask.
        num_nodes: Number of nodes; needed for an ``edge_index``.

    Raises:
        InputTypeError: If it is something else, or not of integers.
        InputError: If an id is out of range, the pointers do not fit, or ``num_nodes`` is missing
            or another one.

    Example:
        >>> colptr, row = in_neighbors(torch.tensor([[0, 1, 2], [2, 2, 0]]), num_nodes=3)
        >>> colptr.tolist(), row.tolist()
        ([0, 1, 1, 3], [2, 0, 1])
    """
    if isinstance(graph, Tensor):
        if num_nodes is None:
            raise InputError(
                "num_nodes is None",
                expected="the number of nodes beside an edge_index",
                mend="pass num_nodes=data.num_nodes",
            )
        return _sort_by_target(graph, check_num_nodes(num_nodes))
    if isinstance(graph, CSRGraph):
        if not graph.undirected or graph.keep is not None:
            raise InputError(
                "graph is a directed or masked CSRGraph",
                expected="an undirected one without a mask, an edge_index or (colptr, row)",
            )
        found = InNeighbors(graph.rowptr, graph.col)
    elif isinstance(graph, NeighborRows):
        found = _checked(torch.from_numpy(graph.rowptr), torch.from_numpy(graph.col))
    else:
        found = _checked(*_two(graph))
    if num_nodes is not None and num_nodes != found.num_nodes:
        raise InputError(f"num_nodes is {num_nodes}", expected=f"{found.num_nodes}, as the graph's")
    return found


def _two(graph: Any) -> tuple[Any, Any]:
    if not isinstance(graph, Sequence) or isinstance(graph, str) or len(graph) != 2:
        raise InputTypeError(
            f"graph is a {type(graph).__name__}",
            expected="(colptr, row), an edge_index tensor, NeighborRows or a CSRGraph",
        )
    return graph[0], graph[1]


def _sort_by_target(edge_index: EdgeIndex, num_nodes: int) -> InNeighbors:
    source, target = check_node_pairs(edge_index, num_nodes).long().cpu()
    rows = NeighborRows.from_edges(source, target, num_sources=num_nodes, num_targets=num_nodes)
    return InNeighbors(torch.from_numpy(rows.rowptr), torch.from_numpy(rows.col))


def _checked(colptr: Any, row: Any) -> InNeighbors:
    for name, ids in (("colptr", colptr), ("row", row)):
        if not isinstance(ids, Tensor) or ids.dtype not in _INDEX:
            kind = f"dtype {ids.dtype}" if isinstance(ids, Tensor) else type(ids).__name__
            raise InputTypeError(f"{name} has {kind}", expected="an int32 or int64 tensor")
        if ids.dim() != 1:
            raise InputError(f"{name} has shape {list(ids.shape)}", expected="one dimension")
    colptr, row = colptr.cpu(), row.cpu()
    fits = colptr.numel() > 0 and int(colptr[0]) == 0 and int(colptr[-1]) == row.numel()
    if not fits or bool((colptr.diff() < 0).any()):
        raise InputError(
            f"colptr is {colptr.tolist() if colptr.numel() < 9 else 'no list of pointers'}",
            expected=f"[N + 1] from 0 to {row.numel()}, the number of entries, never falling",
        )
    if row.numel():
        low, high = id_range(row)
        if low < 0 or high >= colptr.numel() - 1:
            raise InputError(
                f"row holds node id {low if low < 0 else high}",
                expected=f"ids in [0, {colptr.numel() - 1})",
            )
    return InNeighbors(colptr, row)


def seed_weights(train_nodes: Any, num_nodes: int) -> Tensor:
    """Return how often each node is a seed in an epoch, ``[N]`` float64.

    Args:
        train_nodes: Integer ids (one that stands there twice is a seed twice, as the ends of
            training links are), a bool mask ``[N]``, or floating-point weights ``[N]``.
        num_nodes: Number of nodes.

    Raises:
        InputTypeError: If it is no tensor of one of these.
        InputError: If it names no node, an id is out of range, or a weight is negative, not
            finite, or not one for each node.

    Example:
        >>> seed_weights(torch.tensor([2, 0, 2]), 4).tolist()
        [1.0, 0.0, 2.0, 0.0]
    """
    if not isinstance(train_nodes, Tensor):
        raise InputTypeError(
            f"train_nodes is a {type(train_nodes).__name__}",
            expected="a tensor of ids, a bool mask [N] or floating-point weights [N]",
        )
    nodes = train_nodes.detach().cpu()
    if nodes.dtype == torch.bool or nodes.is_floating_point():
        if list(nodes.shape) != [num_nodes]:
            raise InputError(
                f"train_nodes has shape {list(nodes.shape)}",
                expected=f"[{num_nodes}], one for each node",
            )
        weight = nodes.double()
        if not bool(torch.isfinite(weight).all()) or bool((weight < 0).any()):
            raise InputError(
                "train_nodes holds a negative, infinite or NaN weight", expected=">= 0"
            )
    elif nodes.dtype not in _INDEX or nodes.dim() != 1:
        raise InputTypeError(
            f"train_nodes has dtype {nodes.dtype} and shape {list(nodes.shape)}",
            expected="int32 or int64 ids [B]",
        )
    else:
        if nodes.numel():
            low, high = id_range(nodes)
            if low < 0 or high >= num_nodes:
                raise InputError(
                    f"train_nodes holds {low if low < 0 else high}",
                    expected=f"ids in [0, {num_nodes})",
                )
        weight = torch.bincount(nodes, minlength=num_nodes).double()
    if not bool(weight.any()):
        raise InputError("train_nodes names no node", expected="at least one training node")
    return weight


def check_fan_out(fan_out: Any) -> tuple[int, ...]:
    """Return how many neighbors each hop draws: integers >= 1, or -1 for all.

    Raises:
        InputTypeError: If it is no sequence of integers.
        InputError: If it is empty, or one is 0 or below -1.

    Example:
        >>> check_fan_out([15, -1])
        (15, -1)
    """
    if not isinstance(fan_out, Sequence) or isinstance(fan_out, str):
        raise InputTypeError(
            f"fan_out is {fan_out!r}", expected="one integer a hop, such as [15, 10]"
        )
    if not fan_out:
        raise InputError("fan_out is empty", expected="one integer a hop, such as [15, 10]")
    return tuple(
        -1 if isinstance(size, int) and size == -1 else check_size(size, name="fan_out")
        for size in fan_out
    )
