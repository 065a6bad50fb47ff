"""Ids and times of columns that have a type."""

from __future__ import annotations

import numpy as np
import pytest

from graphlearn.data.edge_list_arrays import TypedColumn, typed_ids, typed_pairs, typed_times
from graphlearn.data.edge_list_names import NamedPairs
from graphlearn.errors import InputError


def integers(*values: int) -> TypedColumn:
    return TypedColumn("u", "int64", "integer", np.array(values))


def texts(*values: str) -> TypedColumn:
    return TypedColumn("v", "string", "text", np.array(values, dtype=object))


def test_ids() -> None:
    assert typed_ids("a", [integers(3, 5)]).tolist() == [[3], [5]]
    assert typed_ids("a", [integers(3, 5)], text_ids=True).tolist() == [["3"], ["5"]]
    assert typed_ids("a", [texts(" 03", "5 ")]).tolist() == [["03"], ["5"]]


def test_pairs() -> None:
    assert typed_pairs("a", [integers(3, 5), integers(5, 7)]).tolist() == [[3, 5], [5, 7]]
    found = typed_pairs("a", [texts("3", "b"), texts("b", "3 ")])
    assert isinstance(found, NamedPairs)
    assert (found.names, found.pairs.tolist(), found.lines) == (
        ["3", "b"],
        [[0, 1], [1, 0]],
        [0, 0],
    )
    assert typed_pairs("a", [integers(3), texts("5")]).tolist() == [[3, 5]]
    with pytest.raises(InputError, match="a, row 1, holds node id 03, which stands elsewhere as 3"):
        typed_pairs("a", [integers(3, 5), texts("5", "03")])


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        (integers(3, -5), "a, row 1, holds node id -5: .*--text-ids"),
        (
            TypedColumn("u", "uint64", "integer", np.array([2**63, 1], dtype="u8")),
            "row 0, holds node id 9223372036854775808: expected ids below",
        ),
        (texts("a", " "), "row 1, holds no id in column 'v'"),
        (TypedColumn("u", "double", "number", np.ones(2)), "column u holds double"),
        (TypedColumn("u", "int64", "integer", np.ones(2), 1), "'u' has 1 empty entries"),
    ],
)
def test_refused_ids(column: TypedColumn, expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        typed_ids("a", [column])


def test_times() -> None:
    assert typed_times("a", integers(3, 5)).tolist() == [3.0, 5.0]
    assert typed_times("a", texts("1969-12-31")).tolist() == [-86400.0]
    with pytest.raises(InputError, match="a, row 1, has no time"):
        typed_times("a", TypedColumn("u", "double", "number", np.array([1, np.nan]), 1))
    for kind in ("other", "boolean"):
        with pytest.raises(InputError, match=r"column 'u' holds duration\[us\]: expected times"):
            typed_times("a", TypedColumn("u", "duration[us]", kind, np.empty(1, dtype=object)))
