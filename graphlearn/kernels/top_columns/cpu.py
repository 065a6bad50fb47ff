"""Compiled merge of a tile into running lists: a heap a row, its root the worst that is kept."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.best_heap import replace_root
from graphlearn.kernels.threads import run_chunks, thread_count

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width


@njit(nogil=True, cache=True)
def _merge(
    values: Array, columns: Array, tile: Array, first: Int, barred: Array, begin: Int, end: Int
) -> None:
    for row in range(begin, end):
        kept, where = values[row], columns[row]
        root = kept[0]
        # Columns ascend, so an equal value is worse than what is kept: one comparison is enough.
        for j in range(tile.shape[1]):
            value = tile[row, j]
            if value > root and first + j != barred[row]:
                replace_root(kept, where, value, first + j)
                root = kept[0]


def merge(values: Array, columns: Array, tile: Array, first: int, barred: Array) -> None:
    """Change ``values`` and ``columns`` in place."""
    rows = tile.shape[0]
    parts = min(rows, thread_count(tile.size))
    bounds = [rows * part // parts for part in range(parts + 1)] if rows else [0]

    def work(part: int, begin: int, end: int) -> None:
        del part
        _merge(values, columns, tile, first, barred, begin, end)

    run_chunks(work, bounds)


def empty(rows: int, count: int, least: float) -> tuple[Array, Array]:
    """Lists that hold nothing yet: whatever is above ``least`` takes a place."""
    # The sentinel column is larger than any: what is equal to ``least`` is not merged either.
    return np.full((rows, count), least, np.float32), np.full((rows, count), -1, np.int64)
