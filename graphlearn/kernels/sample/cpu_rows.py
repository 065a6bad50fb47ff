"""Compiled sorting of edges into the rows of their targets."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]


@njit(nogil=True, cache=True)
def count_rows(target: Array, rowptr: Array) -> None:
    """``rowptr`` of as many rows as it has, from zeros."""
    for e in range(target.shape[0]):
        rowptr[target[e] + 1] += 1
    for v in range(rowptr.shape[0] - 1):
        rowptr[v + 1] += rowptr[v]


@njit(nogil=True, cache=True)
def fill_rows(source: Array, target: Array, rowptr: Array, col: Array, perm: Array) -> None:
    """Sources by target; edges of one target keep their order."""
    free = rowptr[:-1].copy()
    for e in range(target.shape[0]):
        place = free[target[e]]
        free[target[e]] = place + 1
        col[place] = source[e]
        perm[place] = e


@njit(nogil=True, cache=True)
def sort_rows_by_time(rowptr: Array, col: Array, perm: Array, time: Array) -> None:
    """Sort every row by the time of its entries, in place; entries of one time keep their order."""
    for v in range(rowptr.shape[0] - 1):
        begin, end = rowptr[v], rowptr[v + 1]
        ordered = True
        for e in range(begin + 1, end):
            if time[e] < time[e - 1]:
                ordered = False
                break
        if ordered:
            continue
        order = np.argsort(time[begin:end], kind="mergesort")
        time[begin:end] = time[begin:end][order]
        col[begin:end] = col[begin:end][order]
        perm[begin:end] = perm[begin:end][order]


@njit(nogil=True, cache=True)
def first_unsorted_row(rowptr: Array, time: Array) -> Any:
    """The first row whose entries are not in the order of time, or -1."""
    for v in range(rowptr.shape[0] - 1):
        for e in range(rowptr[v] + 1, rowptr[v + 1]):
            if time[e] < time[e - 1]:
                return v
    return -1


@njit(nogil=True, cache=True)
def first_descent(target: Array) -> Any:
    """The first place whose target is less than the one before it, or -1."""
    for e in range(1, target.shape[0]):
        if target[e] < target[e - 1]:
            return e
    return -1
