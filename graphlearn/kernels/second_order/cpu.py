"""Compiled CPU counts of the paths of length three between two nodes, by the node they pass.

Walks of two steps are counted once for each distinct endpoint, whatever pairs it is in, into an
array over all nodes; the rows of its partners are read from there. A second pass merges the two
rows of each pair.
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
def _costs(rowptr: Array, col: Array, pairs: Array, order: Array, cumulative: Array) -> None:
    """Steps before each place of the order: two-step walks of a new endpoint, a partner's row."""
    size = pairs.shape[1]
    before: Int = -1
    for i in range(order.shape[0]):
        side, b = order[i] // size, order[i] % size
        p, other = pairs[side, b], pairs[1 - side, b]
        steps = rowptr[other + 1] - rowptr[other] + 4
        if p != before:
            for k in range(rowptr[p], rowptr[p + 1]):
                steps += rowptr[col[k] + 1] - rowptr[col[k]]
            before = p
        cumulative[i + 1] = cumulative[i] + steps


@njit(nogil=True, cache=True)
def _count(
    rowptr: Array,
    col: Array,
    keep: Array,
    pairs: Array,
    order: Array,
    begin: Int,
    end: Int,
    start: Array,
    counts: Array,
) -> None:
    """For each entry ``(o, u)`` of a partner's row: walks ``p - w - u`` with ``w != o``."""
    masked = keep.shape[0] > 0
    size = pairs.shape[1]
    # The endpoint that a number is of in its upper half, so that nothing need be cleared.
    walks = np.zeros(rowptr.shape[0] - 1, np.int64)
    low = np.int64(0xFFFFFFFF)
    mark: Int = 0
    before: Int = -1
    for i in range(begin, end):
        side, b = order[i] // size, order[i] % size
        p, other = pairs[side, b], pairs[1 - side, b]
        if p != before:
            before = p
            mark += 1
            for k in range(rowptr[p], rowptr[p + 1]):
                w = col[k]
                if w == p or (masked and keep[k] == 0):
                    continue
                for j in range(rowptr[w], rowptr[w + 1]):
                    u = col[j]
                    if u == w or (masked and keep[j] == 0):
                        continue
                    fresh = walks[u] >> 32 != mark
                    walks[u] = ((mark << 32) | 1) if fresh else walks[u] + 1
        # A walk over the partner itself goes p - o - u, and is there for each of its entries.
        through = 0
        for k in range(rowptr[p], rowptr[p + 1]):
            if col[k] == other and other != p:
                through = 1 if not masked or keep[k] != 0 else 0
                break
        place = start[order[i]]
        for k in range(rowptr[other], rowptr[other + 1]):
            u = col[k]
            found: Int = 0
            if u != p and u != other and (not masked or keep[k] != 0) and walks[u] >> 32 == mark:
                found = (walks[u] & low) - through
            counts[place] = found
            place += 1


@njit(nogil=True, cache=True)
def _merge(
    rowptr: Array,
    col: Array,
    pairs: Array,
    begin: Int,
    end: Int,
    start: Array,
    counts: Array,
    lengths: Array,
) -> Any:
    """Join the two rows of each pair; a node that both have has two counts."""
    size = pairs.shape[1]
    room: Int = 0
    for b in range(begin, end):
        for side in range(2):
            room += rowptr[pairs[side, b] + 1] - rowptr[pairs[side, b]]
    node = np.empty(room, col.dtype)
    paths = np.empty((room, 2), np.int64)
    used: Int = 0
    for b in range(begin, end):
        u, v = pairs[0, b], pairs[1, b]
        # The counts of u's row were written where v was the endpoint: side 1, and the reverse.
        i, end_i, of_i = rowptr[u], rowptr[u + 1], start[size + b]
        j, end_j, of_j = rowptr[v], rowptr[v + 1], start[b]
        first = used
        while i < end_i or j < end_j:
            take_i = i < end_i and (j >= end_j or col[i] <= col[j])
            take_j = j < end_j and (i >= end_i or col[j] <= col[i])
            near_u = np.int64(0)
            near_v = np.int64(0)
            at = col[i] if take_i else col[j]
            if take_i:
                near_u = np.int64(counts[of_i])
                i += 1
                of_i += 1
            if take_j:
                near_v = np.int64(counts[of_j])
                j += 1
                of_j += 1
            if near_u + near_v > 0:
                node[used] = at
                paths[used, 0] = near_u
                paths[used, 1] = near_v
                used += 1
        lengths[b] = used - first
    return node[:used].copy(), paths[:used].copy()


def second_order(
    rowptr: Array, col: Array, keep: Array, pairs: Array
) -> tuple[Array, Array, Array]:
    """Where each pair's list starts, its nodes, and the paths through each."""
    size = pairs.shape[1]
    degree = np.diff(rowptr).astype(np.int64)
    endpoint = pairs.reshape(-1)
    order = np.argsort(endpoint, kind="stable")
    # Room for the row of the partner of each endpoint.
    start = np.zeros(2 * size + 1, np.int64)
    np.cumsum(degree[pairs[::-1].reshape(-1)], out=start[1:])
    counts = np.empty(int(start[-1]), np.int32)
    cumulative = np.zeros(2 * size + 1, np.int64)
    _costs(rowptr, col, pairs, order, cumulative)
    bounds = balanced_bounds(cumulative, thread_count(int(cumulative[-1])))
    run_chunks(
        lambda _, begin, end: _count(rowptr, col, keep, pairs, order, begin, end, start, counts),
        bounds,
    )
    np.cumsum(degree[pairs[0]] + degree[pairs[1]] + 4, out=cumulative[1 : size + 1])
    bounds = balanced_bounds(cumulative[: size + 1], thread_count(int(cumulative[size])))
    lengths = np.empty(size, np.int64)
    parts: list[Any] = [None] * (len(bounds) - 1)

    def merge(part: int, begin: Int, end: Int) -> None:
        parts[part] = _merge(rowptr, col, pairs, begin, end, start, counts, lengths)

    run_chunks(merge, bounds)
    made = [part for part in parts if part is not None]
    out_rowptr = np.zeros(size + 1, np.int64)
    np.cumsum(lengths, out=out_rowptr[1:])
    if not made:
        return out_rowptr, np.empty(0, col.dtype), np.empty((0, 2), np.int64)
    node, paths = (np.concatenate([part[kind] for part in made]) for kind in range(2))
    return out_rowptr, node, paths
