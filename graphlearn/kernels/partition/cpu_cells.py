"""Compiled numbering of the cells of a partition: own nodes first, then the halo."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width


@njit(nogil=True, cache=True)
def invert(order: Array, place: Array) -> None:
    """Where each item stands in ``order``."""
    for i in range(order.shape[0]):
        place[order[i]] = i


@njit(nogil=True, cache=True)
def number_cells(
    node_order: Array, node_ptr: Array, rowptr: Array, col: Array, halo: Array, halo_ptr: Array
) -> Int:
    """Write the halo of every cell, ascending, and turn sources in ``col`` into rows of their cell.

    A stamp of the cell marks its own nodes and the halo, so that nothing is cleared in between.
    The halo is put in order by a sort where it is small, by a look at all nodes where that is
    less: O(min(h log h, N)) a cell. Returns the number of halo rows, of all cells together.
    """
    nodes = node_order.shape[0]
    stamp = np.full(nodes, -1, np.int64)
    place = np.empty(nodes, np.int64)
    used = 0
    for c in range(node_ptr.shape[0] - 1):
        first, last = node_ptr[c], node_ptr[c + 1]
        for i in range(first, last):
            stamp[node_order[i]] = c
            place[node_order[i]] = i - first
        begin = used
        for e in range(rowptr[first], rowptr[last]):
            u = col[e]
            if stamp[u] != c:
                stamp[u] = c
                place[u] = -1
                halo[used] = u
                used += 1
        own, outside = last - first, used - begin
        if outside * np.log2(outside + 1.0) < nodes:
            halo[begin:used].sort()
        else:
            i = begin
            for v in range(nodes):
                if stamp[v] == c and place[v] == -1:
                    halo[i] = v
                    i += 1
        for i in range(begin, used):
            place[halo[i]] = own + i - begin
        for e in range(rowptr[first], rowptr[last]):
            col[e] = place[col[e]]
        halo_ptr[c + 1] = used
    return used


@njit(nogil=True, cache=True)
def count_halo(part: Array, part_ptr: Array, source: Array) -> Int:
    """How many nodes outside send to a part, summed over parts; ``source`` by part of target."""
    stamp = np.full(part.shape[0], -1, np.int64)
    found = 0
    for p in range(part_ptr.shape[0] - 1):
        for e in range(part_ptr[p], part_ptr[p + 1]):
            u = source[e]
            if part[u] != p and stamp[u] != p:
                stamp[u] = p
                found += 1
    return found
