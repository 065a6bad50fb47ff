"""Compiled CPU intersection of neighborhoods.

Two short rows are matched by vector comparisons. Pairs with a long row are grouped by the endpoint
of larger degree, the *pivot*. A pivot that is used often is stamped once into a bitmap (N / 8 bytes
a thread) and the rows of its partners are tested against it: ``degree(pivot) + sum of partner
degrees`` steps for the group. A pivot that is used seldom is searched instead: ``partner degree *
log2(pivot degree)`` steps. The cheaper of the two is taken for each group, so one source ranked
against many targets is stamped once.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.threads import balanced_bounds, run_chunks, thread_count

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width
_NONE = np.empty(0, np.int64)
_LOW_DEGREE = 128  # rows this short are matched as they come: grouping them would cost more
_AHEAD = 16  # pairs whose memory is asked for early


@njit(nogil=True, cache=True)
def _plan(rowptr: Array, pairs: Array, begin: Int, end: Int, order: Array, keys: Array) -> Int:
    """Split a chunk: pairs of low degree in their own order, the others keyed by their pivot.

    Returns how many are in ``order``; ``keys`` holds ``pivot << 32 | pair`` of the rest.
    """
    few = many = 0
    for b in range(begin, end):
        u, v = pairs[0, b], pairs[1, b]
        degree_u, degree_v = rowptr[u + 1] - rowptr[u], rowptr[v + 1] - rowptr[v]
        if degree_u <= _LOW_DEGREE and degree_v <= _LOW_DEGREE:
            order[few] = b
            few += 1
        else:
            # Equal degrees: the smaller id, so that (u, v) and (v, u) fall into one group.
            u_is_pivot = degree_u > degree_v or (degree_u == degree_v and u < v)
            pivot = np.int64(u) if u_is_pivot else np.int64(v)
            keys[many] = (pivot << 32) | b
            many += 1
    return few


@njit(nogil=True, cache=True)
def _sort_by_pivot(keys: Array, num_nodes: Int) -> Array:
    """Order keys by their pivot, stably: one counting pass for every 11 bits of a node id."""
    shift = 32
    while num_nodes > 0:
        ends = np.zeros(2049, np.int64)
        for key in keys:
            ends[((key >> shift) & 2047) + 1] += 1
        for digit in range(2048):
            ends[digit + 1] += ends[digit]
        ordered = np.empty_like(keys)
        for key in keys:
            digit = (key >> shift) & 2047
            ordered[ends[digit]] = key
            ends[digit] += 1
        keys = ordered
        shift += 11
        num_nodes >>= 11
    return keys


@njit(nogil=True, cache=True, inline="always")
def _log2(value: Int) -> Int:
    bits = 0
    while value > 0:
        value >>= 1
        bits += 1
    return bits


@njit(nogil=True, cache=True)
def _group(rowptr: Array, pairs: Array, keys: Array, start: Int) -> Any:
    """Pivot and end of the group that starts at ``start``, and whether stamping it is cheaper."""
    p = keys[start] >> 32
    degree = rowptr[p + 1] - rowptr[p]
    stop = start
    steps = 0
    while stop < keys.shape[0] and keys[stop] >> 32 == p:
        q = _partner(pairs, keys[stop] & 0xFFFFFFFF, p)
        steps += rowptr[q + 1] - rowptr[q]
        stop += 1
    # Stamping touches each pivot entry twice (set and clear); a search step mispredicts.
    return p, stop, 2 * degree + steps < 2 * steps * _log2(degree)


@njit(nogil=True, cache=True, inline="always")
def _partner(pairs: Array, b: Int, p: Int) -> Int:
    return pairs[1, b] if pairs[0, b] == p else pairs[0, b]


@njit(nogil=True, cache=True, inline="always")
def _touch(rowptr: Array, col: Array, pairs: Array, order: Array, i: Int) -> Int:
    """Load the heads of a later pair's rows: nothing waits for them, so their misses overlap."""
    if i >= order.shape[0] or col.shape[0] == 0:
        return 0
    b = np.uint64(order[i])
    last = np.uint64(col.shape[0] - 1)
    of_u = np.uint64(rowptr[np.uint64(pairs[0, b])])
    of_v = np.uint64(rowptr[np.uint64(pairs[1, b])])
    return col[min(of_u, last)] ^ col[min(of_v, last)]


