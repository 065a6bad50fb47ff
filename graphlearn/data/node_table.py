"""A table of node features, keyed by the nodes' ids: csv, tsv, txt (also .gz) or parquet."""

from __future__ import annotations

import csv
import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.data.edge_columns import column_place
from graphlearn.data.edge_list_arrays import TypedColumn, typed_ids
from graphlearn.data.edge_list_format import detect_delimiter
from graphlearn.data.edge_list_ids import integer_ids
from graphlearn.data.edge_list_names import data_lines, rows
from graphlearn.data.edge_list_parquet import open_parquet
from graphlearn.data.text_chunks import check_file
from graphlearn.errors import InputError

_BLOCK = 1 << 18  # fields that are parsed at once
_MOST = 2.0**128 * (1 - 2.0**-25)  # float32 rounds this and more to infinity


@dataclass(frozen=True, eq=False)
class NodeTable:
    """Numbers of nodes, a row each.

    Args:
        ids: The id of each row's node: integers, or names.
        features: The numbers.
        names: What the columns are called.

    Shapes:
        - **ids**: ``[M]``; **features**: ``[M, C]`` float32

    Example:
        >>> NodeTable(["ann"], torch.ones(1, 2), ["age", "height"]).features.shape
        torch.Size([1, 2])
    """

    ids: Tensor | list[str]
    features: Tensor
    names: list[str]


def read_node_table(
    path: Path | str, *, id_column: str | None = None, text_ids: bool = False
) -> NodeTable:
    """Read a table with a header: a column of ids, the others numbers.

    Ids are integers or text as :func:`graphlearn.data.edge_columns.read_edge_columns` takes them.

    Args:
        path: The file.
        id_column: The column of the ids, by name or by number from 1; the first if None.
        text_ids: Take ids as text even if all are integers.

    Raises:
        DataNotFoundError: If there is no such file.
        UnknownNameError: If there is no such column.
        InputError: If it has no row or no column of numbers, an id comes twice (also as ``3`` and
            ``03``) or is missing, or a value is no number that float32 can hold.
        MissingExtraError: If a parquet file is given and pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "people.csv")
        ...     _ = path.write_text("name,age,height\\nann,31,1.7\\nbob,40,1.8\\n")
        ...     table = read_node_table(path)
        >>> table.ids, table.names, table.features[:, 0].tolist()
        (['ann', 'bob'], ['age', 'height'], [31.0, 40.0])
    """
    path = Path(path)
    check_file(path, expected="a table of node features")
    if path.name.lower().endswith(".parquet"):
        with open_parquet(path) as table:
            place = _id_place(path, id_column, table.names)
            names = _others(path, table.names, place)
            return typed_table(
                str(path),
                table.column(table.names[place]),
                names,
                (table.column(name) for name in names),
                text_ids=text_ids,
            )
    return _TextTable(path, id_column).read(text_ids=text_ids)


def typed_table(
    where: str,
    ids: TypedColumn,
    names: Sequence[str],
    columns: Iterable[TypedColumn],
    *,
    text_ids: bool = False,
) -> NodeTable:
    """Make a table of columns that have types.

    Args:
        where: What to call the file or frame.
        ids: The column of ids.
        names: What the others are called.
        columns: The others, which may be read one at a time.
        text_ids: Take ids as text even if all are integers.

    Raises:
        InputError: As :func:`read_node_table`.

    Example:
        >>> ids = TypedColumn("id", "int64", "integer", np.array([7, 5]))
        >>> ages = TypedColumn("age", "double", "number", np.array([31.0, 40.0]))
        >>> typed_table("people", ids, ["age"], [ages]).features.tolist()
        [[31.0], [40.0]]
    """
    keys = typed_ids(where, [ids], text_ids=text_ids)[:, 0]
    if len(keys) == 0:
        raise _no_rows(where)
    known: Any
    if keys.dtype == object:
        known, seen = keys.tolist(), dict[str, int]()
        for row, name in enumerate(known):
            first = seen.setdefault(name, row)
            if first != row:
                raise _twice(f"{where}, row {row},", name, f"row {first}")
        values = None if text_ids else integer_ids(known, f"{where}, row {{}}".format)
        known = known if values is None else torch.tensor(values)
    else:
        order = np.argsort(keys, kind="stable")
        again = np.flatnonzero(keys[order][1:] == keys[order][:-1])
        if len(again):
            first, row = order[again[0]], order[again[0] + 1]
            raise _twice(f"{where}, row {row},", str(keys[row]), f"row {first}")
        known = torch.from_numpy(np.ascontiguousarray(keys))
    features = np.empty((len(keys), len(names)), dtype=np.float32)
    for place, column in enumerate(columns):
        features[:, place] = _floats(where, column)
    return NodeTable(known, torch.from_numpy(features), list(names))


def _floats(where: str, column: TypedColumn) -> np.ndarray:
    values = column.values
    if column.kind in ("date", "other"):
        raise InputError(
            f"{where}: column {column.name!r} holds {column.type}",
            expected="numbers",
            mend="leave the column out, or write numbers in its place",
        )
    if values.dtype == object:
        texts = values.tolist()
        return np.array(
            [_number(f"{where}, row {row}", column.name, text) for row, text in enumerate(texts)]
        )
    with np.errstate(over="ignore"):
        numbers: np.ndarray = values.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(numbers))
    if len(wrong):
        row = int(wrong[0])
        _number(f"{where}, row {row}", column.name, None if column.missing else values[row])
    return numbers


