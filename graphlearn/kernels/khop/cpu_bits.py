"""Compiled overlap of hop sets by bits: 512 nodes at a time, as sets of which all others hold bits.

For a block of 512 nodes every node has K rows of 512 bits: which of the block are at 1, ..., K hops
from it. The rows of one distance are the union of its neighbors' rows of the distance before,
without those already met. A pair's intersections are the bits that rows of both ends share. The
work does not depend on how many nodes the hop sets hold, so where these reach a good part of the
graph this is many times as fast as searching.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.threads import balanced_bounds, run_chunks

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width
WORDS = 8  # of 64 bits: one cache line, one vector register
BLOCK = 64 * WORDS
_ONE = np.uint64(1)


@njit(nogil=True, cache=True, inline="always")
def _ones(word: Any) -> Any:
    """Number of bits that are set; compiles to the machine's instruction for it."""
    m1, m2 = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333)
    m4, h01 = np.uint64(0x0F0F0F0F0F0F0F0F), np.uint64(0x0101010101010101)
    word = word - ((word >> _ONE) & m1)
    word = (word & m2) + ((word >> np.uint64(2)) & m2)
    word = (word + (word >> np.uint64(4))) & m4
    return (word * h01) >> np.uint64(56)


@njit(nogil=True, cache=True)
def _begin_block(
    rowptr: Array, col: Array, keep: Array, base: Int, count: Int, rows: Array, met: Array
) -> None:
    """Distance 1, and each node of the block in its own set of met ones."""
    masked = keep.shape[0] > 0
    rows[:, 0, :] = np.uint64(0)
    for offset in range(count):
        word, bit = offset >> 6, _ONE << np.uint64(offset & 63)
        r = base + offset
        for entry in range(rowptr[r], rowptr[r + 1]):
            if col[entry] == r or (masked and keep[entry] == 0):
                continue
            rows[col[entry], 0, word] |= bit
    met[:] = rows[:, 0, :]
    for offset in range(count):
        met[base + offset, offset >> 6] |= _ONE << np.uint64(offset & 63)


@njit(nogil=True, cache=True)
def _step(
    rowptr: Array,
    col: Array,
    keep: Array,
    rows: Array,
    met: Array,
    k: Int,
    begin: Int,
    end: Int,
) -> None:
    masked = keep.shape[0] > 0
    union = np.empty(WORDS, np.uint64)
    for u in range(begin, end):
        for w in range(WORDS):
            union[w] = 0
        for entry in range(rowptr[u], rowptr[u + 1]):
            if masked and keep[entry] == 0:
                continue
            row = rows[col[entry], k - 1]
            for w in range(WORDS):
                union[w] |= row[w]
        for w in range(WORDS):
            fresh = union[w] & ~met[u, w]
            rows[u, k, w] = fresh
            met[u, w] |= fresh


@njit(nogil=True, cache=True)
def _add_sizes(rows: Array, sizes: Array, begin: Int, end: Int) -> None:
    for u in range(begin, end):
        for k in range(rows.shape[1]):
            total = np.uint64(0)
            for w in range(WORDS):
                total += _ones(rows[u, k, w])
            sizes[u, k] += total


@njit(nogil=True, cache=True)
def _add_shared(rows: Array, pairs: Array, shared: Array, begin: Int, end: Int) -> None:
    hops = rows.shape[1]
    for b in range(begin, end):
        u, v = pairs[0, b], pairs[1, b]
        for k in range(hops):
            for j in range(hops):
                total = np.uint64(0)
                for w in range(WORDS):
                    total += _ones(rows[u, k, w] & rows[v, j, w])
                shared[b, k, j] += total


def hop_overlap(
    rowptr: Array, col: Array, keep: Array, pairs: Array, hops: int, threads: int
) -> tuple[Array, Array, Array]:
    """Sizes of the intersections, and of the hop sets of both ends."""
    nodes, count = len(rowptr) - 1, pairs.shape[1]
    shared = np.zeros((count, hops, hops), np.int32)
    sizes = np.zeros((nodes, hops), np.int32)
    rows = np.empty((nodes, hops, WORDS), np.uint64)
    met = np.empty((nodes, WORDS), np.uint64)
    by_node = balanced_bounds(np.asarray(rowptr, np.int64) + np.arange(nodes + 1), threads)
    by_pair = np.linspace(0, count, threads + 1).astype(np.int64).tolist()
    for base in range(0, nodes, BLOCK):
        _begin_block(rowptr, col, keep, base, min(BLOCK, nodes - base), rows, met)
        for k in range(1, hops):

            def step(part: int, begin: int, end: int, k: int = k) -> None:
                del part
                _step(rowptr, col, keep, rows, met, k, begin, end)

            run_chunks(step, by_node)
        run_chunks(lambda _, begin, end: _add_sizes(rows, sizes, begin, end), by_node)
        run_chunks(lambda _, begin, end: _add_shared(rows, pairs, shared, begin, end), by_pair)
    return shared, sizes[pairs[0]], sizes[pairs[1]]
