"""Tables of node features in every format, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.data.edge_list_arrays import TypedColumn
from graphlearn.data.node_table import NodeTable, read_node_table, typed_table
from graphlearn.errors import DataNotFoundError, InputError, UnknownNameError


def test_text(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("age,id,height\n31,7,1.5\n40,5,2\n")
    table = read_node_table(tmp_path / "a.csv", id_column="id")
    assert isinstance(table, NodeTable)
    assert table.ids.tolist() == [7, 5]
    assert table.names == ["age", "height"]
    assert table.features.tolist() == [[31.0, 1.5], [40.0, 2.0]]
    assert read_node_table(tmp_path / "a.csv", id_column="2", text_ids=True).ids == ["7", "5"]


def test_parquet(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="the extra parquet is not installed")
    frame = pandas.DataFrame({"id": ["ann", "bob"], "age": [31, 40]})
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    table = read_node_table(tmp_path / "a.parquet")
    assert table.ids == ["ann", "bob"]
    assert torch.equal(table.features, torch.tensor([[31.0], [40.0]]))


def test_odd_lines_are_read_like_others(tmp_path: Path) -> None:
    count = 2**17  # fields of a block, and more
    plain = "".join(f"n{i},{i},{i % 7}\n" for i in range(count))
    path = tmp_path / "a.csv"
    path.write_text("# note\nid,x,y\n" + plain + '"a,\nb", 5,"6"\n#c,7,8\n')
    table = read_node_table(path)
    assert table.ids[-3:] == [f"n{count - 1}", "a,\nb", "#c"]
    assert table.features.shape == (count + 2, 2)
    assert table.features.dtype == torch.float32
    assert torch.equal(table.features[:count, 0], torch.arange(count).float())
    assert table.features[-2:].tolist() == [[5.0, 6.0], [7.0, 8.0]]
    path.write_text("id x\n007 1\n8 2\n")
    assert read_node_table(path).ids == ["007", "8"]


def test_parquet_types(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="the extra parquet is not installed")
    path = tmp_path / "a.parquet"
    frame = pandas.DataFrame({"id": [7, 5], "a": [1, 2], "b": ["1.5", "2"], "c": [True, False]})
    frame.to_parquet(path, index=False)
    table = read_node_table(path)
    assert table.ids.tolist() == [7, 5]
    assert table.features.tolist() == [[1.0, 1.5, 1.0], [2.0, 2.0, 0.0]]
    assert read_node_table(path, text_ids=True).ids == ["7", "5"]
    frame.assign(id=["7", "5"]).to_parquet(path, index=False)
    assert read_node_table(path).ids.tolist() == [7, 5]


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ({"x": [1.0, 1e39]}, "row 1, holds 1e.39 in column x: .*float32"),
        ({"x": [1.0, float("inf")]}, "row 1, holds inf in column x: expected a finite number"),
        ({"x": [1.0, None]}, "row 1, holds None in column x"),
        ({"x": ["1", "red"]}, "row 1, holds 'red' in column x"),
        ({"x": [b"1", b"2"]}, "column 'x' holds binary: expected numbers"),
        ({"id": [3, 3]}, "row 1, has the id '3' of row 0"),
        ({"id": ["3", "3 "]}, "row 1, has the id '3' of row 0"),
        ({"id": ["3", "03"]}, "row 1, holds node id 03"),
        ({"id": ["3", ""]}, "row 1, holds no id"),
        ({"id": [1.5, 2.0]}, "column id holds double: expected integers or text"),
        ({"id": [], "x": []}, "holds no rows"),
    ],
)
def test_refused_parquet(tmp_path: Path, columns: dict[str, list[object]], expected: str) -> None:
    pyarrow = pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    parquet = pytest.importorskip("pyarrow.parquet")
    rows = {"id": [7, 5], "x": [1.0, 2.0], **columns}
    if not rows["id"]:
        rows["id"] = pyarrow.array([], type=pyarrow.int64())
    parquet.write_table(pyarrow.table(rows), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=expected):
        read_node_table(tmp_path / "a.parquet")


def test_a_table_of_columns() -> None:
    ids = TypedColumn("id", "object", "text", np.array(["ann", "bob"], dtype=object))
    ages = TypedColumn("age", "int64", "integer", np.array([31, 40]))
    table = typed_table("people", ids, ["age"], [ages])
    assert (table.ids, table.names) == (["ann", "bob"], ["age"])
    assert table.features.tolist() == [[31.0], [40.0]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id\n1\n", "has one column"),
        ("id,age\n", "holds no rows: expected a row of features"),
        ("", "holds no rows: expected a row of features"),
        ("id,age\n3,1\n03,2\n", "line 3, holds node id 03, which stands elsewhere as 3"),
        (f"id,age\n1,2\n{2**63},2\n", "line 3, holds node id 9223372036854775808: .*below"),
        ("id,age,x\n1,2,3\n2,3,1e39\n", "line 3, holds '1e39' in column x: .*float32"),
        ("id,age\n1,1_0\n", "line 2, holds '1_0' in column age"),
        ("id age\n1 2\n2\n", "line 3, has 1 fields"),
        ('id,age\n"1",2\n"1",3\n', "line 3, has the id '1' of line 2"),
        ("id,age\n1,old\n", "line 2, holds 'old' in column age"),
        ("id,age\n1,\n", "line 2, holds '' in column age"),
        ("id,age\n1,nan\n", "a finite number"),
        ("id,age\n1,2\n1,3\n", "line 3, has the id '1' of line 2"),
        ("id,age\n1,2,3\n", "has 3 fields"),
        ("id,age\n,2\n", "has no id"),
    ],
)
def test_refusals(tmp_path: Path, text: str, expected: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(InputError, match=expected):
        read_node_table(tmp_path / "a.csv")


def test_no_file_no_column_and_no_utf8(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        read_node_table(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_text("id,age\n1,2\n")
    with pytest.raises(UnknownNameError, match="unknown column 'name'"):
        read_node_table(tmp_path / "a.csv", id_column="name")
    (tmp_path / "a.csv").write_bytes(b"id,\xe9\n1,2\n")
    with pytest.raises(InputError, match="UTF-8"):
        read_node_table(tmp_path / "a.csv")
    (tmp_path / "a.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="a parquet file"):
        read_node_table(tmp_path / "a.parquet")
