"""Compiled CPU loops over segments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width


@njit(nogil=True, cache=True)
def _count(index: Array, rowptr: Array) -> bool:
    """Fill ``rowptr`` by counting; return whether ``index`` is sorted."""
    is_sorted = True
    before = index[0] if len(index) else 0
    for segment in index:
        rowptr[np.uint64(segment) + 1] += 1
        is_sorted = is_sorted and segment >= before
        before = segment
    for s in range(1, len(rowptr)):
        rowptr[s] += rowptr[s - 1]
    return is_sorted


@njit(nogil=True, cache=True)
def _place(index: Array, begin: Array, order: Array) -> None:
    """Counting sort, stable: ``begin`` is used up."""
    for row in range(len(index)):
        segment = np.uint64(index[row])
        order[np.uint64(begin[segment])] = row
        begin[segment] += 1


def group(index: Array, segments: int) -> tuple[Array, Array | None]:
    """Bounds of the segments, and the rows by segment (None if they lie so already); O(E + S)."""
    rowptr = np.zeros(segments + 1, np.int64)
    if _count(index, rowptr):
        return rowptr, None
    order = np.empty(len(index), np.int64)
    _place(index, rowptr[:-1].copy(), order)
    return rowptr, order