@njit(nogil=True, cache=True)
def _match(rowptr: Array, col: Array, keep: Array, u: Int, v: Int, buffer: Array, used: Int) -> Int:
    """Append what two short sorted rows share: each entry of the shorter against blocks of eight.

    A block is compared whole, and only moving to the next block branches on the data. Positions are
    unsigned: for a signed one numba compiles a test for "counted from the end" into every access.
    """
    i, end_i = np.uint64(rowptr[u]), np.uint64(rowptr[u + 1])
    j, end_j = np.uint64(rowptr[v]), np.uint64(rowptr[v + 1])
    if end_i - i > end_j - j:
        i, j, end_i, end_j = j, i, end_j, end_i
    masked = keep.shape[0] > 0
    at = np.uint64(used)
    width = np.uint64(8)
    if end_j - j < width:
        for k in range(i, end_i):
            w = col[k]
            for b in range(j, end_j):
                hit = col[b] == w and (not masked or (keep[k] & keep[b]) != 0)
                buffer[at] = w
                at += np.uint64(hit)
        return np.int64(at)
    last = end_j - width
    for k in range(i, end_i):
        w = col[k]
        while j < last and col[j + np.uint64(7)] < w:
            j = min(j + width, last)
        hits = np.uint32(0)
        for t in range(8):
            hits |= np.uint32(col[j + np.uint64(t)] == w)
        if masked and hits != 0:
            for b in range(j, j + width):
                if col[b] == w:
                    hits = np.uint32(keep[k] & keep[b])
        buffer[at] = w
        at += np.uint64(hits)
    return np.int64(at)


@njit(nogil=True, cache=True)
def _stamp(rowptr: Array, col: Array, keep: Array, p: Int, bitmap: Array) -> None:
    masked = keep.shape[0] > 0
    for k in range(np.uint64(rowptr[p]), np.uint64(rowptr[p + 1])):
        w = np.uint64(col[k])
        bit = np.uint64(keep[k]) if masked else np.uint64(1)
        bitmap[w >> np.uint64(6)] |= bit << (w & np.uint64(63))


@njit(nogil=True, cache=True)
def _unstamp(rowptr: Array, col: Array, p: Int, bitmap: Array) -> None:
    for k in range(np.uint64(rowptr[p]), np.uint64(rowptr[p + 1])):
        bitmap[np.uint64(col[k]) >> np.uint64(6)] = 0


@njit(nogil=True, cache=True)
def _test(
    rowptr: Array, col: Array, keep: Array, q: Int, bitmap: Array, buffer: Array, used: Int
) -> Int:
    """Append the entries of row ``q`` that are stamped; branch-free but for the loop."""
    at = np.uint64(used)
    begin, end = np.uint64(rowptr[q]), np.uint64(rowptr[q + 1])
    if keep.shape[0] > 0:
        for k in range(begin, end):
            w = np.uint64(col[k])
            hit = (bitmap[w >> np.uint64(6)] >> (w & np.uint64(63))) & np.uint64(keep[k])
            buffer[at] = col[k]
            at += hit & np.uint64(1)
    else:
        for k in range(begin, end):
            w = np.uint64(col[k])
            hit = bitmap[w >> np.uint64(6)] >> (w & np.uint64(63))
            buffer[at] = col[k]
            at += hit & np.uint64(1)
    return np.int64(at)


@njit(nogil=True, cache=True)
def _search(
    rowptr: Array, col: Array, keep: Array, p: Int, q: Int, buffer: Array, used: Int
) -> Int:
    """Append the entries of row ``q`` that row ``p`` holds, by branch-free binary search."""
    masked = keep.shape[0] > 0
    one = np.uint64(1)
    at = np.uint64(used)
    low, end = np.uint64(rowptr[p]), np.uint64(rowptr[p + 1])
    for k in range(np.uint64(rowptr[q]), np.uint64(rowptr[q + 1])):
        w = col[k]
        left = end - low
        while left > one:
            half = left >> one
            low += half * np.uint64(col[low + half - one] < w)
            left -= half
        hit = np.uint64(col[low] == w)
        if masked and hit:
            hit = np.uint64(keep[k] & keep[low])
        buffer[at] = w
        at += hit
    return np.int64(at)


