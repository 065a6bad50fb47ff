"""Intersection in plain torch operations: what runs for tensors that are not on the CPU.

The entries of the shorter row of each pair are looked up among the graph's sorted entry keys:
O(sum of smaller degrees * log nnz) time, in chunks so that memory stays bounded.
"""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from graphlearn.kernels.csr import CSRGraph
from graphlearn.kernels.lists import NeighborLists

_CHUNK_ENTRIES = 1 << 24


def _entries_of(graph: CSRGraph, nodes: Tensor) -> tuple[Tensor, Tensor]:
    """For each node its kept entries: ``(which node, position in col)``."""
    start = graph.rowptr.long()[nodes]
    count = graph.rowptr.long()[nodes + 1] - start
    owner = torch.repeat_interleave(torch.arange(nodes.numel(), device=nodes.device), count)
    before = count.cumsum(0) - count
    entry = torch.arange(owner.numel(), device=nodes.device) - before[owner] + start[owner]
    if graph.keep is not None:
        kept = graph.keep[entry]
        owner, entry = owner[kept], entry[kept]
    return owner, entry


def _is_neighbor(graph: CSRGraph, source: Tensor, target: Tensor) -> Tensor:
    """Whether the graph has the kept entry ``(source, target)``."""
    if graph.col.numel() == 0:
        return torch.zeros_like(source, dtype=torch.bool)
    key = source * graph.num_nodes + target
    place = torch.searchsorted(graph.entry_key, key).clamp_(max=graph.col.numel() - 1)
    found = graph.entry_key[place] == key
    return found if graph.keep is None else found & graph.keep[place]


def _to_lists(owner: Tensor, node: Tensor, size: int) -> NeighborLists:
    rowptr = torch.zeros(size + 1, dtype=torch.int64, device=owner.device)
    rowptr[1:] = torch.bincount(owner, minlength=size).cumsum(0)
    return NeighborLists(rowptr, node)


def _chunks(work: Tensor) -> list[tuple[int, int]]:
    """Cut pairs so that no chunk expands more than ``_CHUNK_ENTRIES`` entries (but one pair)."""
    if work.numel() == 0:
        return []
    number = (work.cumsum(0) - work) // _CHUNK_ENTRIES
    bounds = [0, *(torch.nonzero(number.diff()).flatten() + 1).tolist(), work.numel()]
    return list(itertools.pairwise(bounds))


def _join(parts: list[tuple[Tensor, Tensor]], graph: CSRGraph, size: int) -> NeighborLists:
    if not parts:
        empty = torch.empty(0, dtype=torch.int64, device=graph.device)
        return _to_lists(empty, graph.col.new_empty(0), size)
    owners, nodes = zip(*parts, strict=True)
    return _to_lists(torch.cat(owners), torch.cat(nodes), size)


def common_neighbors(graph: CSRGraph, pairs: Tensor) -> NeighborLists:
    """Common neighbors of every pair."""
    degree = graph.rowptr.diff().long()
    u, v = pairs.long()
    u_is_short = degree[u] <= degree[v]
    short, long = torch.where(u_is_short, u, v), torch.where(u_is_short, v, u)
    parts = []
    for begin, end in _chunks(degree[short]):
        owner, entry = _entries_of(graph, short[begin:end])
        node = graph.col[entry]
        hit = _is_neighbor(graph, long[begin:end][owner], node.long())
        parts.append((owner[hit] + begin, node[hit]))
    return _join(parts, graph, pairs.size(1))


def overlap(graph: CSRGraph, pairs: Tensor) -> tuple[NeighborLists, NeighborLists, NeighborLists]:
    """Common neighbors, the source's other neighbors and the target's other neighbors."""
    degree = graph.rowptr.diff().long()
    u, v = pairs.long()
    common = common_neighbors(graph, pairs)
    residual = []
    for here, there in ((u, v), (v, u)):
        parts = []
        for begin, end in _chunks(degree[here]):
            owner, entry = _entries_of(graph, here[begin:end])
            node = graph.col[entry]
            own, other = here[begin:end][owner], there[begin:end][owner]
            apart = ~_is_neighbor(graph, other, node.long()) & (node != own) & (node != other)
            parts.append((owner[apart] + begin, node[apart]))
        residual.append(_join(parts, graph, pairs.size(1)))
    return common, residual[0], residual[1]
