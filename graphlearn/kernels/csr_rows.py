"""From an ``edge_index`` to compressed rows."""

from __future__ import annotations

import os

import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_node_pairs, check_num_nodes

_INT32_LIMIT = 2**31 - 1


def build_rows(
    edge_index: EdgeIndex, num_nodes: int | None, *, undirected: bool, keep_self_loops: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """The tensors of :meth:`CSRGraph.from_edge_index`, in O(E log E) time and O(E) memory.

    Args:
        edge_index: Integer tensor ``[2, E]``.
        num_nodes: Number of nodes; one more than the largest id if None.
        undirected: Store both directions of every edge.
        keep_self_loops: Keep ``(u, u)``.

    Returns:
        ``rowptr``, ``col``, ``edge_id``, ``edge_entries`` and ``input_edge`` of a
        :class:`CSRGraph`.

    Raises:
        InputTypeError: If ``edge_index`` is not an integer tensor.
        InputError: If its shape is wrong, an id is out of range, or memory does not hold a few
            pointers for each node.

    Example:
        >>> edges = torch.tensor([[0, 1], [1, 2]])
        >>> rowptr, col, *_ = build_rows(edges, 3, undirected=True, keep_self_loops=False)
        >>> rowptr.tolist(), col.tolist()
        ([0, 1, 3, 4], [1, 0, 2, 1])
    """
    if num_nodes is None:
        check_node_pairs(edge_index, 2**62)
        num_nodes = int(edge_index.max()) + 1 if edge_index.numel() else 0
    num_nodes = check_num_nodes(num_nodes)
    check_node_pairs(edge_index, num_nodes)
    if num_nodes >= 3_037_000_499:
        raise InputError(f"num_nodes is {num_nodes}", expected="fewer than 3,037,000,499")
    _check_memory(num_nodes)
    source, target = edge_index.long()
    low, high = (
        (torch.minimum(source, target), torch.maximum(source, target))
        if undirected
        else (source, target)
    )
    loop = low == high
    key = low * num_nodes + high
    order = torch.argsort(key, stable=True)
    if not keep_self_loops:
        order = order[~loop[order]]
    sorted_key = key[order]
    begins = torch.ones_like(sorted_key, dtype=torch.bool)
    begins[1:] = sorted_key[1:] != sorted_key[:-1]
    group = torch.cumsum(begins, 0) - 1
    first = order[begins]  # stable order: the first appearance of every distinct edge
    num_edges = first.numel()
    rank = torch.empty_like(first)
    by_appearance = torch.argsort(first)
    rank[by_appearance] = torch.arange(num_edges, device=first.device)
    input_edge = torch.full_like(key, -1)
    input_edge[order] = rank[group]
    first = first[by_appearance]
    low, high = low[first], high[first]
    ids = torch.arange(num_edges, device=first.device)
    if undirected:
        back = (low != high).nonzero().flatten()
        row, column = torch.cat([low, high[back]]), torch.cat([high, low[back]])
        edge_id = torch.cat([ids, back])
    else:
        row, column, edge_id = low, high, ids
    order = torch.argsort(row * num_nodes + column)
    row, column, edge_id = row[order], column[order], edge_id[order]
    rowptr = torch.zeros(num_nodes + 1, dtype=torch.int64, device=row.device)
    rowptr[1:] = torch.cumsum(torch.bincount(row, minlength=num_nodes), 0)
    position = torch.empty_like(order)
    position[order] = torch.arange(order.numel(), device=order.device)
    edge_entries = position[:num_edges, None].repeat(1, 2)
    if undirected:
        edge_entries[back, 1] = position[num_edges:]
    small = max(num_nodes, order.numel()) < _INT32_LIMIT
    index = torch.int32 if small else torch.int64
    return (
        rowptr.to(index),
        column.to(index),
        edge_id.to(index),
        edge_entries.to(index),
        input_edge,
    )


def _check_memory(num_nodes: int) -> None:
    """Raise if a few pointers for each node are more than memory: the system would end the process.

    Ids that are hashes or account numbers name billions of nodes with a handful of edges.
    """
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not told on this system
        return
    needed = 3 * 8 * num_nodes
    if needed > memory:
        raise InputError(
            f"num_nodes is {num_nodes}: row pointers need {needed / 2**30:.1f} GiB, and this "
            f"machine has {memory / 2**30:.1f} GiB",
            expected="ids in 0, 1, ..., N - 1",
            mend="number the nodes anew with edge_index.unique(return_inverse=True)",
        )
