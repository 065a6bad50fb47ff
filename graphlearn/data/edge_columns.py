"""The columns of an edge list that a fit reads: both ends of each edge, and its time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from graphlearn.data.edge_list import number_in_order
from graphlearn.data.edge_list_arrays import typed_pairs, typed_times
from graphlearn.data.edge_list_format import check_columns, detect_format, is_parquet
from graphlearn.data.edge_list_ids import integers_or_names, refuse_mixed
from graphlearn.data.edge_list_integers import NotIntegerPairs, read_integer_columns
from graphlearn.data.edge_list_names import NamedPairs, read_name_columns, rows
from graphlearn.data.edge_list_parquet import open_parquet
from graphlearn.data.text_chunks import check_file
from graphlearn.errors import InputError
from graphlearn.registry import unknown_name


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
        text_ids: Take ids as text, whatever they look like.

    Raises:
        DataNotFoundError: If there is no such file.
        UnknownNameError: If it has no such column; offers the nearest.
        InputError: If it holds no edges, mixes integers and names as ids, is not UTF-8, two of the
            columns are one, a time is missing or a negative number, or times mix numbers and dates.
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
    check_file(path, expected="an edge list")
    read = _parquet if is_parquet(path) else _text
    found, times = read(path, source, target, time, text_ids)
    if len(found.pairs if isinstance(found, NamedPairs) else found) == 0:
        raise InputError(f"{path} holds no edges", expected="a line with two node ids for each")
    if isinstance(found, NamedPairs):
        if not text_ids:
            refuse_mixed(str(path), found.names)
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


def edge_places(
    path: Path,
    source: str | None,
    target: str | None,
    time: str | None,
    names: Sequence[str],
    *,
    header: bool,
) -> tuple[tuple[int, int], int | None]:
    """Where both ends of an edge and its time are; ends that are not named are the first two.

    Raises:
        UnknownNameError: If there is no such column.
        InputError: If two of them are one column, or the first two are not the ends.

    Example:
        >>> edge_places(Path("a.csv"), "to", "from", "3", ["from", "to", "at"], header=True)
        ((1, 0), 2)
    """
    if source is None and target is None and header:
        check_columns(path, list(names))
    if len(names) < 2:
        raise InputError(f"{path} has {len(names)} columns", expected="two or more")
    places: dict[str, int] = {}
    wanted = {"source": source, "target": target, "time": time}
    for first, (role, column) in enumerate(wanted.items()):
        if column is not None:
            places[role] = column_place(path, column, names, header=header)
        elif role != "time":
            places[role] = first
    taken: dict[int, str] = {}
    for role, place in places.items():
        other = taken.setdefault(place, role)
        if other != role:
            raise InputError(
                f"{path}: {other} and {role} are both column {place + 1} ({names[place]})",
                expected="a column for each",
            )
    return (places["source"], places["target"]), places.get("time")


def _text(
    path: Path, source: str | None, target: str | None, time: str | None, text_ids: bool
) -> tuple[np.ndarray | NamedPairs, np.ndarray | None]:
    named = any(column is not None and not column.isdecimal() for column in (source, target, time))
    layout = detect_format(path, header=False if named else None)
    line, first = next(iter(rows(path, layout.delimiter)))
    skip = line if named else layout.skip_lines
    ends, place = edge_places(path, source, target, time, first, header=skip > 0)
    if not text_ids:
        try:
            return read_integer_columns(
                path, delimiter=layout.delimiter, skip_lines=skip, ends=ends, time=place
            )
        except NotIntegerPairs:
            pass  # names, or what needs a closer look
    found, times = read_name_columns(
        path, delimiter=layout.delimiter, skip_lines=skip, ends=ends, time=place
    )
    return found if text_ids else integers_or_names(str(path), found), times


def _parquet(
    path: Path, source: str | None, target: str | None, time: str | None, text_ids: bool
) -> tuple[np.ndarray | NamedPairs, np.ndarray | None]:
    with open_parquet(path) as table:
        ends, place = edge_places(path, source, target, time, table.names, header=True)
        columns = [table.column(table.names[end]) for end in ends]
        found = typed_pairs(str(path), columns, text_ids=text_ids)
        if place is None:
            return found, None
        return found, typed_times(str(path), table.column(table.names[place]))
