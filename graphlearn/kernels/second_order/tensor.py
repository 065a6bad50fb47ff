"""Paths of length three in plain torch operations: what runs for tensors not on the CPU.

Two-step walks of the distinct endpoints are written out and counted by sorting, in chunks so that
memory stays bounded; the rows of their partners are looked up among them.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels.csr import CSRGraph
from graphlearn.kernels.expand import chunks, entries_of, to_lists
from graphlearn.kernels.lists import NeighborLists


def second_order(graph: CSRGraph, pairs: Tensor) -> tuple[NeighborLists, Tensor]:
    """Lists of nodes on a path of length three, and how many each is on next to either end."""
    pairs = pairs.long()
    keys: list[Tensor] = []
    sides: list[Tensor] = []
    counts: list[Tensor] = []
    nodes = max(graph.num_nodes, 1)
    for side, (far, near) in enumerate((pairs.flip(0), pairs)):
        ends, which = torch.unique(far, return_inverse=True)
        order = torch.argsort(which, stable=True)
        for begin, end in chunks(_walks(graph, ends)):
            bounds = torch.tensor([begin, end], device=pairs.device)
            first, last = torch.searchsorted(which[order], bounds).tolist()
            own = order[first:last]
            walk, times = torch.unique(_two_steps(graph, ends[begin:end]), return_counts=True)
            owner, entry = entries_of(graph, near[own])
            node = graph.col[entry].long()
            key = (which[own][owner] - begin) * nodes + node
            place = torch.searchsorted(walk, key).clamp_(max=max(0, walk.numel() - 1))
            found = torch.zeros_like(key)
            if walk.numel():
                found = torch.where(walk[place] == key, times[place], 0)
            # A walk over the partner itself is no path.
            through = graph.has_entries(torch.stack([far[own], near[own]]))
            through &= far[own] != near[own]
            found = found - through.long()[owner]
            real = (found > 0) & (node != far[own][owner]) & (node != near[own][owner])
            keys.append(own[owner][real] * nodes + node[real])
            counts.append(found[real])
            sides.append(torch.full_like(counts[-1], side))
    if not keys:
        empty = pairs.new_zeros(0)
        return to_lists(empty, graph.col.new_empty(0), pairs.size(1)), empty.view(0, 2)
    key, where = torch.unique(torch.cat(keys), return_inverse=True)
    paths = key.new_zeros(key.numel(), 2)
    paths[where, torch.cat(sides)] = torch.cat(counts)
    pair = torch.div(key, nodes, rounding_mode="floor")
    node = (key - pair * nodes).to(graph.col.dtype)
    return to_lists(pair, node, pairs.size(1)), paths


def _walks(graph: CSRGraph, ends: Tensor) -> Tensor:
    """Two-step walks from each endpoint."""
    degree = graph.rowptr.diff().long()
    owner, entry = entries_of(graph, ends)
    around = torch.zeros_like(ends)
    return around.index_add_(0, owner, degree[graph.col[entry].long()])


def _two_steps(graph: CSRGraph, ends: Tensor) -> Tensor:
    """``endpoint's place * N + node`` of every two-step walk."""
    owner, entry = entries_of(graph, ends)
    middle = graph.col[entry].long()
    away = middle != ends[owner]
    owner, middle = owner[away], middle[away]
    of_step, further = entries_of(graph, middle)
    node = graph.col[further].long()
    away = node != middle[of_step]
    return owner[of_step[away]] * max(graph.num_nodes, 1) + node[away]
