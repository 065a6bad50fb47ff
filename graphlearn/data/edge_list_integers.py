"""The fast path for edge lists: two whole numbers a line, parsed with array operations.

A line-by-line loop takes seconds for every million lines. Here a piece of text becomes an array
of bytes, in which fields are found and digits added up for all lines at once.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from graphlearn.data.edge_list_fields import BadLine, find_fields, require
from graphlearn.data.edge_list_times import TimeColumn
from graphlearn.data.text_chunks import line_chunks, open_bytes
from graphlearn.errors import InputError

_ZERO = 48
_MAX_DIGITS = 18  # Every number of so many digits fits 64 bits.
_MAX_TIME = 64  # bytes; a longer text is no time


class NotIntegerPairs(InputError):
    """Text that does not hold two non-negative whole numbers a line; it may hold names."""


def read_integer_pairs(
    path: Path, *, delimiter: str | None, skip_lines: int = 0, keep_form: bool = False
) -> np.ndarray:
    """Read the first two fields of every line of a file as non-negative integers.

    Blank lines are passed over, and so are lines that start with ``#`` or ``%`` until one does
    not; where lines are skipped (a header), none of the others is a comment.

    Args:
        path: The file, plain or ``.gz``.
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.
        skip_lines: Lines to pass over first.
        keep_form: Take ``07`` for no integer, because it would not come back as it is written.

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
            line_chunks(file),
            delimiter=delimiter,
            skip_lines=skip_lines,
            shown_as=str(path),
            keep_form=keep_form,
        )


def read_integer_columns(
    path: Path, *, delimiter: str | None, skip_lines: int, ends: tuple[int, int], time: int | None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Read two fields of every line as integers, and one as a time.

    Args:
        path: The file, plain or ``.gz``.
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.
        skip_lines: Lines to pass over first.
        ends: The places of both ends of an edge, from 0.
        time: The place of the time, or None.

    Shapes:
        - output: ``[L, 2]`` int64 and ``[L]`` float64, or None without a time

    Raises:
        NotIntegerPairs: If a line does not hold two integers, in the form in which they come back.
        InputError: If a time cannot be read, or the file is truncated.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.csv")
        ...     _ = path.write_text("1970-01-02,7,5\\n1970-01-03,5,6\\n")
        ...     read_integer_columns(path, delimiter=",", skip_lines=0, ends=(1, 2), time=0)
        (array([[7, 5],
               [5, 6]]), array([ 86400., 172800.]))
    """
    column = None if time is None else (time, TimeColumn(f"{path}, line {{}}".format))
    with open_bytes(path) as file:
        return _parse_chunks(
            line_chunks(file), delimiter, skip_lines, str(path), ends, column, keep_form=True
        )


def parse_integer_pairs(
    chunks: Iterable[bytes],
    *,
    delimiter: str | None,
    skip_lines: int = 0,
    shown_as: str = "text",
    keep_form: bool = False,
) -> np.ndarray:
    r"""Parse pieces of whole lines; see :func:`read_integer_pairs`.

    Args:
        chunks: Pieces of text, each ending in a newline.
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.
        skip_lines: Lines to pass over first.
        shown_as: What to call the text in error messages.
        keep_form: Take ``07`` for no integer.

    Shapes:
        - output: ``[L, 2]``, int64

    Raises:
        NotIntegerPairs: If a line does not hold two non-negative integers.

    Example:
        >>> parse_integer_pairs([b"# two edges\n0 1\n1 2\n"], delimiter=None).tolist()
        [[0, 1], [1, 2]]
    """
    return _parse_chunks(chunks, delimiter, skip_lines, shown_as, (0, 1), None, keep_form)[0]


def _parse_chunks(
    chunks: Iterable[bytes],
    delimiter: str | None,
    skip_lines: int,
    shown_as: str,
    ends: tuple[int, int],
    time: tuple[int, TimeColumn] | None,
    keep_form: bool,
) -> tuple[np.ndarray, np.ndarray | None]:
    pairs, times = [np.empty((0, 2), dtype=np.int64)], [np.empty(0)]
    line, comments = 0, skip_lines == 0
    places = [*ends, *(() if time is None else (time[0],))]
    for chunk in chunks:
        total = chunk.count(b"\n")
        while line < skip_lines and chunk:
            chunk = chunk.partition(b"\n")[2]
            line += 1
            total -= 1
        if line == 0:
            chunk = chunk.removeprefix(b"\xef\xbb\xbf")
        if not chunk:
            continue
        text = np.frombuffer(chunk, dtype=np.uint8)
        try:
            if delimiter is not None and not delimiter.isascii():
                raise BadLine(0)
            found = find_fields(text, delimiter, places, comments=comments)
            columns = [
                _numbers(text, start, end, found.lines, keep_form)
                for start, end in zip(found.start[:2], found.end[:2], strict=True)
            ]
            if time is not None:
                texts = _texts(text, found.start[2], found.end[2], found.lines)
        except BadLine as bad:
            raise NotIntegerPairs(
                f"{shown_as}, line {line + bad.line + 1}, does not hold two node numbers",
                expected="two integers >= 0",
            ) from None
        pairs.append(np.stack(columns, axis=1))
        if time is not None:
            times.append(time[1](texts, found.lines + line + 1))
        comments = comments and len(found.lines) == 0
        line += total
    return np.concatenate(pairs), None if time is None else np.concatenate(times)


def _numbers(
    text: np.ndarray, start: np.ndarray, end: np.ndarray, lines: np.ndarray, keep_form: bool
) -> np.ndarray:
    length = end - start
    require((length > 0) & (length <= _MAX_DIGITS), lines)
    if keep_form:
        require((length == 1) | (text[start] != _ZERO), lines)
    value = np.zeros(len(start), dtype=np.int64)
    for position in range(int(length.max(initial=0))):
        active = position < length
        # Below "0" the unsigned difference wraps to a large value, so one comparison is enough.
        digit = text[np.where(active, start + position, start)] - np.uint8(_ZERO)
        require(~active | (digit <= 9), lines)
        value = np.where(active, value * 10 + digit, value)
    return value


def _texts(text: np.ndarray, start: np.ndarray, end: np.ndarray, lines: np.ndarray) -> np.ndarray:
    """Fields as an array of bytes of one width."""
    length = end - start
    require(length <= _MAX_TIME, lines)
    width = max(int(length.max(initial=0)), 1)
    codes = np.zeros((len(start), width), dtype=np.uint8)
    for position in range(width):
        active = position < length
        codes[:, position] = np.where(active, text[np.where(active, start + position, 0)], 0)
    return codes.view(f"S{width}").ravel()
