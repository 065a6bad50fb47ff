"""Ids and times in columns that have a type: those of a parquet file, or of a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from graphlearn.data.edge_list_ids import TEXT_IDS, integers_or_names
from graphlearn.data.edge_list_names import NamedPairs
from graphlearn.data.edge_list_times import times_of_values
from graphlearn.errors import InputError


@dataclass(frozen=True, eq=False)
class TypedColumn:
    """A column and its type.

    Args:
        name: What it is called.
        type: What its type is called, for errors.
        kind: ``"integer"``, ``"number"``, ``"date"``, ``"text"``, ``"boolean"`` or ``"other"``.
        values: What it holds; of a column of integers floats where some are missing, of text
            objects.
        missing: How many rows hold nothing.

    Shapes:
        - **values**: ``[L]``

    Example:
        >>> TypedColumn("from", "int64", "integer", np.array([3, 5])).missing
        0
    """

    name: str
    type: str
    kind: str
    values: np.ndarray
    missing: int = 0


def typed_ids(where: str, columns: Sequence[TypedColumn], *, text_ids: bool = False) -> np.ndarray:
    """The ids of columns, side by side: int64 if all are integers, else objects that are texts.

    A column of text stays text, whatever it looks like; spaces around ids are dropped.

    Args:
        where: What to call the file or frame.
        columns: Of one length.
        text_ids: Make text of integers.

    Shapes:
        - output: ``[L, P]``

    Raises:
        InputError: If an id is missing, empty, negative or too large, or a column holds neither
            integers nor text.

    Example:
        >>> typed_ids("a", [TypedColumn("u", "int64", "integer", np.array([3, 5]))]).tolist()
        [[3], [5]]
    """
    for column in columns:
        if column.missing:
            raise InputError(
                f"{where}: column {column.name!r} has {column.missing} empty entries",
                expected="a node id in each row",
            )
    if any(column.kind not in ("integer", "text") for column in columns):
        which = "column" if len(columns) == 1 else "columns"
        verb = "holds" if len(columns) == 1 else "hold"
        both = "" if len(columns) == 1 else " in both"
        raise InputError(
            f"{where}: {which} {', '.join(column.name for column in columns)} {verb} "
            f"{' and '.join(column.type for column in columns)}",
            expected=f"integers or text{both}",
        )
    if not text_ids and all(column.kind == "integer" for column in columns):
        for column in columns:
            _check_range(where, column)
        ids: np.ndarray = np.stack([column.values.astype(np.int64) for column in columns], axis=1)
        return ids
    texts = np.empty((len(columns[0].values), len(columns)), dtype=object)
    for place, column in enumerate(columns):
        values = column.values.tolist()
        if column.kind == "integer":
            texts[:, place] = [str(value) for value in values]
            continue
        stripped = [value.strip() for value in values]
        if "" in stripped:
            raise InputError(
                f"{where}, row {stripped.index('')}, holds no id in column {column.name!r}",
                expected="a node id in each row",
            )
        texts[:, place] = stripped
    return texts


def typed_pairs(
    where: str, ends: Sequence[TypedColumn], *, text_ids: bool = False
) -> np.ndarray | NamedPairs:
    """The pairs of ids of two columns: integers ``[L, 2]``, or names.

    Raises:
        InputError: As :func:`typed_ids`, or as of a text file where one column is of integers and
            the other of text.

    Example:
        >>> column = TypedColumn("u", "string", "text", np.array(["ann", "bob"], dtype=object))
        >>> typed_pairs("a.parquet", [column, column]).names
        ['ann', 'bob']
    """
    ids = typed_ids(where, ends, text_ids=text_ids)
    if ids.dtype != object:
        return ids
    numbers: dict[str, int] = {}
    flat = [numbers.setdefault(name, len(numbers)) for name in ids.ravel().tolist()]
    pairs = np.array(flat, dtype=np.int64).reshape(-1, 2)
    rows = (np.unique(pairs.ravel(), return_index=True)[1] // 2).tolist()
    found = NamedPairs(pairs, list(numbers), rows)
    if text_ids or ends[0].kind == ends[1].kind:
        return found
    return integers_or_names(where, found, row="row")


def typed_times(where: str, column: TypedColumn) -> np.ndarray:
    """The times that a typed column holds.

    Shapes:
        - output: ``[L]`` float64

    Raises:
        InputError: If its type is none of times, or a value is none.

    Example:
        >>> column = TypedColumn("at", "int64", "integer", np.array([3, 5]))
        >>> typed_times("a.parquet", column).tolist()
        [3.0, 5.0]
    """
    if column.kind in ("boolean", "other"):
        raise InputError(
            f"{where}: column {column.name!r} holds {column.type}",
            expected="times: numbers, dates, or text that is one of these",
        )
    return times_of_values(column.values, f"{where}, row {{}}".format)


def _check_range(where: str, column: TypedColumn) -> None:
    values = column.values
    if not values.size:
        return
    least, most = values.argmin(), values.argmax()
    for row, wrong, expected in (
        (least, values[least] < 0, "ids >= 0"),
        (most, int(values[most]) >= 2**63, "ids below 2**63"),
    ):
        if wrong:
            raise InputError(
                f"{where}, row {row}, holds node id {values[row]}", expected=expected, mend=TEXT_IDS
            )
