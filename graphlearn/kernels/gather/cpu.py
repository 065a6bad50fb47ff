"""Compiled CPU loop that copies rows by index, whatever they are made of.

A random row is not in any cache, and the processor alone looks only a row or two ahead. The loop
asks for the beginning of the row it will copy 16 rows later: the next lines of a row follow by
themselves. Rows are copied as bytes, so every dtype comes out bit for bit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.gather.raw_memory import copy_bytes, prefetch
from graphlearn.kernels.threads import run_chunks, thread_count

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width
_AHEAD = 16  # rows
_LINE = 64  # bytes
_CHUNKS_PER_THREAD = 4  # a thread that meets pages still on the disk does not hold up the others


@njit(nogil=True, cache=True)
def _copy_rows(table: Int, index: Array, out: Int, row_bytes: Int, begin: Int, end: Int) -> None:
    """``table`` and ``out`` are addresses."""
    near = min(2 * _LINE, row_bytes)
    for r in range(begin, end):
        if r + _AHEAD < end:
            soon = table + np.int64(index[r + _AHEAD]) * row_bytes
            for offset in range(0, near, _LINE):
                prefetch(soon + offset)
        copy_bytes(out + r * row_bytes, table + np.int64(index[r]) * row_bytes, row_bytes)


def gather(table: Array, index: Array, out: Array) -> None:
    """``out[i] = table[index[i]]``; reads and writes B rows.

    Indices are trusted: one out of range reads memory that is not the table's.

    Args:
        table: ``[N, ...]``, contiguous; a memory-mapped file too, and one that is read-only.
        index: ``[B]``, int32 or int64, contiguous.
        out: ``[B, ...]``, contiguous, with rows as long as those of ``table``.
    """
    row_bytes = table.dtype.itemsize
    for size in table.shape[1:]:
        row_bytes *= size
    assert all(array.flags.c_contiguous for array in (table, index, out))
    assert out.flags.writeable
    assert out.nbytes == len(index) * row_bytes
    if row_bytes == 0:
        return
    threads = thread_count(len(index) * (16 + row_bytes // 8))
    parts = threads * _CHUNKS_PER_THREAD if threads > 1 else 1
    bounds = [len(index) * part // parts for part in range(parts + 1)]
    # The arrays are held by this frame while their addresses are in use.
    source, target = table.ctypes.data, out.ctypes.data
    run_chunks(
        lambda _, begin, end: _copy_rows(source, index, target, row_bytes, begin, end), bounds
    )
