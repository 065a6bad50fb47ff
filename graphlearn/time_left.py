"""How long work still takes, judged by how long it took so far, and when to say so again."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

EVERY = 30.0
"""Seconds between two plain lines about one piece of work: a log of hours stays readable."""

Advance = Callable[[int, int, str], None]
"""Told how many of how many are done, and of what: ``(3, 30, "epochs")``."""

_LONG = 10  # lines could have been said in a first step that counts


class TimeLeft:
    """Says from time to time how long a piece of work still takes.

    The first step also compiles, fills caches and waits for a process to start: the clock runs from
    its end on, unless it took so long that the rest hardly counts.

    Args:
        total: How many steps it has at most.
        every: Least seconds between two lines; shorter work says nothing.
        clock: Seconds that never go back.

    Example:
        >>> seconds = iter([0.0, 10.0, 40.0])  # begun, first step done, second step done
        >>> left = TimeLeft(5, clock=lambda: next(seconds))
        >>> left.heard(1), left.heard(2)
        (None, 'about 2 min left')
    """

    def __init__(
        self, total: int, *, every: float = EVERY, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.total, self.every, self._clock = total, every, clock
        self._said = self._begun = clock()
        self._first: tuple[float, int] | None = None

    def heard(self, done: int, *, before: int = 0) -> str | None:
        """Note that ``done`` steps are done; return what to say of the time left, mostly nothing.

        Args:
            done: How many are done.
            before: How many were done when the work began, which after a resume is not 0.
        """
        now = self._clock()
        began, had = self._first or (self._begun, before)
        if self._first is None:
            self._first = (now, done)
            if now - began < _LONG * self.every:
                self._said = now
        if done >= self.total or now - self._said < self.every:
            return None
        self._said = now
        each = (now - began) / max(1, done - had)
        return f"about {duration(each * (self.total - done))} left"

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.total}, every={self.every:g})"


def duration(seconds: float) -> str:
    """Write a time as a person says it, rounded up.

    Args:
        seconds: The time.

    Example:
        >>> [duration(seconds) for seconds in (12.3, 100, 5760, 200_000)]
        ['13 s', '2 min', '1 h 36 min', '2 d 8 h']
    """
    if seconds <= 59:
        return f"{math.ceil(seconds)} s"
    minutes = math.ceil(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 24:
        return f"{hours} h {minutes} min"
    days, hours = divmod(hours + (minutes > 0), 24)
    return f"{days} d {hours} h"