@njit(nogil=True, cache=True)
def _grow(buffer: Array, used: Int, need: Int) -> Array:
    """A larger copy. Called only when needed: reassigning an array each turn costs atomics."""
    larger = np.empty(max(need, 2 * buffer.shape[0]), buffer.dtype)
    larger[:used] = buffer[:used]
    return larger


@njit(nogil=True, cache=True)
def _intersect(
    rowptr: Array, col: Array, keep: Array, pairs: Array, order: Array, keys: Array, counts: Array
) -> Any:
    """Common neighbors of a chunk: of the pairs in ``order``, then of those in ``keys``."""
    buffer = np.empty(1024, col.dtype)
    used = 0
    touched = 0
    for i in range(order.shape[0]):
        touched ^= _touch(rowptr, col, pairs, order, i + _AHEAD)
        b = order[i]
        if used + _LOW_DEGREE >= buffer.shape[0]:
            buffer = _grow(buffer, used, used + _LOW_DEGREE + 1)
        before = used
        used = _match(rowptr, col, keep, pairs[0, b], pairs[1, b], buffer, used)
        counts[b] = used - before
    bitmap = np.zeros((rowptr.shape[0] + 63) // 64 if keys.shape[0] else 0, np.uint64)
    start = 0
    while start < keys.shape[0]:
        p, stop, stamped = _group(rowptr, pairs, keys, start)
        if stamped:
            _stamp(rowptr, col, keep, p, bitmap)
        for i in range(start, stop):
            b = keys[i] & 0xFFFFFFFF
            q = _partner(pairs, b, p)
            need = used + rowptr[q + 1] - rowptr[q] + 1  # one of slack: rejected entries land there
            if need > buffer.shape[0]:
                buffer = _grow(buffer, used, need)
            before = used
            if stamped:
                used = _test(rowptr, col, keep, q, bitmap, buffer, used)
            else:
                used = _search(rowptr, col, keep, p, q, buffer, used)
            counts[b] = used - before
        if stamped:
            _unstamp(rowptr, col, p, bitmap)
        start = stop
    return buffer[:used], touched


@njit(nogil=True, cache=True)
def _place(buffer: Array, order: Array, keys: Array, out_rowptr: Array, out: Array) -> None:
    """Copy lists from a chunk's working order to the order of the pairs."""
    read = 0
    for i in range(order.shape[0] + keys.shape[0]):
        b = order[i] if i < order.shape[0] else keys[i - order.shape[0]] & 0xFFFFFFFF
        for k in range(out_rowptr[b], out_rowptr[b + 1]):
            out[k] = buffer[read]
            read += 1


@njit(nogil=True, cache=True, fastmath={"contract", "nsz"})
def _add_rows(nodes: Array, used: Int, x: Array, weight: Array, row: Array) -> None:
    channels = x.shape[1]
    for c in range(channels):
        row[c] = 0
    for i in range(used):
        w = nodes[i]
        source = x[w]
        if weight.shape[0] > 0:
            factor = weight[w]
            for c in range(channels):
                row[c] += factor * source[c]
        else:
            for c in range(channels):
                row[c] += source[c]


@njit(nogil=True, cache=True)
def _pool(
    rowptr: Array,
    col: Array,
    keep: Array,
    pairs: Array,
    order: Array,
    keys: Array,
    x: Array,
    weight: Array,
    out: Array,
    counts: Array,
) -> Int:
    """As ``_intersect``, but adds the rows of ``x`` at once and keeps no list."""
    buffer = np.empty(1024, col.dtype)
    touched = 0
    for i in range(order.shape[0]):
        touched ^= _touch(rowptr, col, pairs, order, i + _AHEAD)
        b = order[i]
        used = _match(rowptr, col, keep, pairs[0, b], pairs[1, b], buffer, 0)
        counts[b] = used
        _add_rows(buffer, used, x, weight, out[b])
    bitmap = np.zeros((rowptr.shape[0] + 63) // 64 if keys.shape[0] else 0, np.uint64)
    start = 0
    while start < keys.shape[0]:
        p, stop, stamped = _group(rowptr, pairs, keys, start)
        if stamped:
            _stamp(rowptr, col, keep, p, bitmap)
        for i in range(start, stop):
            b = keys[i] & 0xFFFFFFFF
            q = _partner(pairs, b, p)
            need = rowptr[q + 1] - rowptr[q] + 1
            if need > buffer.shape[0]:
                buffer = _grow(buffer, 0, need)
            if stamped:
                used = _test(rowptr, col, keep, q, bitmap, buffer, 0)
            else:
                used = _search(rowptr, col, keep, p, q, buffer, 0)
            counts[b] = used
            _add_rows(buffer, used, x, weight, out[b])
        if stamped:
            _unstamp(rowptr, col, p, bitmap)
        start = stop
    return touched


@njit(nogil=True, cache=True)
def _key_work(rowptr: Array, pairs: Array, keys: Array, cumulative: Array) -> None:
    """Steps before each keyed pair: its partner's degree, and its share of the pivot's stamping."""
    total = 0
    for i in range(keys.shape[0]):
        p = keys[i] >> 32
        q = _partner(pairs, keys[i] & 0xFFFFFFFF, p)
        total += rowptr[q + 1] - rowptr[q] + 8
        if i == 0 or keys[i - 1] >> 32 != p:
            total += 2 * (rowptr[p + 1] - rowptr[p])
        cumulative[i + 1] = total


def _parts(rowptr: Array, col: Array, pairs: Array) -> list[tuple[Array, Array]]:
    """The threads' shares: low-degree pairs in order, and sorted pivot keys of the others.

    Pairs are grouped once for all threads and then cut by work, so that a pivot is stamped by one
    thread, or by two where a cut falls into its group.
    """
    size = pairs.shape[1]
    order = np.empty(size, np.int64)
    keys = np.empty(size, np.int64)
    few = _plan(rowptr, pairs, 0, size, order, keys)
    order, keys = order[:few], _sort_by_pivot(keys[: size - few], len(rowptr) - 1)
    mean_degree = len(col) // max(1, len(rowptr) - 1)
    threads = thread_count(size * (mean_degree + 8))
    if threads == 1:
        return [(order, keys)]
    cumulative = np.zeros(len(keys) + 1, np.int64)
    _key_work(rowptr, pairs, keys, cumulative)
    parts = 2 * threads  # two shares a thread even out what the estimate of work misses
    cuts = balanced_bounds(cumulative, parts)
    even = [len(order) * part // parts for part in range(parts + 1)]
    return [
        (order[even[part] : even[part + 1]], keys[cuts[part] : cuts[part + 1]])
        for part in range(parts)
    ]


def common_neighbors(rowptr: Array, col: Array, keep: Array, pairs: Array) -> tuple[Array, Array]:
    """Lists of common neighbors as ``(rowptr, node)``, in the order of the pairs."""
    out_rowptr = np.zeros(pairs.shape[1] + 1, np.int64)
    counts = out_rowptr[1:]
    parts = _parts(rowptr, col, pairs)
    found: list[Array] = [_NONE] * len(parts)

    def search(part: int, _begin: int, _end: int) -> None:
        found[part], _ = _intersect(rowptr, col, keep, pairs, *parts[part], counts)

    each = list(range(len(parts) + 1))
    run_chunks(search, each)
    np.cumsum(counts, out=counts)
    out = np.empty(int(out_rowptr[-1]), col.dtype)
    run_chunks(lambda part, _begin, _end: _place(found[part], *parts[part], out_rowptr, out), each)
    return out_rowptr, out


def pooled(
    rowptr: Array, col: Array, keep: Array, pairs: Array, x: Array, weight: Array | None
) -> tuple[Array, Array]:
    """Sums of ``weight[w] * x[w]`` over common neighbors, and how many there are of each pair."""
    size = pairs.shape[1]
    out = np.empty((size, x.shape[1]), x.dtype)
    counts = np.empty(size, np.int64)
    values = np.empty(0, x.dtype) if weight is None else weight
    parts = _parts(rowptr, col, pairs)

    def pool(part: int, _begin: int, _end: int) -> None:
        _pool(rowptr, col, keep, pairs, *parts[part], x, values, out, counts)

    run_chunks(pool, list(range(len(parts) + 1)))
    return out, counts
