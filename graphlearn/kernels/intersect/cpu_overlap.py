"""Compiled CPU overlap of two neighborhoods: what they share, and what each has besides.

Residual lists are as long as the neighborhoods themselves, so a merge, which reads each row once
and writes as much, leaves nothing to save by grouping pairs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.threads import balanced_bounds, run_chunks, thread_count

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width


@njit(nogil=True, cache=True)
def _shown(buffer: Array, used: Int) -> Array:
    """The used part; a copy if it would hold on to more than twice its memory."""
    return buffer[:used].copy() if 2 * used < buffer.shape[0] else buffer[:used]


@njit(nogil=True, cache=True)
def _overlap(
    rowptr: Array, col: Array, keep: Array, pairs: Array, begin: Int, end: Int, counts: Array
) -> Any:
    """One merge of two sorted rows a pair; the outputs are as long as the rows."""
    masked = keep.shape[0] > 0
    room_u: Int = 0
    room_v: Int = 0
    room_both: Int = 0
    for b in range(begin, end):
        u, v = pairs[0, b], pairs[1, b]
        degree_u, degree_v = rowptr[u + 1] - rowptr[u], rowptr[v + 1] - rowptr[v]
        room_u += degree_u
        room_v += degree_v
        room_both += min(degree_u, degree_v)
    # One of slack each: a candidate that does not count is written too.
    common = np.empty(room_both + 1, col.dtype)
    only_u = np.empty(room_u + 1, col.dtype)
    only_v = np.empty(room_v + 1, col.dtype)
    one = np.uint64(1)
    in_both, in_u, in_v = np.uint64(0), np.uint64(0), np.uint64(0)
    for b in range(begin, end):
        u, v = pairs[0, b], pairs[1, b]
        # Unsigned: for a signed position numba tests "counted from the end" at every access.
        i, end_i = np.uint64(rowptr[u]), np.uint64(rowptr[u + 1])
        j, end_j = np.uint64(rowptr[v]), np.uint64(rowptr[v + 1])
        before_both, before_u, before_v = in_both, in_u, in_v
        # Which row goes on is as good as random, so nothing branches on it: every candidate is
        # written, and counts only if it belongs there.
        while i < end_i and j < end_j:
            left, right = col[i], col[j]
            less, more = np.uint64(left < right), np.uint64(right < left)
            has_i = np.uint64(keep[i]) if masked else one
            has_j = np.uint64(keep[j]) if masked else one
            equal = one - less - more
            common[in_both] = left
            in_both += equal & has_i & has_j
            only_u[in_u] = left
            in_u += (
                (less | (equal & (one - has_j)))
                & has_i
                & np.uint64(left != u)
                & np.uint64(left != v)
            )
            only_v[in_v] = right
            in_v += (
                (more | (equal & (one - has_i)))
                & has_j
                & np.uint64(right != u)
                & np.uint64(right != v)
            )
            i += one - more
            j += one - less
        for k in range(i, end_i):
            w = col[k]
            only_u[in_u] = w
            in_u += np.uint64(w != u and w != v and (not masked or keep[k] != 0))
        for k in range(j, end_j):
            w = col[k]
            only_v[in_v] = w
            in_v += np.uint64(w != u and w != v and (not masked or keep[k] != 0))
        counts[0, b] = in_both - before_both
        counts[1, b] = in_u - before_u
        counts[2, b] = in_v - before_v
    return (
        _shown(common, np.int64(in_both)),
        _shown(only_u, np.int64(in_u)),
        _shown(only_v, np.int64(in_v)),
    )


def overlap(
    rowptr: Array, col: Array, keep: Array, pairs: Array
) -> tuple[tuple[Array, Array], tuple[Array, Array], tuple[Array, Array]]:
    """Lists of common neighbors, of the source's others, and of the target's others."""
    size = pairs.shape[1]
    degree = np.diff(rowptr)
    cumulative = np.zeros(size + 1, np.int64)
    np.cumsum(degree[pairs[0]] + degree[pairs[1]] + 4, out=cumulative[1:])
    bounds = balanced_bounds(cumulative, thread_count(int(cumulative[-1])))
    counts = np.empty((3, size), np.int64)
    parts: list[Any] = [None] * (len(bounds) - 1)

    def merge(part: int, begin: Int, end: Int) -> None:
        parts[part] = _overlap(rowptr, col, keep, pairs, begin, end, counts)

    run_chunks(merge, bounds)
    made = [part for part in parts if part is not None]
    results = []
    for kind in range(3):
        out_rowptr = np.zeros(size + 1, np.int64)
        np.cumsum(counts[kind], out=out_rowptr[1:])
        lists = [part[kind] for part in made] or [np.empty(0, col.dtype)]
        results.append((out_rowptr, lists[0] if len(lists) == 1 else np.concatenate(lists)))
    return results[0], results[1], results[2]
