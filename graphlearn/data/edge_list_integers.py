"""The fast path for edge lists: two whole numbers a line, parsed with array operations.

A line-by-line loop takes a second for every million lines. Here a piece of text becomes an array
of bytes, in which fields are found and digits added up for all lines at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from graphlearn.data.text_chunks import line_chunks, open_bytes
from graphlearn.errors import InputError

_NEWLINE, _RETURN, _ZERO = 10, 13, 48
_COMMENT = (ord("#"), ord("%"))
_MAX_DIGITS = 18  # Every number of so many digits fits 64 bits.


class NotIntegerPairs(InputError):
    """Text that does not hold two non-negative whole numbers a line; it may hold names."""


def read_integer_pairs(path: Path, *, delimiter: str | None, skip_lines: int = 0) -> np.ndarray:
    """Read the first two fields of every line of a file as non-negative integers.

    Blank lines, and lines that start with ``#`` or ``%``, are passed over.

    Args:
        path: The file, plain or ``.gz``.
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.
        skip_lines: Lines to pass over first.

    Shapes:
        - output: ``[L, 2]``, int64

    Raises:
        NotIntegerPairs: If a line holds something else.
        InputError: If the file is truncated.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.csv")
        ...     _ = path.write_text("0,10,0.5\\n7,2,1e3\\n")
        ...     read_integer_pairs(path, delimiter=",").tolist()
        [[0, 10], [7, 2]]
    """
    with open_bytes(path) as file:
        return parse_integer_pairs(
            line_chunks(file), delimiter=delimiter, skip_lines=skip_lines, shown_as=str(path)
        )


def parse_integer_pairs(
    chunks: Iterable[bytes], *, delimiter: str | None, skip_lines: int = 0, shown_as: str = "text"
) -> np.ndarray:
    r"""Parse pieces of whole lines; see :func:`read_integer_pairs`.

    Args:
        chunks: Pieces of text, each ending in a newline.
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.
        skip_lines: Lines to pass over first.
        shown_as: What to call the text in error messages.

    Shapes:
        - output: ``[L, 2]``, int64

    Raises:
        NotIntegerPairs: If a line does not hold two non-negative integers.

    Example:
        >>> parse_integer_pairs([b"# two edges\n0 1\n1 2\n"], delimiter=None).tolist()
        [[0, 1], [1, 2]]
    """
    pieces = [np.empty((0, 2), dtype=np.int64)]
    line = 0
    for chunk in chunks:
        total = chunk.count(b"\n")
        while line < skip_lines and chunk:
            chunk = chunk.partition(b"\n")[2]
            line += 1
            total -= 1
        if line == 0:
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
        try:
            pieces.append(_parse(chunk, delimiter))
        except _BadLine as bad:
            raise NotIntegerPairs(
                f"{shown_as}, line {line + bad.line + 1}, does not hold two node numbers",
                expected="two integers >= 0",
            ) from None
        line += total
    return np.concatenate(pieces)


class _BadLine(Exception):
    """Where parsing stopped; ``line`` counts from 0 in the piece."""

    def __init__(self, line: int) -> None:
        self.line = line


def _parse(chunk: bytes, delimiter: str | None) -> np.ndarray:
    text = np.frombuffer(chunk, dtype=np.uint8)
    separates = np.zeros(256, dtype=bool)
    separates[[ord(character) for character in (" \t\r\n" + (delimiter or ""))]] = True
    outside = separates[text]
    if outside.all():
        return np.empty((0, 2), dtype=np.int64)
    # A piece ends in a newline, so every field that starts also ends.
    starts = np.flatnonzero(outside[:-1] & ~outside[1:]) + 1
    if not outside[0]:
        starts = np.concatenate([[0], starts])
    ends = np.flatnonzero(~outside[:-1] & outside[1:]) + 1
    newlines = np.flatnonzero(text == _NEWLINE)
    line_starts = np.concatenate([[0], newlines[:-1] + 1])

    first = np.searchsorted(starts, line_starts)
    opening = starts[np.minimum(first, len(starts) - 1)]
    used = (first < len(starts)) & (opening < newlines) & ~np.isin(text[opening], _COMMENT)
    lines = np.flatnonzero(used)
    first, line_starts, newlines = first[lines], line_starts[lines], newlines[lines]
    second = np.minimum(first + 1, len(starts) - 1)
    _require((second > first) & (starts[second] < newlines), lines)
    if delimiter is not None:
        _require_single_delimiters(
            text, ord(delimiter), line_starts, starts[first], ends[first], starts[second],
            ends[second], lines,
        )  # fmt: skip
    columns = [_numbers(text, starts[field], ends[field], lines) for field in (first, second)]
    return np.stack(columns, axis=1)


def _require(good: np.ndarray, lines: np.ndarray) -> None:
    if not good.all():
        raise _BadLine(int(lines[np.flatnonzero(~good)[0]]))


def _require_single_delimiters(
    text: np.ndarray,
    delimiter: int,
    line_start: np.ndarray,
    first_start: np.ndarray,
    first_end: np.ndarray,
    second_start: np.ndarray,
    second_end: np.ndarray,
    lines: np.ndarray,
) -> None:
    # Runs of separators were taken as one. That is right for spaces, but an empty field must not
    # vanish, and "1 2,3" must not be read as 1 and 2.
    _require(np.isin(text[second_end], (delimiter, _NEWLINE, _RETURN)), lines)
    odd = (first_start != line_start) | (second_start != first_end + 1)
    odd |= text[first_end] != delimiter
    if odd.any():
        seen = np.concatenate([[0], np.cumsum(text == delimiter)])
        before, between = seen[first_start] - seen[line_start], seen[second_start] - seen[first_end]
        _require((before == 0) & (between == 1), lines)


def _numbers(text: np.ndarray, start: np.ndarray, end: np.ndarray, lines: np.ndarray) -> np.ndarray:
    length = end - start
    _require(length <= _MAX_DIGITS, lines)
    value = np.zeros(len(start), dtype=np.int64)
    for position in range(int(length.max(initial=0))):
        active = position < length
        # Below "0" the unsigned difference wraps to a large value, so one comparison is enough.
        digit = text[np.where(active, start + position, start)] - np.uint8(_ZERO)
        _require(~active | (digit <= 9), lines)
        value = np.where(active, value * 10 + digit, value)
    return value
