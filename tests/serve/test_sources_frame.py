"""Frames of edges and of features."""

from __future__ import annotations

import pytest

from graphlearn.errors import InputError, UnknownNameError
from graphlearn.serve.sources_frame import frame_edges, frame_table, is_frame

pandas = pytest.importorskip("pandas", reason="the extra parquet is not installed")


def test_edges_by_name_and_number() -> None:
    frame = pandas.DataFrame(
        {"day": ["2020-01-01", "2020-01-02"], "a": ["x", "y"], "b": ["y", "z"]}
    )
    assert is_frame(frame)
    for days in (frame["day"], pandas.to_datetime(frame["day"], utc=True)):
        found = frame_edges(frame.assign(day=days), source="a", target="3", time="day")
        assert (found.pairs.tolist(), found.ids) == ([[0, 1], [1, 2]], ["x", "y", "z"])
        assert (found.times[1] - found.times[0], found.times[0]) == (86400.0, 1577836800.0)
    first = frame_edges(pandas.DataFrame({0: [7, 5], 1: [5, 9]}))
    assert (first.pairs.tolist(), first.ids.tolist()) == ([[1, 0], [0, 2]], [5, 7, 9])
    categories = pandas.DataFrame({"a": ["x", "y"], "b": ["y", "x"]}, dtype="category")
    assert frame_edges(categories).ids == ["x", "y"]


def test_text_ids() -> None:
    mixed = pandas.DataFrame({"a": [1, "x"], "b": ["y", 2]}, dtype=object)
    assert frame_edges(mixed, text_ids=True).ids == ["1", "y", "x", "2"]
    assert frame_edges(pandas.DataFrame({"a": [3], "b": [5]}), text_ids=True).ids == ["3", "5"]


@pytest.mark.parametrize(
    ("columns", "options", "expected"),
    [
        ({"a": [1]}, {}, r"a DataFrame of shape \(1, 1\)"),
        ({"a": [], "b": []}, {}, r"a DataFrame of shape \(0, 2\)"),
        ({"a": [1], "b": [2]}, {"source": "c"}, "unknown column 'c'"),
        ({"a": [1], "b": [-2]}, {}, "edges, row 0, holds node id -2"),
        ({"a": [1], "b": [2**63]}, {}, "edges, row 0, holds node id 9223372036854775808"),
        ({"a": [1, 2], "b": [1, None]}, {}, "column 'b' has 1 empty entries"),
        ({"a": [1.5], "b": [2.5]}, {}, "hold float64 and float64"),
        ({"a": [1, "x"], "b": [2, "y"]}, {}, "hold integers and text .of which text_ids=True"),
        ({"a": ["1", "x"], "b": ["2", "y"]}, {}, "edges mixes integers such as '1'"),
        ({"a": [1], "b": [2], "t": [None]}, {"time": "t"}, "edges, row 0, has no time"),
        ({"a": [1], "b": [2], "t": [-1]}, {"time": "t"}, "has the negative time -1"),
        ({"index": [0], "source": [1], "target": [2]}, {}, "the two ends of an edge"),
    ],
)
def test_refused_edges(columns: dict[str, list[object]], options: dict[str, str], expected) -> None:
    with pytest.raises(InputError, match=expected):
        frame_edges(pandas.DataFrame(columns), **options)


def test_tables() -> None:
    frame = pandas.DataFrame({"age": [31, 40], "id": [7, 5]})
    for table in (frame_table(frame, id_column="id"), frame_table(frame.set_index("id"))):
        assert (table.ids.tolist(), table.names) == ([7, 5], ["age"])
        assert table.features.tolist() == [[31.0], [40.0]]
    assert frame_table(frame, id_column="id", text_ids=True).ids == ["7", "5"]
    unnamed = pandas.DataFrame({"age": [31.5]}, index=["ann"])
    assert frame_table(unnamed).ids == ["ann"]


def test_refused_tables() -> None:
    frame = pandas.DataFrame({"age": [31, 40], "id": [7, 7], "name": ["ann", "bob"]})
    with pytest.raises(InputError, match="without ids: .*set_index"):
        frame_table(frame)
    with pytest.raises(UnknownNameError, match="unknown column 'key'"):
        frame_table(frame, id_column="key")
    with pytest.raises(InputError, match="features, row 1, has the id '7' of row 0"):
        frame_table(frame, id_column="id")
    with pytest.raises(InputError, match="row 0, holds 'ann' in column name"):
        frame_table(frame[["age", "name"]].set_index("age"))
    with pytest.raises(InputError, match="one column"):
        frame_table(frame[["id"]], id_column="id")
    with pytest.raises(InputError, match="row 1, holds None in column age"):
        frame_table(pandas.DataFrame({"age": [1, None]}, index=["a", "b"]))
