"""Tables of node features in every format, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from graphlearn.data.node_table import NodeTable, read_node_table
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


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("id\n1\n", "has one column"),
        ("id,age\n", "holds no rows"),
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
