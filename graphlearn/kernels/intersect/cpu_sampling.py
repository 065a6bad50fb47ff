"""Compiled CPU choice of k entries of every list: the tensor path's hash without its sorts."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width


@njit(nogil=True, cache=True, inline="always")
def _mix(value: Int) -> Int:
    """splitmix64's finalizer."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(nogil=True, cache=True)
def _choose(
    rowptr: Array,
    node: Array,
    anchor: Array,
    partner: Array,
    limit: Int,
    seed: Int,
    out_node: Array,
    out_weight: Array,
) -> None:
    """Entries of the least hashes of each longer list, in the order they had."""
    longest = 0
    for b in range(rowptr.shape[0] - 1):
        longest = max(longest, rowptr[b + 1] - rowptr[b])
    keys = np.empty(longest, np.uint64)
    written = 0
    for b in range(rowptr.shape[0] - 1):
        begin = rowptr[b]
        size = rowptr[b + 1] - begin
        if size <= limit:
            for k in range(size):
                out_node[written] = node[begin + k]
                out_weight[written] = 1
                written += 1
            continue
        pair_key = _mix(_mix(np.uint64(anchor[b]) + seed) ^ np.uint64(partner[b]))
        for k in range(size):
            # 32 bits of the hash and the position, which decides between equal hashes.
            low = _mix(pair_key ^ np.uint64(node[begin + k])) & np.uint64(0xFFFFFFFF)
            keys[k] = (low << np.uint64(32)) | np.uint64(k)
        last = np.partition(keys[:size], limit - 1)[limit - 1]
        weight = size / limit
        for k in range(size):
            if keys[k] <= last:
                out_node[written] = node[begin + k]
                out_weight[written] = weight
                written += 1


def choose(
    rowptr: Array, node: Array, anchor: Array, partner: Array, limit: int, seed: int
) -> tuple[Array, Array, Array]:
    """Kept lists as ``(rowptr, node)`` and the weight of every kept entry."""
    out_rowptr = np.zeros(len(rowptr), np.int64)
    np.cumsum(np.minimum(np.diff(rowptr), limit), out=out_rowptr[1:])
    out_node = np.empty(int(out_rowptr[-1]), node.dtype)
    weight = np.empty(len(out_node), np.float32)
    _choose(rowptr, node, anchor, partner, limit, np.uint64(seed), out_node, weight)
    return out_rowptr, out_node, weight
