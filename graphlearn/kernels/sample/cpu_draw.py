"""Compiled choice of neighbors: which entries of each node's row are drawn.

Every node of a frontier has a stream of random numbers of its own, keyed by the batch, the hop, the
relation and its place in the frontier: what is drawn for it depends on nothing else, neither on the
other nodes' draws nor on any thread.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width

# Up to this many draws a look through those already made is cheaper than a table of them.
_FEW = 24
# A draw that met so many entries already drawn is made among the others alone.
_TRIES = 16


@njit(nogil=True, cache=True, inline="always")
def mix(value: Int) -> Int:
    """splitmix64's finalizer."""
    value = (value ^ (value >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ (value >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@njit(nogil=True, cache=True, inline="always")
def uniform(state: Int) -> Any:
    """A number in [0, 1) of 53 bits from one state of splitmix64's sequence."""
    return np.float64(mix(state) >> np.uint64(11)) * 1.1102230246251565e-16


@njit(nogil=True, cache=True, inline="always")
def stream(key: Int, place: Int) -> Int:
    """The first state of the stream of one node of the frontier."""
    return mix(key + np.uint64(place + 1) * np.uint64(0xD1342543DE82EF95))


_STEP = np.uint64(0x9E3779B97F4A7C15)


@njit(nogil=True, cache=True)
def segments(rowptr: Array, frontier: Array, begin: Array, end: Array) -> None:
    """Where the row of every node of the frontier begins and ends."""
    for i in range(frontier.shape[0]):
        v = frontier[i]
        begin[i] = rowptr[v]
        end[i] = rowptr[v + 1]


@njit(nogil=True, cache=True)
def end_by_entry_time(begin: Array, end: Array, entry_time: Array, until: Array) -> None:
    """Ends every row, sorted by time, after its last entry whose time is not later."""
    for i in range(begin.shape[0]):
        low, high = begin[i], end[i]
        while low < high:
            middle = (low + high) // 2
            if entry_time[middle] <= until[i]:
                low = middle + 1
            else:
                high = middle
        end[i] = low


@njit(nogil=True, cache=True)
def end_by_node_time(begin: Array, end: Array, col: Array, node_time: Array, until: Array) -> None:
    """The same where the times are the neighbors' own."""
    for i in range(begin.shape[0]):
        low, high = begin[i], end[i]
        while low < high:
            middle = (low + high) // 2
            if node_time[col[middle]] <= until[i]:
                low = middle + 1
            else:
                high = middle
        end[i] = low


@njit(nogil=True, cache=True)
def count_draws(
    begin: Array, end: Array, fan_out: Int, replace: Any, positive: Array, offset: Array
) -> None:
    """How many entries each row gives: ``offset`` becomes their running sum.

    ``positive``, if not empty, counts the entries of positive weight before every entry: no other
    can be drawn.
    """
    weighted = positive.shape[0] > 0
    offset[0] = 0
    for i in range(begin.shape[0]):
        size = positive[end[i]] - positive[begin[i]] if weighted else end[i] - begin[i]
        if fan_out >= 0 and size > 0:
            size = fan_out if replace else min(size, fan_out)
        offset[i + 1] = offset[i] + size


@njit(nogil=True, cache=True, inline="always")
def _remember(table: Array, mask: Int, value: Int) -> Any:
    """Put a value into an open-addressed set; False if it was there."""
    slot = mix(np.uint64(value)) & mask
    while table[slot] != -1:
        if table[slot] == value:
            return False
        slot = (slot + np.uint64(1)) & mask
    table[slot] = value
    return True


@njit(nogil=True, cache=True)
def _table_size(draws: Int) -> Any:
    size = 64
    while size < 2 * draws:
        size *= 2
    return size


@njit(nogil=True, cache=True)
def draw_uniform(
    begin: Array,
    end: Array,
    offset: Array,
    fan_out: Int,
    replace: Any,
    key: Int,
    first_place: Int,
    entry: Array,
) -> None:
    """Uniform draws from every row: with replacement, or by Floyd's algorithm without.

    O(draws) for each row, whatever its length.
    """
    table = np.empty(0, np.int64)
    for i in range(begin.shape[0]):
        first, size = begin[i], end[i] - begin[i]
        at, draws = offset[i], offset[i + 1] - offset[i]
        if draws == 0:
            continue
        if fan_out < 0 or (not replace and draws == size):
            for k in range(draws):
                entry[at + k] = first + k
            continue
        state = stream(key, first_place + i)
        if replace:
            for k in range(draws):
                state += _STEP
                entry[at + k] = first + np.int64(uniform(state) * size)
        elif draws <= _FEW:
            for k in range(draws):
                state += _STEP
                last = size - draws + k
                drawn = first + np.int64(uniform(state) * (last + 1))
                for j in range(k):
                    if entry[at + j] == drawn:
                        drawn = first + last
                        break
                entry[at + k] = drawn
        else:
            needed = _table_size(draws)
            if table.shape[0] < needed:
                table = np.empty(needed, np.int64)
            mask = np.uint64(needed - 1)
            table[:needed] = -1
            for k in range(draws):
                state += _STEP
                last = size - draws + k
                drawn = np.int64(uniform(state) * (last + 1))
                if not _remember(table, mask, drawn):
                    drawn = last
                    _remember(table, mask, drawn)
                entry[at + k] = first + drawn


@njit(nogil=True, cache=True)
def take_last(end: Array, offset: Array, positive: Array, entry: Array) -> None:
    """The latest entries of every row, which is sorted by time; none without weight."""
    weighted = positive.shape[0] > 0
    for i in range(end.shape[0]):
        at, place, e = offset[i], offset[i + 1], end[i]
        while place > at:
            e -= 1
            if not weighted or positive[e + 1] > positive[e]:
                place -= 1
                entry[place] = e


@njit(nogil=True, cache=True)
def running_weights(rowptr: Array, weight: Array, total: Array, positive: Array) -> None:
    """Running sums of weights within every row, and the number of positive ones before an entry."""
    positive[0] = 0
    for v in range(rowptr.shape[0] - 1):
        so_far = 0.0
        for e in range(rowptr[v], rowptr[v + 1]):
            so_far += weight[e]
            total[e] = so_far
            positive[e + 1] = positive[e] + (1 if weight[e] > 0 else 0)


@njit(nogil=True, cache=True, inline="always")
def _pick(total: Array, first: Int, last: Int, share: Any) -> Any:
    """The entry in whose part of the running sum a share of the whole falls."""
    whole = total[last - 1]
    wanted = share * whole
    low, high = first, last - 1
    while low < high:
        middle = (low + high) // 2
        if total[middle] > wanted:
            high = middle
        else:
            low = middle + 1
    if wanted >= whole:  # rounding: the last entry may have no weight of its own
        while low > first and total[low - 1] == whole:
            low -= 1
    return low


@njit(nogil=True, cache=True)
def draw_weighted(
    begin: Array,
    end: Array,
    offset: Array,
    fan_out: Int,
    replace: Any,
    weight: Array,
    total: Array,
    positive: Array,
    key: Int,
    first_place: Int,
    entry: Array,
) -> None:
    """Draws in proportion to the weights: one after another, without replacement among the rest.

    O(draws log degree) for each row while few draws meet an entry already drawn; where they do
    (a few entries hold nearly all the weight), one pass over the row instead: each entry left gets
    an exponential clock of its weight, and those that ring first are the remaining draws, in law
    the same.
    """
    table = np.empty(0, np.int64)
    for i in range(begin.shape[0]):
        first, last = begin[i], end[i]
        at, draws = offset[i], offset[i + 1] - offset[i]
        if draws == 0:
            continue
        if fan_out < 0 or (not replace and draws == positive[last] - positive[first]):
            k = at
            for e in range(first, last):
                if positive[e + 1] > positive[e]:
                    entry[k] = e
                    k += 1
            continue
        state = stream(key, first_place + i)
        if replace:
            for k in range(draws):
                state += _STEP
                entry[at + k] = _pick(total, first, last, uniform(state))
            continue
        needed = _table_size(draws)
        if table.shape[0] < needed:
            table = np.empty(needed, np.int64)
        mask = np.uint64(needed - 1)
        table[:needed] = -1
        k = 0
        tries = 0
        while k < draws and tries < _TRIES:
            state += _STEP
            drawn = _pick(total, first, last, uniform(state))
            if _remember(table, mask, drawn):
                entry[at + k] = drawn
                k += 1
                tries = 0
            else:
                tries += 1
        if k == draws:
            continue
        rest = draws - k
        clocks = np.empty(last - first)
        left = 0
        for e in range(first, last):
            if positive[e + 1] == positive[e] or not _is_new(table, mask, e):
                clocks[e - first] = np.inf
                continue
            state += _STEP
            # Not from the running sums, in which a small weight after large ones is lost; the
            # logarithm of the time, which is finite however small the weight.
            clocks[e - first] = np.log(-np.log1p(-uniform(state))) - np.log(weight[e])
            left += 1
        limit = np.partition(clocks, rest - 1)[rest - 1]
        for e in range(first, last):  # those below the limit first: equal ones fill what is left
            if k < draws and clocks[e - first] < limit:
                entry[at + k] = e
                k += 1
        for e in range(first, last):
            if k < draws and clocks[e - first] == limit:
                entry[at + k] = e
                k += 1


@njit(nogil=True, cache=True, inline="always")
def _is_new(table: Array, mask: Int, value: Int) -> Any:
    slot = mix(np.uint64(value)) & mask
    while table[slot] != -1:
        if table[slot] == value:
            return False
        slot = (slot + np.uint64(1)) & mask
    return True
