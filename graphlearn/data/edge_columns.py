"""The columns of an edge list that a fit reads: both ends of each edge, and its time."""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from graphlearn.data.edge_list import (
    integers_or_names,
    number_in_order,
    read_edge_list,
    read_parquet_pairs,
)
from graphlearn.data.edge_list_format import detect_format
from graphlearn.data.edge_list_names import NamedPairs, rows
from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.extras import import_extra
from graphlearn.registry import unknown_name

_INTEGER = re.compile(r"[+-]?\d+")


@dataclass(frozen=True, eq=False)
class EdgeColumns:
    """Edges as a file has them, one a row.

    Args:
        pairs: The numbers of both ends: places in ``ids``.
        ids: The id of each node: ascending integers, or names in order of first appearance.
        times: When each edge was, as seconds or whatever the file counts; None without times.

    Shapes:
        - **pairs**: ``[L, 2]`` int64; **times**: ``[L]`` float64

    Example:
        >>> EdgeColumns(np.array([[0, 1]]), ["ann", "bob"]).times is None
        True
    """

    pairs: np.ndarray
    ids: Tensor | list[str]
    times: np.ndarray | None = None


def read_edge_columns(
    path: Path | str,
    *,
    source: str | None = None,
    target: str | None = None,
    time: str | None = None,
    text_ids: bool = False,
) -> EdgeColumns:
    """Read both ends and the time of every edge of a csv, tsv, txt (also .gz) or parquet file.

    A column is given by its name in the header, or by its number, from 1. Times are numbers, or
    dates as ISO 8601 writes them (read as UTC where they name no zone), which become seconds.

    Args:
        path: The file.
        source: The column of the first end; the first column if None.
        target: The column of the second end; the second column if None.
        time: The column of the time; None reads none.
        text_ids: Take ids as text even if some of them are integers and others not.

    Raises:
        DataNotFoundError: If there is no such file.
        UnknownNameError: If it has no such column; offers the nearest.
        InputError: If it holds no edges, mixes integers and names as ids, is not UTF-8, or a time
            is missing or negative.
        MissingExtraError: If a parquet file is given and pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "calls.csv")
        ...     _ = path.write_text("day,from,to\\n3,ann,bob\\n5,bob,cem\\n")
        ...     found = read_edge_columns(path, source="from", target="to", time="day")
        >>> found.pairs.tolist(), found.ids, found.times.tolist()
        ([[0, 1], [1, 2]], ['ann', 'bob', 'cem'], [3.0, 5.0])
    """
    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"no file {path}", expected="an edge list")
    is_parquet = path.name.lower().endswith(".parquet")
    times: np.ndarray | None = None
    found: np.ndarray | NamedPairs
    if source is None and target is None and time is None:
        data = read_edge_list(path)
        ids, pairs = data.node_ids, data.edge_index.t().contiguous().numpy()
        if not text_ids and isinstance(ids, list):
            _refuse_mixed(path, ids)
        return EdgeColumns(pairs, ids)
    if is_parquet:
        found, times = _parquet(path, source, target, time)
    else:
        found, times = _text(path, source, target, time)
    if isinstance(found, NamedPairs) and found.lines:
        found = integers_or_names(path, found)
    if isinstance(found, NamedPairs):
        if not text_ids:
            _refuse_mixed(path, found.names)
        return EdgeColumns(found.pairs, found.names, times)
    numbered, known = number_in_order(found)
    return EdgeColumns(numbered, known, times)


def column_place(path: Path, column: str, names: Sequence[str], *, header: bool) -> int:
    """Where a column is: by its name in the header, or by its number from 1.

    Raises:
        UnknownNameError: If there is none of that name.
        InputError: If there are not so many columns.

    Example:
        >>> column_place(Path("a.csv"), "to", ["from", "to"], header=True)
        1
    """
    if header and column in names:
        return names.index(column)
    if column.isdecimal():
        if not 1 <= int(column) <= len(names):
            raise InputError(
                f"{path} has {len(names)} columns", expected=f"a column {column}, counted from 1"
            )
        return int(column) - 1
    if not header:
        raise InputError(
            f"{path} has no header with a column {column!r}",
            expected="column names in its first line",
            mend="give the column's number, counted from 1",
        )
    raise unknown_name("column", column, names, where=str(path))


