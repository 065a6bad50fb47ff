"""Compiled overlap of hop sets by searching from both ends of each pair.

Pairs are grouped by their first node, whose nodes within K hops are labelled with their distance
once; from each second node a breadth-first search then looks labels up. Nothing is kept between
groups but four arrays of length N a thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.threads import balanced_bounds, run_chunks

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width


@njit(nogil=True, cache=True)
def search_steps(rowptr: Array, col: Array, hops: Int) -> Array:
    """About how many entries a search of so many hops reads, for every node; at most all."""
    nodes, most = rowptr.shape[0] - 1, np.float64(col.shape[0])
    steps = np.empty(nodes, np.float64)
    for u in range(nodes):
        steps[u] = rowptr[u + 1] - rowptr[u]
    for _ in range(hops - 1):
        deeper = np.empty(nodes, np.float64)
        for u in range(nodes):
            total = np.float64(rowptr[u + 1] - rowptr[u])
            for k in range(rowptr[u], rowptr[u + 1]):
                total += steps[col[k]]
            deeper[u] = min(total, most)
        steps = deeper
    return steps


@njit(nogil=True, cache=True)
def search(
    rowptr: Array,
    col: Array,
    keep: Array,
    root: Int,
    hops: Int,
    seen: Array,
    stamp: Int,
    queue: Array,
    bounds: Array,
) -> None:
    """Breadth-first: ``queue[bounds[k] : bounds[k + 1]]`` are the nodes at k hops, the root at 0.

    A node is met where ``seen`` holds the stamp.
    """
    masked = keep.shape[0] > 0
    queue[0] = root
    seen[root] = stamp
    bounds[0], bounds[1] = 0, 1
    used = 1
    for k in range(hops):
        for place in range(bounds[k], bounds[k + 1]):
            u = queue[place]
            for entry in range(rowptr[u], rowptr[u + 1]):
                if masked and keep[entry] == 0:
                    continue
                v = col[entry]
                if seen[v] != stamp:
                    seen[v] = stamp
                    queue[used] = v
                    used += 1
        bounds[k + 2] = used


@njit(nogil=True, cache=True)
def _overlap(
    rowptr: Array,
    col: Array,
    keep: Array,
    first: Array,
    second: Array,
    order: Array,
    hops: Int,
    shared: Array,
    sizes_first: Array,
    sizes_second: Array,
    begin: Int,
    end: Int,
) -> None:
    nodes = rowptr.shape[0] - 1
    label = np.zeros(nodes, np.int8)
    seen = np.full(nodes, -1, np.int64)
    own, other = np.empty(nodes, np.int32), np.empty(nodes, np.int32)
    own_bounds, bounds = np.empty(hops + 2, np.int64), np.empty(hops + 2, np.int64)
    current = -1
    for place in range(begin, end):
        b = order[place]
        u, v = first[b], second[b]
        if u != current:
            if current >= 0:
                for i in range(own_bounds[hops + 1]):
                    label[own[i]] = 0
            search(rowptr, col, keep, u, hops, seen, 2 * place, own, own_bounds)
            for k in range(1, hops + 1):
                for i in range(own_bounds[k], own_bounds[k + 1]):
                    label[own[i]] = k
            current = u
        search(rowptr, col, keep, v, hops, seen, 2 * place + 1, other, bounds)
        for k in range(hops):
            sizes_first[b, k] = own_bounds[k + 2] - own_bounds[k + 1]
            sizes_second[b, k] = bounds[k + 2] - bounds[k + 1]
            for i in range(bounds[k + 1], bounds[k + 2]):
                level = label[other[i]]
                if level > 0:
                    shared[b, level - 1, k] += 1


def hop_overlap(
    rowptr: Array,
    col: Array,
    keep: Array,
    pairs: Array,
    hops: int,
    steps: Array,
    threads: int,
) -> tuple[Array, Array, Array]:
    """Sizes of the intersections, and of the hop sets of both ends."""
    count = pairs.shape[1]
    # The search from the second node is repeated for each pair: let it be the shorter one.
    swap = steps[pairs[0]] < steps[pairs[1]]
    first = np.where(swap, pairs[1], pairs[0])
    second = np.where(swap, pairs[0], pairs[1])
    order = np.argsort(first, kind="stable")
    shared = np.zeros((count, hops, hops), np.int32)
    sizes = np.empty((2, count, hops), np.int32)
    work = np.zeros(count + 1)
    np.cumsum(steps[second[order]] + 1, out=work[1:])

    def task(part: int, begin: int, end: int) -> None:
        del part
        _overlap(
            rowptr,
            col,
            keep,
            first,
            second,
            order,
            hops,
            shared,
            sizes[0],
            sizes[1],
            begin,
            end,
        )

    run_chunks(task, balanced_bounds(work.astype(np.int64), threads))
    turned = swap[:, None, None]
    shared = np.where(turned, shared.transpose(0, 2, 1), shared)
    turned = swap[:, None]
    return (
        shared,
        np.where(turned, sizes[1], sizes[0]),
        np.where(turned, sizes[0], sizes[1]),
    )
