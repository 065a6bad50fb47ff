"""Compiled overlap of walks: those from one node that end where walks from another can end."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.threads import balanced_bounds, run_chunks

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width


@njit(nogil=True, cache=True)
def _walks(
    rowptr: Array,
    col: Array,
    keep: Array,
    root: Int,
    hops: Int,
    walks: Array,
    ends: Array,
    used: Array,
) -> None:
    """``walks[k, u]``: how many walks of k + 1 steps end in u; ``ends[k, :used[k]]``: those u."""
    masked = keep.shape[0] > 0
    for k in range(hops):
        count = 0
        for place in range(1 if k == 0 else used[k - 1]):
            u = root if k == 0 else ends[k - 1, place]
            weight = 1.0 if k == 0 else walks[k - 1, u]
            for entry in range(rowptr[u], rowptr[u + 1]):
                if masked and keep[entry] == 0:
                    continue
                v = col[entry]
                if walks[k, v] == 0:
                    ends[k, count] = v
                    count += 1
                walks[k, v] += weight
        used[k] = count


@njit(nogil=True, cache=True)
def _forget(walks: Array, ends: Array, used: Array) -> None:
    for k in range(walks.shape[0]):
        for place in range(used[k]):
            walks[k, ends[k, place]] = 0


@njit(nogil=True, cache=True)
def _overlap(
    rowptr: Array,
    col: Array,
    keep: Array,
    pairs: Array,
    order: Array,
    hops: Int,
    shared: Array,
    totals: Array,
    begin: Int,
    end: Int,
) -> None:
    nodes = rowptr.shape[0] - 1
    own, other = np.zeros((hops, nodes)), np.zeros((hops, nodes))
    own_ends = np.empty((hops, nodes), np.int32)
    ends = np.empty((hops, nodes), np.int32)
    own_used, used = np.zeros(hops, np.int64), np.zeros(hops, np.int64)
    total = np.empty(hops)
    current = -1
    for place in range(begin, end):
        b = order[place]
        u, v = pairs[0, b], pairs[1, b]
        if u != current:
            _forget(own, own_ends, own_used)
            _walks(rowptr, col, keep, u, hops, own, own_ends, own_used)
            for k in range(hops):
                total[k] = 0.0
                for i in range(own_used[k]):
                    total[k] += own[k, own_ends[k, i]]
            current = u
        _walks(rowptr, col, keep, v, hops, other, ends, used)
        for k in range(hops):
            totals[b, k] = total[k]
            for i in range(used[k]):
                w = ends[k, i]
                for j in range(hops):
                    shared[b, j, k] += own[j, w]
        _forget(other, ends, used)


def walk_overlap(
    rowptr: Array, col: Array, keep: Array, pairs: Array, hops: int, steps: Array, threads: int
) -> tuple[Array, Array]:
    """Walks from the first node that end where the second's can, and all from the first."""
    count = pairs.shape[1]
    order = np.argsort(pairs[0], kind="stable")
    shared = np.zeros((count, hops, hops))
    totals = np.empty((count, hops))
    work = np.zeros(count + 1)
    np.cumsum(steps[pairs[1][order]] + 1, out=work[1:])

    def task(part: int, begin: int, end: int) -> None:
        del part
        _overlap(rowptr, col, keep, pairs, order, hops, shared, totals, begin, end)

    run_chunks(task, balanced_bounds(work.astype(np.int64), threads))
    return shared, totals