def _number(where: str, column: str, value: Any) -> float:
    try:
        number = math.nan if isinstance(value, str) and "_" in value else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not abs(number) < _MOST:
        finite = math.isfinite(number)
        shown = repr(value) if isinstance(value, str) or value is None else str(value)
        raise InputError(
            f"{where}, holds {shown} in column {column}",
            expected="a number that float32 can hold, below 3.4e38"
            if finite
            else "a finite number",
            mend="leave the column out, or write numbers in its place",
        )
    return number


def _id_place(path: Path, id_column: str | None, names: Sequence[str]) -> int:
    return 0 if id_column is None else column_place(path, id_column, names, header=True)


def _others(path: Path, names: Sequence[str], place: int) -> list[str]:
    others = [name for number, name in enumerate(names) if number != place]
    if not others:
        raise InputError(f"{path} has one column", expected="ids, and numbers beside them")
    return others


def _no_rows(where: str) -> InputError:
    return InputError(f"{where} holds no rows", expected="a row of features for each node")


def _twice(where: str, name: str, other: str) -> InputError:
    return InputError(f"{where} has the id {name!r} of {other}", expected="each id once")


class _TextTable:
    """A text file that is parsed block by block, and line by line where a block is odd."""

    def __init__(self, path: Path, id_column: str | None) -> None:
        self.path = path
        self.delimiter = detect_delimiter(path)
        header = next(rows(path, self.delimiter), None)
        if header is None:
            raise _no_rows(str(path))
        self.first, self.names = header
        self.place = _id_place(path, id_column, self.names)
        self.others = _others(path, self.names, self.place)
        self.columns = [number for number in range(len(self.names)) if number != self.place]
        self.lines: dict[str, int] = {}

    def read(self, *, text_ids: bool) -> NodeTable:
        """Read all of it."""
        lines = (line for line in data_lines(self.path) if line[0] > self.first)
        count = max(_BLOCK // len(self.names), 1)
        blocks = []
        while block := list(itertools.islice(lines, count)):
            values = self._at_once(block)
            blocks.append(self._by_line(block, lines) if values is None else values)
        if not blocks:
            raise _no_rows(str(self.path))
        ids: Any = list(self.lines)
        if not text_ids:
            where = list(self.lines.values())
            values_of_ids = integer_ids(ids, lambda number: f"{self.path}, line {where[number]}")
            ids = ids if values_of_ids is None else torch.tensor(values_of_ids)
        return NodeTable(ids, torch.from_numpy(np.concatenate(blocks)), self.others)

    def _at_once(self, block: Sequence[tuple[int, str]]) -> np.ndarray | None:
        """The numbers of plain lines, or None if a line has quotes or something that is wrong."""
        texts = [text for _, text in block]
        mark, last = self.delimiter, self.place + 1
        if mark is None:
            plain = all(len(text.split()) == len(self.names) for text in texts)
        else:
            delimiters = len(self.names) - 1
            plain = all(text.count(mark) == delimiters and '"' not in text for text in texts)
        if not plain:
            return None
        ids = [text.split(mark, last)[self.place].strip() for text in texts]
        try:
            values = np.loadtxt(texts, delimiter=mark, comments=None, usecols=self.columns, ndmin=2)
        except ValueError:
            return None
        with np.errstate(over="ignore"):
            values = values.astype(np.float32)
        if len(values) != len(block) or not np.isfinite(values).all():
            return None
        for (line, _), name in zip(block, ids, strict=True):
            self._add(name, line)
        return values

    def _by_line(
        self, block: Sequence[tuple[int, str]], later: Iterator[tuple[int, str]]
    ) -> np.ndarray:
        """The numbers of any lines; a quoted field may reach into the lines after the block."""
        values = []
        for line, fields in self._fields(block, later):
            where = f"{self.path}, line {line}"
            if len(fields) != len(self.names):
                raise InputError(
                    f"{where}, has {len(fields)} fields",
                    expected=f"{len(self.names)}, as the header",
                )
            self._add(fields[self.place], line)
            values.append([_number(where, self.names[i], fields[i]) for i in self.columns])
        return np.array(values, dtype=np.float32)

    def _fields(
        self, block: Sequence[tuple[int, str]], later: Iterator[tuple[int, str]]
    ) -> Iterator[tuple[int, list[str]]]:
        if self.delimiter is None:
            for line, text in block:
                yield line, text.split()
            return
        line, taken = 0, 0

        def texts() -> Iterator[str]:
            nonlocal line, taken
            for line, text in itertools.chain(block, later):  # noqa: B007 (read after each row)
                taken += 1
                yield text

        reader = csv.reader(texts(), delimiter=self.delimiter)
        while taken < len(block):
            try:
                fields = next(reader)
            except csv.Error as error:
                raise InputError(f"{self.path}, line {line}, cannot be read ({error})") from None
            yield line, [field.strip() for field in fields]

    def _add(self, name: str, line: int) -> None:
        if not name:
            raise InputError(f"{self.path}, line {line}, has no id", expected="an id in each row")
        first = self.lines.setdefault(name, line)
        if first != line:
            raise _twice(f"{self.path}, line {line},", name, f"line {first}")
