"""Where the fields of lines begin and end, found for a whole piece of text at once.

A line-by-line loop takes seconds for every million lines. Here a piece of text is an array of
bytes, and delimiters and newlines are looked for in all lines together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_NEWLINE, _RETURN, _QUOTE = 10, 13, 34
_SPACES = np.zeros(256, dtype=bool)
_SPACES[[ord(" "), ord("\t"), ord("\r"), ord("\n")]] = True
_COMMENT = np.zeros(256, dtype=bool)
_COMMENT[[ord("#"), ord("%")]] = True
_MOST_SPACES = 64  # beside a field


class BadLine(Exception):
    """Where finding fields stopped; ``line`` counts from 0 in the piece."""

    def __init__(self, line: int) -> None:
        self.line = line


@dataclass(frozen=True, eq=False)
class FieldBounds:
    """The bounds of some fields of each line.

    Args:
        start: Where each field begins.
        end: Where it ends.
        lines: The lines that hold fields, counted from 0.

    Shapes:
        - **start**, **end**: ``[P, L]``, in the order of the fields asked for; **lines**: ``[L]``

    Example:
        >>> text = np.frombuffer(b"7,5\\n", dtype=np.uint8)
        >>> find_fields(text, ",", [1, 0]).start.tolist()
        [[2], [0]]
    """

    start: np.ndarray
    end: np.ndarray
    lines: np.ndarray


def require(good: np.ndarray, lines: np.ndarray) -> None:
    """Raise :class:`BadLine` at the first line that is not good.

    Shapes:
        - **good**, **lines**: ``[L]``
    """
    if not good.all():
        raise BadLine(int(lines[np.flatnonzero(~good)[0]]))


def find_fields(
    text: np.ndarray, delimiter: str | None, places: Sequence[int], *, comments: bool = False
) -> FieldBounds:
    """Find fields by their place in each line that is not blank, without spaces around them.

    Args:
        text: Whole lines, ending in a newline.
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.
        places: Which fields, counted from 0.
        comments: Pass over lines that start with ``#`` or ``%`` until one does not.

    Shapes:
        - **text**: ``[B]`` uint8

    Raises:
        BadLine: If a line has not so many fields, or needs a reader that knows quotes.
    """
    newlines = np.flatnonzero(text == _NEWLINE)
    begins = np.concatenate([[0], newlines[:-1] + 1]) if len(newlines) else newlines
    returns = np.flatnonzero(text == _RETURN)
    if len(returns):
        # One that ends no line is a line's end to other readers.
        alone = returns[text[returns + 1] != _NEWLINE]
        if len(alone):
            raise BadLine(int(np.searchsorted(newlines, alone[0])))
    opening = _skip_spaces(text, begins, newlines)
    used = opening < newlines
    if comments:
        data = np.flatnonzero(used & ~_COMMENT[text[opening]])
        used[: data[0] if len(data) else None] = False
    lines = np.flatnonzero(used)
    begins, newlines, opening = begins[lines], newlines[lines], opening[lines]
    if len(lines) == 0:
        nothing = np.empty((len(places), 0), dtype=np.int64)
        return FieldBounds(nothing, nothing, lines)
    if delimiter is None:
        start, end = _between_spaces(text, newlines, opening, places, lines)
    else:
        start, end = _between_marks(text, ord(delimiter), begins, newlines, places, lines)
        _no_quotes(text, begins, newlines, end.max(axis=0), lines)
    return FieldBounds(start, end, lines)


def _skip_spaces(text: np.ndarray, start: np.ndarray, end: np.ndarray) -> np.ndarray:
    """The first place of each range that is no space, or its end."""
    if not _SPACES[text[start]].any():
        return start
    start = start.copy()
    for _ in range(_MOST_SPACES):
        inside = np.flatnonzero((start < end) & _SPACES[text[start]])
        if len(inside) == 0:
            return start
        start[inside] += 1
    # The rare long run: by the next place of the whole piece that is none.
    filled = np.flatnonzero(~_SPACES[text])
    after: np.ndarray = np.append(filled, len(text))[np.searchsorted(filled, start)]
    first: np.ndarray = np.minimum(after, end)
    return first


def _between_spaces(
    text: np.ndarray,
    newlines: np.ndarray,
    opening: np.ndarray,
    places: Sequence[int],
    lines: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    outside = _SPACES[text]
    starts = np.flatnonzero(outside[:-1] & ~outside[1:]) + 1
    if not outside[0]:
        starts = np.concatenate([[0], starts])
    ends = np.flatnonzero(~outside[:-1] & outside[1:]) + 1
    first = np.searchsorted(starts, opening)
    columns = []
    for place in places:
        field = np.minimum(first + place, len(starts) - 1)
        require((field == first + place) & (starts[field] < newlines), lines)
        columns.append((starts[field], ends[field]))
    return np.stack([start for start, _ in columns]), np.stack([end for _, end in columns])


def _between_marks(
    text: np.ndarray,
    delimiter: int,
    begins: np.ndarray,
    newlines: np.ndarray,
    places: Sequence[int],
    lines: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    marks = np.flatnonzero(text == delimiter)
    first = np.searchsorted(marks, begins)
    count = np.searchsorted(marks, newlines) - first
    marks = np.append(marks, 0)  # what is past the last is never used
    starts, ends = [], []
    for place in places:
        require(count >= place, lines)
        start = begins if place == 0 else marks[first + place - 1] + 1
        end = np.where(count > place, marks[np.minimum(first + place, len(marks) - 1)], newlines)
        start = _skip_spaces(text, start, end)
        starts.append(start)
        ends.append(_drop_spaces(text, start, end, lines))
    return np.stack(starts), np.stack(ends)


def _drop_spaces(
    text: np.ndarray, start: np.ndarray, end: np.ndarray, lines: np.ndarray
) -> np.ndarray:
    if not _SPACES[text[end - 1]].any():
        return end
    end = end.copy()
    for _ in range(_MOST_SPACES):
        inside = np.flatnonzero((end > start) & _SPACES[text[end - 1]])
        if len(inside) == 0:
            return end
        end[inside] -= 1
    raise BadLine(int(lines[inside[0]]))


def _no_quotes(
    text: np.ndarray, begins: np.ndarray, newlines: np.ndarray, last: np.ndarray, lines: np.ndarray
) -> None:
    """Quotes are fine behind the fields that are read, if they close in the same line."""
    quotes = np.flatnonzero(text == _QUOTE)
    if len(quotes) == 0:
        return
    before, after = np.searchsorted(quotes, begins), np.searchsorted(quotes, newlines)
    require((after - before) % 2 == 0, lines)
    require((before == after) | (np.append(quotes, 0)[before] >= last), lines)
