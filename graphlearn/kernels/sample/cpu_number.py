"""Compiled numbering of the nodes that a batch meets, in the order in which it meets them.

A hash table, in proportion to the batch and not to the graph, remembers the number of every node
met. It is not cleared between batches: an entry counts only if it carries the batch's tag. Where
every seed has a subgraph (a tree) of its own, the key is the node and the tree.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from graphlearn.kernels.sample.cpu_draw import mix

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width

_LOW = np.int64(0xFFFFFFFF)


@njit(nogil=True, cache=True, inline="always")
def _slot(table: Array, tag: Int, key: Int) -> Any:
    """Where a key stands, or where it belongs; tag and number stand behind it."""
    mask = np.uint64(table.shape[0] // 2 - 1)
    slot = mix(np.uint64(key)) & mask
    while table[2 * slot + 1] >> 32 == tag and table[2 * slot] != key:
        slot = (slot + np.uint64(1)) & mask
    return 2 * slot


@njit(nogil=True, cache=True)
def number_seeds(
    node: Array, tree: Array, first: Int, last: Int, shift: Int, nodes: Int, tag: Int, table: Array
) -> None:
    """Enter nodes ``first`` to ``last``; one that comes twice keeps its first number."""
    for i in range(first, last):
        key = (tree[i] if tree.shape[0] else 0) * nodes + shift + node[i]
        place = _slot(table, tag, key)
        if table[place + 1] >> 32 != tag:
            table[place] = key
            table[place + 1] = (tag << 32) | i


@njit(nogil=True, cache=True)
def number_neighbors(
    col: Array,
    entry: Array,
    offset: Array,
    first_target: Int,
    target_tree: Array,
    shift: Int,
    nodes: Int,
    tag: Int,
    table: Array,
    node: Array,
    tree: Array,
    count: Int,
    source: Array,
    target: Array,
) -> Any:
    """Number the neighbors that were drawn; return how many nodes there are now.

    Entries from ``offset[i]`` on were drawn for the node of number ``first_target + i``.
    """
    # A loop of its own: its reads from all over the graph do not wait for one another.
    for k in range(entry.shape[0]):
        source[k] = col[entry[k]]
    disjoint = tree.shape[0] > 0
    for i in range(offset.shape[0] - 1):
        of = target_tree[first_target + i] if disjoint else 0
        for k in range(offset[i], offset[i + 1]):
            u = source[k]
            key = of * nodes + shift + u
            place = _slot(table, tag, key)
            if table[place + 1] >> 32 == tag:
                source[k] = table[place + 1] & _LOW
            else:
                table[place] = key
                table[place + 1] = (tag << 32) | count
                node[count] = u
                if disjoint:
                    tree[count] = of
                source[k] = count
                count += 1
            target[k] = first_target + i
    return count


@njit(nogil=True, cache=True)
def enlarge(old: Array, tag: Int, new: Array) -> None:
    """Move what a batch has entered to a larger table."""
    for slot in range(0, old.shape[0], 2):
        if old[slot + 1] >> 32 == tag:
            place = _slot(new, tag, old[slot])
            new[place] = old[slot]
            new[place + 1] = old[slot + 1]


@njit(nogil=True, cache=True)
def count_induced(
    begin: Array,
    end: Array,
    col: Array,
    target_tree: Array,
    shift: Int,
    nodes: Int,
    tag: Int,
    table: Array,
    offset: Array,
) -> None:
    """How many neighbors of every node are in the batch: ``offset`` becomes their running sum."""
    disjoint = target_tree.shape[0] > 0
    offset[0] = 0
    for i in range(begin.shape[0]):
        base = (target_tree[i] if disjoint else 0) * nodes + shift
        found = 0
        for e in range(begin[i], end[i]):
            if table[_slot(table, tag, base + col[e]) + 1] >> 32 == tag:
                found += 1
        offset[i + 1] = offset[i] + found


@njit(nogil=True, cache=True)
def write_induced(
    begin: Array,
    end: Array,
    col: Array,
    target_tree: Array,
    shift: Int,
    nodes: Int,
    tag: Int,
    table: Array,
    offset: Array,
    entry: Array,
    source: Array,
    target: Array,
) -> None:
    """All entries between nodes of the batch, in the order of their targets."""
    disjoint = target_tree.shape[0] > 0
    for i in range(begin.shape[0]):
        base = (target_tree[i] if disjoint else 0) * nodes + shift
        k = offset[i]
        for e in range(begin[i], end[i]):
            mark = table[_slot(table, tag, base + col[e]) + 1]
            if mark >> 32 == tag:
                entry[k] = e
                source[k] = mark & _LOW
                target[k] = i
                k += 1
