"""Compiled passes of the streaming partitioner: each node goes where most of its neighbors are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width


@njit(nogil=True, cache=True)
def count_neighbors(source: Array, target: Array, rowptr: Array) -> None:
    """Row pointers of :func:`fill_neighbors`, from zeros."""
    for e in range(source.shape[0]):
        if source[e] != target[e]:
            rowptr[source[e] + 1] += 1
            rowptr[target[e] + 1] += 1
    for v in range(rowptr.shape[0] - 1):
        rowptr[v + 1] += rowptr[v]


@njit(nogil=True, cache=True)
def fill_neighbors(source: Array, target: Array, rowptr: Array, col: Array) -> None:
    """Both ends of every edge, self-loops left out; an edge that comes twice counts twice."""
    free = rowptr[:-1].copy()
    for e in range(source.shape[0]):
        u, v = source[e], target[e]
        if u != v:
            col[free[u]] = v
            free[u] += 1
            col[free[v]] = u
            free[v] += 1


@njit(nogil=True, cache=True)
def breadth_first(rowptr: Array, col: Array, start: Array, order: Array) -> None:
    """Nodes in the order a search meets them; it begins anew at the first of ``start`` not met."""
    seen = np.zeros(start.shape[0], np.bool_)
    used, place = 0, 0
    for root in start:
        if seen[root]:
            continue
        seen[root] = True
        order[used] = root
        used += 1
        while place < used:
            u = order[place]
            place += 1
            for k in range(rowptr[u], rowptr[u + 1]):
                v = col[k]
                if not seen[v]:
                    seen[v] = True
                    order[used] = v
                    used += 1


@njit(nogil=True, cache=True)
def _lighter(load: Array, a: Int, b: Int) -> Int:
    """The part with less work; of equals the first. Parts from ``len(load)`` on do not exist."""
    if a >= load.shape[0] or b >= load.shape[0]:
        return min(a, b)
    return b if load[b] < load[a] or (load[b] == load[a] and b < a) else a


@njit(nogil=True, cache=True)
def _settle(load: Array, lightest: Array, p: Int) -> None:
    """Bring a changed load up the tree, whose root ``lightest[1]`` is the lightest part."""
    i = (lightest.shape[0] // 2 + p) // 2
    while i:
        lightest[i] = _lighter(load, lightest[2 * i], lightest[2 * i + 1])
        i //= 2


@njit(nogil=True, cache=True)
def stream_pass(
    rowptr: Array,
    col: Array,
    work: Array,
    order: Array,
    load: Array,
    capacity: float,
    price: float,
    share: float,
    part: Array,
) -> Int:
    """Put each node, in order, into the part of the best score; returns how many changed.

    The score is the number of neighbors in a part less ``price * work * sqrt(load / share)``. A
    part whose load would pass ``capacity`` is left out, unless it is the lightest. Of equal scores
    the lightest part is taken, then the node's old one, then the first met among neighbors.

    O(E + N log K) with a tree of loads; keeps O(K).
    """
    parts = load.shape[0]
    leaves = 1
    while leaves < parts:
        leaves *= 2
    lightest = np.arange(-leaves, leaves)
    for i in range(leaves - 1, 0, -1):
        lightest[i] = _lighter(load, lightest[2 * i], lightest[2 * i + 1])
    count = np.zeros(parts, np.int64)
    met = np.empty(parts, np.int64)
    changed = 0
    for v in order:
        w, old = work[v], part[v]
        if old >= 0:
            load[old] -= w
            _settle(load, lightest, old)
        used = 0
        for k in range(rowptr[v], rowptr[v + 1]):
            p = part[col[k]]
            if p >= 0:
                if count[p] == 0:
                    met[used] = p
                    used += 1
                count[p] += 1
        best = lightest[1]
        top = count[best] - price * w * np.sqrt(load[best] / share)
        if old >= 0 and load[old] + w <= capacity:
            score = count[old] - price * w * np.sqrt(load[old] / share)
            if score > top:
                best, top = old, score
        for i in range(used):
            p = met[i]
            if load[p] + w <= capacity:
                score = count[p] - price * w * np.sqrt(load[p] / share)
                if score > top:
                    best, top = p, score
            count[p] = 0
        load[best] += w
        _settle(load, lightest, best)
        if best != old:
            part[v] = best
            changed += 1
    return changed


@njit(nogil=True, cache=True)
def fill_empty_parts(part: Array, parts: Int) -> None:
    """Give each part without a node one of a part that has several; there are enough of them."""
    size = np.zeros(parts, np.int64)
    for p in part:
        size[p] += 1
    v = 0
    for p in range(parts):
        if size[p] == 0:
            while size[part[v]] < 2:
                v += 1
            size[part[v]] -= 1
            size[p] = 1
            part[v] = p
