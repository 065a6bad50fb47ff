"""Intersection in plain torch operations: what runs for tensors that are not on the CPU.

The entries of the shorter row of each pair are looked up among the graph's sorted entry keys:
O(sum of smaller degrees * log nnz) time, in chunks so that memory stays bounded.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels.csr import CSRGraph
from graphlearn.kernels.expand import chunks, entries_of, to_lists
from graphlearn.kernels.lists import NeighborLists


def _is_neighbor(graph: CSRGraph, source: Tensor, target: Tensor) -> Tensor:
    """Whether the graph has the kept entry ``(source, target)``."""
    if graph.col.numel() == 0:
        return torch.zeros_like(source, dtype=torch.bool)
    key = source * graph.num_nodes + target
    place = torch.searchsorted(graph.entry_key, key).clamp_(max=graph.col.numel() - 1)
    found = graph.entry_key[place] == key
    return found if graph.keep is None else found & graph.keep[place]


def _join(parts: list[tuple[Tensor, Tensor]], graph: CSRGraph, size: int) -> NeighborLists:
    if not parts:
        empty = torch.empty(0, dtype=torch.int64, device=graph.device)
        return to_lists(empty, graph.col.new_empty(0), size)
    owners, nodes = zip(*parts, strict=True)
    return to_lists(torch.cat(owners), torch.cat(nodes), size)


def common_neighbors(graph: CSRGraph, pairs: Tensor) -> NeighborLists:
    """Common neighbors of every pair."""
    degree = graph.rowptr.diff().long()
    u, v = pairs.long()
    u_is_short = degree[u] <= degree[v]
    short, long = torch.where(u_is_short, u, v), torch.where(u_is_short, v, u)
    parts = []
    for begin, end in chunks(degree[short]):
        owner, entry = entries_of(graph, short[begin:end])
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
        for begin, end in chunks(degree[here]):
            owner, entry = entries_of(graph, here[begin:end])
            node = graph.col[entry]
            own, other = here[begin:end][owner], there[begin:end][owner]
            apart = ~_is_neighbor(graph, other, node.long()) & (node != own) & (node != other)
            parts.append((owner[apart] + begin, node[apart]))
        residual.append(_join(parts, graph, pairs.size(1)))
    return common, residual[0], residual[1]
