"""Compiled counting of the triangles that each edge is in.

Every edge points from its end of lower degree to the other (equal degrees: from the lower id), so
that no node has more than sqrt(2 M) edges out, hubs of the graph least of all. A triangle is then
met once, at its lowest node: the out-neighbors of u are marked, and those of each of them are
looked up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.threads import balanced_bounds, run_chunks, thread_count

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width
_MOST_COUNTERS = 8  # each thread counts into an array of its own


@njit(nogil=True, cache=True)
def _out_degrees(rowptr: Array, col: Array, keep: Array, degree: Array) -> Array:
    out = np.zeros(rowptr.shape[0], np.int64)
    masked = keep.shape[0] > 0
    for u in range(rowptr.shape[0] - 1):
        for k in range(rowptr[u], rowptr[u + 1]):
            v = col[k]
            if masked and keep[k] == 0:
                continue
            if degree[u] < degree[v] or (degree[u] == degree[v] and u < v):
                out[u + 1] += 1
    for u in range(rowptr.shape[0] - 1):
        out[u + 1] += out[u]
    return out


@njit(nogil=True, cache=True)
def _orient(
    rowptr: Array,
    col: Array,
    keep: Array,
    edge_id: Array,
    degree: Array,
    out_ptr: Array,
    target: Array,
    edge: Array,
) -> None:
    masked = keep.shape[0] > 0
    used = 0
    for u in range(rowptr.shape[0] - 1):
        for k in range(rowptr[u], rowptr[u + 1]):
            v = col[k]
            if masked and keep[k] == 0:
                continue
            if degree[u] < degree[v] or (degree[u] == degree[v] and u < v):
                target[used] = v
                edge[used] = edge_id[k]
                used += 1


@njit(nogil=True, cache=True)
def _work(out_ptr: Array, target: Array) -> Array:
    """Steps before each node: looking up the out-neighbors of its out-neighbors."""
    steps = np.zeros(out_ptr.shape[0], np.int64)
    for u in range(out_ptr.shape[0] - 1):
        own = 1
        for k in range(out_ptr[u], out_ptr[u + 1]):
            v = target[k]
            own += 2 + out_ptr[v + 1] - out_ptr[v]
        steps[u + 1] = steps[u] + own
    return steps


@njit(nogil=True, cache=True)
def _count(
    out_ptr: Array, target: Array, edge: Array, mark: Array, counts: Array, begin: Int, end: Int
) -> None:
    for u in range(begin, end):
        first, last = out_ptr[u], out_ptr[u + 1]
        if last - first < 2:
            continue
        for k in range(first, last):
            mark[np.uint64(target[k])] = k - first + 1
        for k in range(first, last):
            v = np.uint64(target[k])
            closed = 0
            for j in range(np.uint64(out_ptr[v]), np.uint64(out_ptr[v + np.uint64(1)])):
                place = mark[np.uint64(target[j])]
                if place > 0:
                    closed += 1
                    counts[edge[j]] += 1
                    counts[edge[first + place - 1]] += 1
            counts[edge[k]] += closed
        for k in range(first, last):
            mark[np.uint64(target[k])] = 0


def edge_triangles(
    rowptr: Array, col: Array, keep: Array, edge_id: Array, degree: Array, num_edges: int
) -> Array:
    """Triangles of every edge, ``[num_edges]`` int32; those of removed edges are 0."""
    out_ptr = _out_degrees(rowptr, col, keep, degree)
    target = np.empty(int(out_ptr[-1]), col.dtype)
    edge = np.empty(int(out_ptr[-1]), edge_id.dtype)
    _orient(rowptr, col, keep, edge_id, degree, out_ptr, target, edge)
    work = _work(out_ptr, target)
    threads = min(thread_count(int(work[-1])), _MOST_COUNTERS)
    counts = np.zeros((threads, num_edges), np.int32)
    nodes = len(rowptr) - 1

    def task(part: int, begin: int, end: int) -> None:
        _count(out_ptr, target, edge, np.zeros(nodes, np.int32), counts[part], begin, end)

    run_chunks(task, balanced_bounds(work, threads))
    total: Array = counts[0] if threads == 1 else counts.sum(axis=0, dtype=np.int32)
    return total
