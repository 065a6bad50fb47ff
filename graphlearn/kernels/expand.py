"""Rows of a graph written out in plain torch operations, and lists made of what was found there."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from graphlearn.kernels.csr import CSRGraph
from graphlearn.kernels.lists import NeighborLists

_CHUNK_ENTRIES = 1 << 24


def entries_of(graph: CSRGraph, nodes: Tensor) -> tuple[Tensor, Tensor]:
    """For each node its kept entries: ``(place in nodes, position in col)``, both ``[K]``.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]))
        >>> [part.tolist() for part in entries_of(graph, torch.tensor([1, 0]))]
        [[0, 0, 1], [1, 2, 0]]
    """
    start = graph.rowptr.long()[nodes]
    count = graph.rowptr.long()[nodes + 1] - start
    owner = torch.repeat_interleave(torch.arange(nodes.numel(), device=nodes.device), count)
    before = count.cumsum(0) - count
    entry = torch.arange(owner.numel(), device=nodes.device) - before[owner] + start[owner]
    if graph.keep is not None:
        kept = graph.keep[entry]
        owner, entry = owner[kept], entry[kept]
    return owner, entry


def to_lists(owner: Tensor, node: Tensor, size: int) -> NeighborLists:
    """Lists of nodes, given as the list that each belongs to, ascending.

    Example:
        >>> to_lists(torch.tensor([0, 2]), torch.tensor([5, 7]), 3).tolist()
        [[5], [], [7]]
    """
    rowptr = torch.zeros(size + 1, dtype=torch.int64, device=owner.device)
    rowptr[1:] = torch.bincount(owner, minlength=size).cumsum(0)
    return NeighborLists(rowptr, node)


def chunks(work: Tensor) -> list[tuple[int, int]]:
    """Cut pairs so that no chunk expands more than ``_CHUNK_ENTRIES`` entries (but one pair).

    Example:
        >>> chunks(torch.tensor([3, 4, 5]))
        [(0, 3)]
    """
    if work.numel() == 0:
        return []
    number = (work.cumsum(0) - work) // _CHUNK_ENTRIES
    bounds = [0, *(torch.nonzero(number.diff()).flatten() + 1).tolist(), work.numel()]
    return list(itertools.pairwise(bounds))
