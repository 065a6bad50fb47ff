"""The best of many entries, kept in a heap whose root is the worst; for compiled code.

An entry is a value and an id. Of equal values the one with the smaller id is the better, so that
what is kept does not depend on the order of arrival.
"""

from __future__ import annotations

from typing import Any

from numba import njit
from numpy.typing import NDArray

Array = NDArray[Any]
Int = Any  # inside compiled code: an integer of whatever width


@njit(nogil=True, cache=True, inline="always")
def worse(value: Any, ident: Int, other: Any, other_ident: Int) -> Any:
    """Whether an entry is worse than another.

    Args:
        value: Its value.
        ident: Its id.
        other: The other's value.
        other_ident: The other's id.
    """
    return value < other or (value == other and ident > other_ident)


@njit(nogil=True, cache=True)
def push(values: Array, idents: Array, size: Int, value: Any, ident: Int) -> None:
    """Put an entry behind ``size`` others, and let it rise to where it belongs; O(log size).

    Args:
        values: The heap's values, with room for one more.
        idents: Its ids.
        size: How many entries it has.
        value: The new entry's value.
        ident: Its id.
    """
    place = size
    while place > 0:
        parent = (place - 1) >> 1
        if not worse(value, ident, values[parent], idents[parent]):
            break
        values[place], idents[place] = values[parent], idents[parent]
        place = parent
    values[place], idents[place] = value, ident


@njit(nogil=True, cache=True)
def replace_root(values: Array, idents: Array, value: Any, ident: Int) -> None:
    """Put an entry in the place of the worst, and let it sink to where it belongs; O(log size).

    Args:
        values: The heap's values, a full one.
        idents: Its ids.
        value: The new entry's value.
        ident: Its id.
    """
    size = values.shape[0]
    place = 0
    while True:
        child = 2 * place + 1
        if child >= size:
            break
        if child + 1 < size and worse(
            values[child + 1], idents[child + 1], values[child], idents[child]
        ):
            child += 1
        if not worse(values[child], idents[child], value, ident):
            break
        values[place], idents[place] = values[child], idents[child]
        place = child
    values[place], idents[place] = value, ident