def parse_time(text: Any) -> float:
    """A time as a number: of seconds where it is a date.

    Raises:
        ValueError: If it is neither a number nor a date, or is not finite.

    Example:
        >>> parse_time("12.5"), parse_time("1970-01-02")
        (12.5, 86400.0)
    """
    try:
        value = float(text)
    except ValueError:
        when = datetime.datetime.fromisoformat(text)
        value = (when if when.tzinfo else when.replace(tzinfo=datetime.UTC)).timestamp()
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _text(
    path: Path, source: str | None, target: str | None, time: str | None
) -> tuple[NamedPairs, np.ndarray | None]:
    wanted = [source or "1", target or "2", *([] if time is None else [time])]
    named = any(not column.isdecimal() for column in wanted)
    layout = detect_format(path, header=False if named else None)
    lines = rows(path, layout.delimiter)
    first: list[str] = next(iter(rows(path, layout.delimiter)))[1]
    if named:
        next(lines)
    places = [column_place(path, column, first, header=named) for column in wanted]
    numbers: dict[str, int] = {}
    first_lines: list[int] = []
    flat: list[int] = []
    times: list[float] = []
    for line, fields in _after(lines, layout.skip_lines):
        values = [fields[place] if place < len(fields) else "" for place in places]
        if not values[0] or not values[1]:
            raise InputError(f"{path}, line {line}, holds {fields!r}", expected="two node ids")
        for name in values[:2]:
            number = numbers.setdefault(name, len(numbers))
            if number == len(first_lines):
                first_lines.append(line)
            flat.append(number)
        if time is not None:
            times.append(_checked_time(f"{path}, line {line},", values[2]))
    if not flat:
        raise InputError(f"{path} holds no edges", expected="a line with two node ids for each")
    pairs = np.array(flat, dtype=np.int64).reshape(-1, 2)
    found = NamedPairs(pairs, list(numbers), first_lines)
    return found, None if time is None else np.array(times)


def _after(lines: Iterator[tuple[int, list[str]]], skip: int) -> Iterator[tuple[int, list[str]]]:
    return ((line, fields) for line, fields in lines if line > skip)


def _checked_time(where: str, text: Any) -> float:
    if text is None or text == "":
        raise InputError(f"{where} has no time", expected="a number >= 0, or a date")
    try:
        value = parse_time(text)
    except ValueError:
        raise InputError(
            f"{where} has the time {text!r}", expected="a number >= 0, or a date"
        ) from None
    if value < 0:
        raise InputError(f"{where} has the negative time {text}", expected="a number >= 0")
    return value


def _parquet(
    path: Path, source: str | None, target: str | None, time: str | None
) -> tuple[np.ndarray | NamedPairs, np.ndarray | None]:
    pyarrow = import_extra("pyarrow", "parquet", extra="parquet", purpose=f"reading {path.name}")
    try:
        names = pyarrow.parquet.read_schema(path).names
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="a parquet file") from error
    wanted = [source or "1", target or "2", *([] if time is None else [time])]
    chosen = [names[column_place(path, column, names, header=True)] for column in wanted]
    found = read_parquet_pairs(path, (chosen[0], chosen[1]))
    if time is None:
        return found, None
    values = pyarrow.parquet.read_table(path, columns=[chosen[2]])[chosen[2]].to_pylist()
    times = [
        _checked_time(f"{path}, row {row},", v.isoformat() if hasattr(v, "isoformat") else v)
        for row, v in enumerate(values)
    ]
    return found, np.array(times)


def _refuse_mixed(path: Path, names: Sequence[str]) -> None:
    integer = next((name for name in names if _INTEGER.fullmatch(name)), None)
    name = next((name for name in names if not _INTEGER.fullmatch(name)), None)
    if integer is not None and name is not None:
        raise InputError(
            f"{path} mixes integers such as {integer!r} and text such as {name!r} as node ids",
            expected="one type of ids",
            mend="mend the file, or pass --text-ids (text_ids=True) to take all as text",
        )
