"""pandas frames as edges and as tables of node features."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from graphlearn.data.edge_columns import EdgeColumns, column_place, edge_places
from graphlearn.data.edge_list import number_in_order
from graphlearn.data.edge_list_arrays import TypedColumn, typed_pairs, typed_times
from graphlearn.data.edge_list_ids import refuse_mixed
from graphlearn.data.edge_list_names import NamedPairs
from graphlearn.data.node_table import NodeTable, typed_table
from graphlearn.errors import InputError

_KINDS = {"i": "integer", "u": "integer", "f": "number", "M": "date", "b": "boolean"}


def is_frame(value: Any) -> bool:
    """Whether a value is a pandas ``DataFrame``; pandas is not imported for it.

    Example:
        >>> is_frame([1, 2])
        False
    """
    pandas = sys.modules.get("pandas")  # whoever holds a frame has imported it
    return pandas is not None and isinstance(value, pandas.DataFrame)


def frame_edges(
    frame: Any,
    *,
    source: str | None = None,
    target: str | None = None,
    time: str | None = None,
    text_ids: bool = False,
) -> EdgeColumns:
    """Read the columns of a frame of edges, by name or number from 1 as those of a file.

    Args:
        frame: A row for each edge.
        source: The column of the first end; the first if None.
        target: The column of the second end; the second if None.
        time: The column of the time; None reads none.
        text_ids: Take ids as text, whatever they are.

    Raises:
        UnknownNameError: If it has no such column.
        InputError: If it holds no edges, or something that is no id or no time.

    Example:
        >>> import pandas
        >>> frame = pandas.DataFrame({"day": [3, 5], "from": [7, 5], "to": [5, 9]})
        >>> found = frame_edges(frame, source="from", target="to", time="day")
        >>> found.pairs.tolist(), found.ids.tolist(), found.times.tolist()
        ([[1, 0], [0, 2]], [5, 7, 9], [3.0, 5.0])
    """
    if len(frame) == 0 or frame.shape[1] < 2:
        raise InputError(f"edges is a DataFrame of shape {frame.shape}", expected="a row an edge")
    names = [str(name) for name in frame.columns]
    ends, place = edge_places(Path("edges"), source, target, time, names, header=True)
    columns = [_column(frame.iloc[:, end], names[end], text_ids) for end in ends]
    found = typed_pairs("edges", columns, text_ids=text_ids)
    times = None
    if place is not None:
        times = typed_times("edges", _column(frame.iloc[:, place], names[place]))
    ids: Tensor | list[str]
    if isinstance(found, NamedPairs):
        if not text_ids:
            refuse_mixed("edges", found.names)
        pairs, ids = found.pairs, found.names
    else:
        pairs, ids = number_in_order(found)
    return EdgeColumns(pairs, ids, times)


def frame_table(frame: Any, *, id_column: str | None = None, text_ids: bool = False) -> NodeTable:
    """Read a frame of node features.

    Args:
        frame: A row for each node.
        id_column: The column of the ids; the frame's index if None.
        text_ids: Take ids as text even if all are integers.

    Raises:
        UnknownNameError: If there is no such column.
        InputError: If it has no ids, or is refused as :func:`read_node_table` refuses a file.

    Example:
        >>> import pandas
        >>> frame = pandas.DataFrame({"name": ["ann", "bob"], "age": [31, 40]})
        >>> frame_table(frame.set_index("name")).ids, frame_table(frame, id_column="name").names
        (['ann', 'bob'], ['age'])
    """
    pandas = sys.modules["pandas"]
    names = [str(name) for name in frame.columns]
    places = list(range(len(names)))
    if id_column is not None:
        place = column_place(Path("features"), id_column, names, header=True)
        places.remove(place)
        ids = _column(frame.iloc[:, place], names[place])
    elif frame.index.name is None and isinstance(frame.index, pandas.RangeIndex):
        raise InputError(
            "features is a DataFrame without ids",
            expected="the nodes' ids as its index or as a column that id_column names",
            mend="pass features.set_index('the column of ids')",
        )
    else:
        ids = _column(frame.index.to_series(), str(frame.index.name or "index"))
    if not places:
        raise InputError("features has one column", expected="ids, and numbers beside them")
    return typed_table(
        "features",
        ids,
        [names[place] for place in places],
        (_column(frame.iloc[:, place], names[place]) for place in places),
        text_ids=text_ids,
    )


def _column(series: Any, name: str, text_ids: bool = False) -> TypedColumn:
    pandas = sys.modules["pandas"]
    if isinstance(series.dtype, pandas.DatetimeTZDtype):
        series = series.dt.tz_convert(None)
    kind_name, missing = str(series.dtype), int(series.isna().sum())
    values = np.asarray(series)
    kind = _KINDS.get(values.dtype.kind)
    if kind is None and values.dtype.kind != "O":
        values, kind = values.astype(object), "other"
    if kind is None:
        there = values[~np.asarray(series.isna())].tolist()
        if all(isinstance(value, str) for value in there):
            kind = "text"
        elif all(_is_integer(value) for value in there):
            kind = "integer"
            if not missing and all(abs(value) < 2**63 for value in there):
                values = values.astype(np.int64)
        elif all(isinstance(value, str) or _is_integer(value) for value in there):
            kind, kind_name = "other", "integers and text (of which text_ids=True makes text)"
            if text_ids:
                kind, values = "text", np.array([str(value) for value in there], dtype=object)
        else:
            kind = "other"
    return TypedColumn(name, kind_name, kind, values, missing)


def _is_integer(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__index__")
