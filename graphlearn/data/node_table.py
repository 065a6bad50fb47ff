"""A table of node features, keyed by the nodes' ids: csv, tsv, txt (also .gz) or parquet."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlearn.data.edge_columns import column_place
from graphlearn.data.edge_list_format import detect_format
from graphlearn.data.edge_list_names import rows
from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.extras import import_extra

_INTEGER = re.compile(r"[+-]?\d+")


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

    Args:
        path: The file.
        id_column: The column of the ids, by name or by number from 1; the first if None.
        text_ids: Take ids as text even if all are integers.

    Raises:
        DataNotFoundError: If there is no such file.
        UnknownNameError: If there is no such column.
        InputError: If it has no row or no column of numbers, an id comes twice or is missing, or a
            value is no finite number.
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
    if not path.is_file():
        raise DataNotFoundError(f"no file {path}", expected="a table of node features")
    names, lines = _parquet(path) if path.name.lower().endswith(".parquet") else _text(path)
    place = column_place(path, id_column or "1", names, header=True)
    others = [number for number in range(len(names)) if number != place]
    if not others:
        raise InputError(f"{path} has one column", expected="ids, and numbers beside them")
    seen: dict[str, str] = {}
    values: list[list[float]] = []
    for where, fields in lines:
        if len(fields) != len(names):
            raise InputError(
                f"{path}, {where}, has {len(fields)} fields",
                expected=f"{len(names)}, as the header",
            )
        name = "" if fields[place] is None else str(fields[place])
        if not name:
            raise InputError(f"{path}, {where}, has no id", expected="an id in each row")
        if name in seen:
            raise InputError(
                f"{path}, {where}, has the id {name!r} of {seen[name]}", expected="each id once"
            )
        seen[name] = where
        values.append([_number(path, where, names[i], fields[i]) for i in others])
    if not values:
        raise InputError(f"{path} holds no rows", expected="a row of features for each node")
    ids: Any = list(seen)
    if not text_ids and all(_INTEGER.fullmatch(name) for name in ids):
        ids = torch.tensor([int(name) for name in ids])
    return NodeTable(ids, torch.tensor(values), [names[i] for i in others])


def _number(path: Path, where: str, column: str, value: Any) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not math.isfinite(number):
        raise InputError(
            f"{path}, {where}, holds {value!r} in column {column}",
            expected="a finite number",
            mend="leave the column out, or write numbers in its place",
        )
    return number


def _text(path: Path) -> tuple[list[str], Iterable[tuple[str, Sequence[Any]]]]:
    layout = detect_format(path, header=False)
    lines = rows(path, layout.delimiter)
    names = next(lines)[1]
    return names, ((f"line {line}", fields) for line, fields in lines)


def _parquet(path: Path) -> tuple[list[str], Iterable[tuple[str, Sequence[Any]]]]:
    pyarrow = import_extra("pyarrow", "parquet", extra="parquet", purpose=f"reading {path.name}")
    try:
        table = pyarrow.parquet.read_table(path)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="a parquet file") from error
    columns = [table[name].to_pylist() for name in table.column_names]
    found = ((f"row {row}", fields) for row, fields in enumerate(zip(*columns, strict=True)))
    return list(table.column_names), found
