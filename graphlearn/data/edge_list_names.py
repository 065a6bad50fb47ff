"""The general path for edge lists: any two names a line, with quotes if need be."""

from __future__ import annotations

import csv
import io
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from graphlearn.data.edge_list_times import TimeColumn
from graphlearn.data.text_chunks import open_bytes
from graphlearn.errors import InputError

COMMENTS = ("#", "%")
_BLOCK = 1 << 15  # rows


@dataclass(frozen=True)
class NamedPairs:
    """Pairs of names, as numbers into the list of distinct names.

    Args:
        pairs: Position of each end's name in ``names``.
        names: The distinct names in order of first appearance.
        lines: For each name, the line of the file where it first stands.

    Shapes:
        - ``pairs``: ``[L, 2]``, int64

    Example:
        >>> NamedPairs(np.array([[0, 1]]), ["ann", "bob"], [1, 1]).names
        ['ann', 'bob']
    """

    pairs: np.ndarray
    names: list[str]
    lines: list[int]


def read_name_pairs(path: Path, *, delimiter: str | None, skip_lines: int = 0) -> NamedPairs:
    """Read the first two fields of every line of a file as names.

    Blank lines, and the lines that start with ``#`` or ``%`` before the first that does not, are
    passed over; names are stripped of spaces around them.

    Args:
        path: The file, plain or ``.gz``, in UTF-8.
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.
        skip_lines: Lines to pass over first.

    Raises:
        InputError: If a line has fewer than two fields or an empty one, or the text is not UTF-8.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.csv")
        ...     _ = path.write_text('"Doe, Ann",bob\\nbob,cem\\n')
        ...     read_name_pairs(path, delimiter=",").names
        ['Doe, Ann', 'bob', 'cem']
    """
    return read_name_columns(path, delimiter=delimiter, skip_lines=skip_lines)[0]


def read_name_columns(
    path: Path,
    *,
    delimiter: str | None,
    skip_lines: int = 0,
    ends: tuple[int, int] = (0, 1),
    time: int | None = None,
) -> tuple[NamedPairs, np.ndarray | None]:
    """Read two fields of every line as names, and one as a time.

    Args:
        path: The file, plain or ``.gz``, in UTF-8.
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.
        skip_lines: Lines to pass over first.
        ends: The places of both ends of an edge, from 0.
        time: The place of the time, or None.

    Shapes:
        - output: the pairs, and ``[L]`` float64, or None without a time

    Raises:
        InputError: If a line lacks one of the ends, a time cannot be read, or the text is not
            UTF-8.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.csv")
        ...     _ = path.write_text("3,ann,bob\\n5,bob,cem\\n")
        ...     found, times = read_name_columns(path, delimiter=",", ends=(1, 2), time=0)
        >>> found.pairs.tolist(), times.tolist()
        ([[0, 1], [1, 2]], [3.0, 5.0])
    """
    numbers: dict[str, int] = {}
    lines: list[int] = []
    times = [np.empty(0)]
    column = TimeColumn(f"{path}, line {{}}".format)
    first, second = ends
    enough = max(ends)
    # Numbers and texts are gathered, not rows: Python looks through lists of lists again and again.
    flat, texts, places = array("q"), list[str](), list[int]()
    for line, fields in rows(path, delimiter):
        if line <= skip_lines:
            continue
        if len(fields) <= enough or not fields[first] or not fields[second]:
            raise _no_edge(path, line, fields)
        for name in (fields[first], fields[second]):
            number = numbers.setdefault(name, len(numbers))
            if number == len(lines):
                lines.append(line)
            flat.append(number)
        if time is not None:
            texts.append(fields[time] if time < len(fields) else "")
            places.append(line)
            if len(texts) == _BLOCK:
                times.append(column(np.array(texts), np.array(places)))
                texts, places = [], []
    if texts:
        times.append(column(np.array(texts), np.array(places)))
    found = NamedPairs(np.array(flat, dtype=np.int64).reshape(-1, 2), list(numbers), lines)
    return found, None if time is None else np.concatenate(times)


def _no_edge(path: Path, line: int, fields: list[str]) -> InputError:
    late = fields[0].startswith(COMMENTS)
    return InputError(
        f"{path}, line {line}, holds {fields!r}",
        expected="two node ids",
        mend="write comments before the first edge alone" if late else "",
    )


def rows(path: Path, delimiter: str | None) -> Iterator[tuple[int, list[str]]]:
    """Yield line number and fields of every line that :func:`data_lines` yields.

    Args:
        path: The file, plain or ``.gz``, in UTF-8.
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.

    Raises:
        InputError: If the text is not UTF-8, or its quotes cannot be matched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.txt")
        ...     _ = path.write_text("% from a survey\\nann bob 3\\n")
        ...     list(rows(path, None))
        [(2, ['ann', 'bob', '3'])]
    """
    if delimiter is None:
        for number, line in data_lines(path):
            yield number, line.split()
        return
    number = 0

    def texts() -> Iterator[str]:
        nonlocal number
        for number, line in data_lines(path):  # noqa: B007 (read below, after each row)
            yield line

    try:
        for fields in csv.reader(texts(), delimiter=delimiter):
            yield number, [field.strip() for field in fields]
    except csv.Error as error:
        raise InputError(f"{path}, line {number}, cannot be read ({error})") from None


def data_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield number and text of every line that is neither blank nor a comment.

    Comments are lines that start with ``#`` or ``%`` and come before all others, as the heads of
    files from SNAP and KONECT do. Later such lines are data: ids may be hashtags.

    Args:
        path: The file, plain or ``.gz``, in UTF-8.

    Raises:
        InputError: If the text is not UTF-8.

    Example:
        >>> import os
        >>> list(data_lines(Path(os.devnull)))
        []
    """
    number, head = 0, True
    with open_bytes(path) as file:
        text = io.TextIOWrapper(file, encoding="utf-8-sig")
        try:
            for number, line in enumerate(text, start=1):
                stripped = line.strip()
                if stripped and not (head and stripped.startswith(COMMENTS)):
                    head = False
                    yield number, line
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}, near line {number + 1}, cannot be read ({error})",
                expected="text in UTF-8",
            ) from None
        finally:
            text.detach()
