"""A count that threads share and that goes to other processes."""

from __future__ import annotations

import threading


class CallCounter:
    """Counts from a number on, each number once, whichever thread asks.

    Args:
        start: The first number.

    Example:
        >>> counter = CallCounter(3)
        >>> counter.next(), counter.next()
        (3, 4)
    """

    def __init__(self, start: int = 0) -> None:
        self._value = start
        self._lock = threading.Lock()

    def next(self) -> int:
        """The next number."""
        with self._lock:
            value = self._value
            self._value += 1
            return value

    def __reduce__(self) -> tuple[type[CallCounter], tuple[int]]:
        return type(self), (self._value,)
