"""Compiled CPU loops that reduce segments, and their gradients; each streams its rows once.

Cut by segments of about equal work, so threads write disjoint memory and every sum is taken in one
order whatever the thread count. ``order`` is empty where rows lie by segment.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.threads import balanced_bounds, run_chunks, thread_count

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width
# Rows added up in the values' own precision before they go to a float64 total: one float32 sum over
# a hub of a million rows would be off by a percent.
_BLOCK_ROWS = 256
_FAST = {"contract", "nsz"}  # NaN and infinity keep their meaning


@njit(nogil=True, cache=True, fastmath=_FAST)
def _sum(
    values: Array, rowptr: Array, order: Array, mean: bool, out: Array, begin: Int, end: Int
) -> None:
    channels = values.shape[1]
    total = np.empty(channels, np.float64)
    for s in range(begin, end):
        row = out[s]
        first, last = rowptr[s], rowptr[s + 1]
        long = last - first > _BLOCK_ROWS
        for c in range(channels):
            row[c] = 0
            total[c] = 0
        for k in range(first, last):
            source = values[order[k]] if len(order) else values[k]
            for c in range(channels):
                row[c] += source[c]
            if long and ((k - first) % _BLOCK_ROWS == _BLOCK_ROWS - 1 or k == last - 1):
                for c in range(channels):
                    total[c] += row[c]
                    row[c] = 0
        if long:
            for c in range(channels):
                row[c] = total[c]
        if mean and last > first:
            scale = out.dtype.type(1) / out.dtype.type(last - first)
            for c in range(channels):
                row[c] *= scale


@njit(nogil=True, cache=True, fastmath=_FAST)
def _spread(
    grad: Array, rowptr: Array, order: Array, mean: bool, out: Array, begin: Int, end: Int
) -> None:
    channels = grad.shape[1]
    for s in range(begin, end):
        row = grad[s]
        first, last = rowptr[s], rowptr[s + 1]
        scale = grad.dtype.type(1)
        if mean and last > first:
            scale /= grad.dtype.type(last - first)
        for k in range(first, last):
            target = out[order[k]] if len(order) else out[k]
            for c in range(channels):
                target[c] = scale * row[c]


@njit(nogil=True, cache=True, fastmath=_FAST)
def _max(
    values: Array, rowptr: Array, order: Array, out: Array, where: Array, begin: Int, end: Int
) -> None:
    channels = values.shape[1]
    for s in range(begin, end):
        best, place = out[s], where[s]
        first, last = rowptr[s], rowptr[s + 1]
        for c in range(channels):
            best[c] = 0
            place[c] = -1
        for k in range(first, last):
            row = order[k] if len(order) else k
            source = values[row]
            if k == first:
                for c in range(channels):
                    best[c] = source[c]
                    place[c] = row
                continue
            for c in range(channels):
                value, old = source[c], best[c]
                # The first of equals stays; NaN, which nothing exceeds, replaces all but NaN.
                better = (value > old) | ((value != value) & (old == old))
                best[c] = value if better else old
                place[c] = row if better else place[c]


@njit(nogil=True, cache=True)
def _to_places(grad: Array, where: Array, out: Array, begin: Int, end: Int) -> None:
    for s in range(begin, end):
        for c in range(grad.shape[1]):
            if where[s, c] >= 0:
                out[where[s, c], c] = grad[s, c]


@njit(nogil=True, cache=True, fastmath=_FAST)
def _below_top(
    values: Array, rowptr: Array, order: Array, out: Array, begin: Int, end: Int
) -> None:
    channels = values.shape[1]
    top = np.empty(channels, values.dtype)
    for s in range(begin, end):
        first, last = rowptr[s], rowptr[s + 1]
        for c in range(channels):
            top[c] = -np.inf
        for k in range(first, last):
            source = values[order[k]] if len(order) else values[k]
            for c in range(channels):
                value = source[c]
                top[c] = value if value > top[c] or value != value else top[c]
        for k in range(first, last):
            row = order[k] if len(order) else k
            for c in range(channels):
                value = values[row, c]
                out[row, c] = 0 if value == top[c] else value - top[c]  # also between infinities


@njit(nogil=True, cache=True, fastmath=_FAST)
def _normalize(out: Array, rowptr: Array, order: Array, begin: Int, end: Int) -> None:
    channels = out.shape[1]
    total = np.empty(channels, out.dtype)
    for s in range(begin, end):
        first, last = rowptr[s], rowptr[s + 1]
        for c in range(channels):
            total[c] = 0
        for k in range(first, last):
            source = out[order[k]] if len(order) else out[k]
            for c in range(channels):
                total[c] += source[c]
        for k in range(first, last):
            target = out[order[k]] if len(order) else out[k]
            for c in range(channels):
                target[c] /= total[c]


@njit(nogil=True, cache=True, fastmath=_FAST)
def _softmax_backward(
    grad: Array, result: Array, rowptr: Array, order: Array, out: Array, begin: Int, end: Int
) -> None:
    channels = grad.shape[1]
    total = np.empty(channels, grad.dtype)
    for s in range(begin, end):
        first, last = rowptr[s], rowptr[s + 1]
        for c in range(channels):
            total[c] = 0
        for k in range(first, last):
            row = order[k] if len(order) else k
            for c in range(channels):
                total[c] += grad[row, c] * result[row, c]
        for k in range(first, last):
            row = order[k] if len(order) else k
            for c in range(channels):
                out[row, c] = result[row, c] * (grad[row, c] - total[c])


_NO_ORDER = np.empty(0, np.int64)


def _run(task: Callable[[int, int], None], rowptr: Array, channels: int) -> None:
    segments = len(rowptr) - 1
    threads = thread_count((int(rowptr[-1]) + segments) * channels)
    bounds = [0, segments]
    if threads > 1:
        bounds = balanced_bounds(rowptr + np.arange(segments + 1), threads)
    run_chunks(lambda _, begin, end: task(begin, end), bounds)


def _places(order: Array | None) -> Array:
    return _NO_ORDER if order is None else order


def sums(values: Array, rowptr: Array, order: Array | None, *, mean: bool) -> Array:
    """Sum or mean of every segment; reads E C values, writes S C."""
    out = np.empty((len(rowptr) - 1, values.shape[1]), values.dtype)
    rows = _places(order)
    _run(lambda b, e: _sum(values, rowptr, rows, mean, out, b, e), rowptr, values.shape[1])
    return out


def spread(grad: Array, rowptr: Array, order: Array | None, *, mean: bool) -> Array:
    """Each segment's row, or its mean's share, to all rows of the segment; writes E C values."""
    out = np.empty((int(rowptr[-1]), grad.shape[1]), grad.dtype)
    rows = _places(order)
    _run(lambda b, e: _spread(grad, rowptr, rows, mean, out, b, e), rowptr, grad.shape[1])
    return out


def maxima(values: Array, rowptr: Array, order: Array | None) -> tuple[Array, Array]:
    """Largest value of every segment and channel and its row; 0 and -1 where there is none."""
    shape = (len(rowptr) - 1, values.shape[1])
    out, where = np.empty(shape, values.dtype), np.empty(shape, np.int64)
    rows = _places(order)
    _run(lambda b, e: _max(values, rowptr, rows, out, where, b, e), rowptr, values.shape[1])
    return out, where


def to_places(grad: Array, where: Array, rows: int) -> Array:
    """Each segment's value to the row that it came from."""
    out = np.zeros((rows, grad.shape[1]), grad.dtype)
    _to_places(grad, where, out, 0, len(grad))
    return out


def below_top(values: Array, rowptr: Array, order: Array | None) -> Array:
    """Every value minus the largest of its segment and channel."""
    out = np.empty_like(values)
    rows = _places(order)
    _run(lambda b, e: _below_top(values, rowptr, rows, out, b, e), rowptr, values.shape[1])
    return out


def normalize(out: Array, rowptr: Array, order: Array | None) -> None:
    """Divide every value by the sum of its segment and channel, in place."""
    rows = _places(order)
    _run(lambda b, e: _normalize(out, rowptr, rows, b, e), rowptr, out.shape[1])


def softmax_backward(grad: Array, result: Array, rowptr: Array, order: Array | None) -> Array:
    """Gradient through the softmax: ``result * (grad - <grad, result>)`` by segment."""
    out = np.empty_like(grad)
    rows = _places(order)
    _run(
        lambda b, e: _softmax_backward(grad, result, rowptr, rows, out, b, e),
        rowptr,
        grad.shape[1],
    )
    return out
