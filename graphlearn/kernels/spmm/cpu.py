"""Compiled CPU loops of the list-sum and of its two gradients.

All three stream the lists once. ``gather`` and ``dot`` are cut by rows, ``scatter`` by channels, so
threads write disjoint memory and every sum is taken in one order whatever the thread count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.threads import balanced_bounds, run_chunks, thread_count

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width
_FAST = {"contract", "nsz"}  # fused multiply-add; NaN and infinity keep their meaning
_DOT = {"contract", "nsz", "reassoc"}  # a vectorised dot product may reorder its sum


@njit(nogil=True, cache=True, fastmath=_FAST)
def _gather(
    rowptr: Array, col: Array, weight: Array, x: Array, out: Array, begin: Int, end: Int
) -> None:
    channels = x.shape[1]
    weighted = weight.shape[0] > 0
    for r in range(begin, end):
        row = out[r]
        for c in range(channels):
            row[c] = 0
        for k in range(rowptr[r], rowptr[r + 1]):
            source = x[col[k]]
            if weighted:
                w = weight[k]
                if w == 0:  # a removed edge or a dropped feature costs nothing
                    continue
                for c in range(channels):
                    row[c] += w * source[c]
            else:
                for c in range(channels):
                    row[c] += source[c]


@njit(nogil=True, cache=True, fastmath=_FAST)
def _scatter(
    rowptr: Array, col: Array, weight: Array, grad: Array, out: Array, begin: Int, end: Int
) -> None:
    weighted = weight.shape[0] > 0
    for r in range(grad.shape[0]):
        row = grad[r, begin:end]
        for k in range(rowptr[r], rowptr[r + 1]):
            target = out[col[k], begin:end]
            if weighted:
                w = weight[k]
                if w == 0:
                    continue
                for c in range(end - begin):
                    target[c] += w * row[c]
            else:
                for c in range(end - begin):
                    target[c] += row[c]


@njit(nogil=True, cache=True, fastmath=_DOT)
def _dot(
    rowptr: Array, col: Array, grad: Array, x: Array, out: Array, begin: Int, end: Int
) -> None:
    channels = x.shape[1]
    for r in range(begin, end):
        row = grad[r]
        for k in range(rowptr[r], rowptr[r + 1]):
            source = x[col[k]]
            total = x.dtype.type(0)
            for c in range(channels):
                total += row[c] * source[c]
            out[k] = total


def _weights(weight: Array | None, like: Array) -> Array:
    return np.empty(0, like.dtype) if weight is None else weight


def gather(rowptr: Array, col: Array, weight: Array | None, x: Array) -> Array:
    """``out[r] = sum_k weight[k] * x[col[k]]``; reads K C values, writes R C."""
    out = np.empty((len(rowptr) - 1, x.shape[1]), x.dtype)
    values = _weights(weight, x)
    threads = thread_count((len(col) + len(out)) * x.shape[1])
    run_chunks(
        lambda _, begin, end: _gather(rowptr, col, values, x, out, begin, end),
        balanced_bounds(rowptr + np.arange(len(rowptr)), threads) if threads > 1 else [0, len(out)],
    )
    return out


def scatter(rowptr: Array, col: Array, weight: Array | None, grad: Array, nodes: int) -> Array:
    """``out[col[k]] += weight[k] * grad[row of k]``; reads and writes K C values."""
    out = np.zeros((nodes, grad.shape[1]), grad.dtype)
    values = _weights(weight, grad)
    channels = grad.shape[1]
    threads = min(thread_count(len(col) * channels), max(1, channels // 16))
    bounds = [channels * part // threads for part in range(threads + 1)]
    run_chunks(lambda _, begin, end: _scatter(rowptr, col, values, grad, out, begin, end), bounds)
    return out


def dot(rowptr: Array, col: Array, grad: Array, x: Array) -> Array:
    """``out[k] = <grad[row of k], x[col[k]]>``; reads 2 K C values, writes K."""
    out = np.empty(len(col), x.dtype)
    rows = len(rowptr) - 1
    threads = thread_count(len(col) * x.shape[1])
    run_chunks(
        lambda _, begin, end: _dot(rowptr, col, grad, x, out, begin, end),
        balanced_bounds(rowptr, threads) if threads > 1 else [0, rows],
    )
    return out
