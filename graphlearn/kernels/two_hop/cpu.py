"""Compiled CPU walk over two steps: one dense accumulator a thread, touched and cleaned by source.

A row of the accumulator holds all of a candidate's sums, so a step costs one cache line. Neighbors
of the source are marked by an infinite count: no other array is read in the inner loop.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.best_heap import push, replace_root, worse
from graphlearn.kernels.threads import balanced_bounds, run_chunks, thread_count

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width
Found = tuple[Array, Array, Array]
_SUMS = 4  # common neighbors, Adamic-Adar, resource allocation, weighted walks


@njit(nogil=True, cache=True)
def _neighbors(
    rowptr: Array, col: Array, keep: Array, degree: Array, u: Int, budget: Int, out: Array
) -> Int:
    """Positions of u's entries to walk along; past the budget those of the largest degree go."""
    masked = keep.shape[0] > 0
    count = 0
    steps = 0
    for k in range(rowptr[u], rowptr[u + 1]):
        if masked and keep[k] == 0:
            continue
        out[count] = k
        count += 1
        steps += degree[col[k]]
    if steps <= budget:
        return count
    # Sorted by degree, then by position, which is by node: the same neighbors in every run.
    keys = np.empty(count, np.int64)
    for i in range(count):
        keys[i] = (np.int64(degree[col[out[i]]]) << 32) | (out[i] - rowptr[u])
    keys.sort()
    steps = 0
    kept = 0
    for i in range(count):
        steps += keys[i] >> 32
        if steps > budget:
            break
        out[kept] = rowptr[u] + (keys[i] & 0xFFFFFFFF)
        kept += 1
    return kept


@njit(nogil=True, cache=True)
def _threshold(sums: Array, touched: Array, count: Int, measure: Int, best: Int) -> Any:
    """Score and node of the ``best``-th candidate by one sum: a heap whose root is the worst."""
    score = np.empty(best, np.float32)
    node = np.empty(best, np.int64)
    size = 0
    for i in range(count):
        v = touched[i]
        s = sums[v, measure]
        if s == np.inf:
            continue
        if size < best:
            push(score, node, size, s, v)
            size += 1
        elif worse(score[0], node[0], s, v):
            replace_root(score, node, s, v)
    if size < best:
        return np.float32(-1.0), np.int64(-1)
    return score[0], node[0]


@njit(nogil=True, cache=True)
def _walk(
    rowptr: Array,
    col: Array,
    keep: Array,
    weight: Array,
    degree: Array,
    sources: Array,
    popular: Array,
    extra: Array,
    best: Int,
    take: Int,
    budget: Int,
    begin: Int,
    end: Int,
    counts: Array,
) -> Any:
    nodes = rowptr.shape[0] - 1
    masked = keep.shape[0] > 0
    weighted = weight.shape[0] > 0
    measures = _SUMS if weighted else _SUMS - 1
    sums = np.zeros((nodes, _SUMS), np.float32)
    listed = np.zeros(nodes, np.int32)  # part-wide number of the last source that listed the node
    most = measures * best + popular.shape[0] * take + extra.shape[1]
    out_node = np.empty((end - begin) * min(most, nodes), np.int64)
    out_sums = np.empty((out_node.shape[0], _SUMS), np.float32)
    widest = 0
    for b in range(begin, end):
        widest = max(widest, rowptr[sources[b] + 1] - rowptr[sources[b]])
    via = np.empty(widest, np.int64)
    touched = np.empty(nodes, np.int64)
    written = 0
    for b in range(begin, end):
        u = sources[b]
        number = b - begin + 1
        used = _neighbors(rowptr, col, keep, degree, u, budget, via)
        for k in range(rowptr[u], rowptr[u + 1]):
            if not masked or keep[k] != 0:
                sums[col[k], 0] = np.inf
        sums[u, 0] = np.inf
        count = 0
        for i in range(used):
            k = via[i]
            w = col[k]
            d = degree[w]
            if d < 2:
                continue
            adamic_adar = np.float32(1.0 / np.log(np.float64(d)))
            allocation = np.float32(1.0 / d)
            first = weight[k] if weighted else np.float32(0.0)
            for j in range(rowptr[w], rowptr[w + 1]):
                if masked and keep[j] == 0:
                    continue
                v = col[j]
                row = sums[v]
                if row[0] == 0:
                    touched[count] = v
                    count += 1
                row[0] += np.float32(1.0)
                row[1] += adamic_adar
                row[2] += allocation
                if weighted:
                    row[3] += first * weight[j]
        start = written
        if best > 0:
            scores = np.empty(_SUMS, np.float32)
            last = np.empty(_SUMS, np.int64)
            for m in range(measures):
                scores[m], last[m] = _threshold(sums, touched, count, m, best)
            for i in range(count):
                v = touched[i]
                for m in range(measures):
                    if not worse(sums[v, m], v, scores[m], last[m]):
                        out_node[written] = v
                        listed[v] = number
                        written += 1
                        break
        for r in range(popular.shape[0]):
            taken = 0
            for i in range(popular.shape[1]):
                if taken == take:
                    break
                v = popular[r, i]
                if sums[v, 0] == np.inf:
                    continue
                taken += 1
                if listed[v] != number:
                    out_node[written] = v
                    listed[v] = number
                    written += 1
        for i in range(extra.shape[1]):
            v = extra[b, i]
            if v >= 0 and sums[v, 0] != np.inf and listed[v] != number:
                out_node[written] = v
                listed[v] = number
                written += 1
        out_node[start:written].sort()
        for i in range(start, written):
            for m in range(_SUMS):
                out_sums[i, m] = sums[out_node[i], m]
        counts[b] = written - start
        for i in range(count):
            sums[touched[i], :] = 0
        for k in range(rowptr[u], rowptr[u + 1]):
            sums[col[k], :] = 0
        sums[u, :] = 0
    return out_node[:written].copy(), out_sums[:written].copy()


def candidates(
    rowptr: Array,
    col: Array,
    keep: Array,
    weight: Array,
    degree: Array,
    sources: Array,
    popular: Array,
    extra: Array,
    best: int,
    take: int,
    budget: int,
) -> Found:
    """Row pointers ``[B + 1]``, nodes ``[K]`` and sums ``[K, 4]`` of every source's candidates."""
    size = len(sources)
    # About how far each walk goes: its neighbors' degrees, as if they were average ones.
    mean = len(col) / max(1, len(degree))
    steps = np.minimum(degree[sources] * (1.0 + mean), budget) + 64
    cumulative = np.zeros(size + 1, np.int64)
    np.cumsum(steps, out=cumulative[1:])
    bounds = balanced_bounds(cumulative, thread_count(int(cumulative[-1])))
    counts = np.zeros(size, np.int64)
    parts: list[Any] = [None] * (len(bounds) - 1)

    def walk(part: int, begin: int, end: int) -> None:
        parts[part] = _walk(
            rowptr, col, keep, weight, degree, sources, popular, extra, best, take, budget,
            begin, end, counts,
        )  # fmt: skip

    run_chunks(walk, bounds)
    made = [part for part in parts if part is not None]
    out_rowptr = np.zeros(size + 1, np.int64)
    np.cumsum(counts, out=out_rowptr[1:])
    if not made:
        return out_rowptr, np.empty(0, np.int64), np.empty((0, _SUMS), np.float32)
    if len(made) == 1:
        return out_rowptr, made[0][0], made[0][1]
    node, sums = (np.concatenate([part[i] for part in made]) for i in range(2))
    return out_rowptr, node, sums
