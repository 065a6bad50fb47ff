"""A user's own edge list, in every format and with everything that can be wrong with one."""

from __future__ import annotations

import gzip
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.data import load_card, read_edge_list
from graphlearn.data.edge_list import number_in_order
from graphlearn.data.pairs import unique_pairs
from graphlearn.errors import DataNotFoundError, InputError, InputTypeError, MissingExtraError

FORMATS = {
    "a.csv": "source,target,weight\n3,5,0.5\n5,9,1e-3\n",
    "a.tsv": "3\t5\n5\t9\n",
    "a.txt": "# comment\n3 5\n5 9 1082040961\n",
    "a.edges": "% comment\n3 5\n\n5 9",
    "A.CSV": "3;5\r\n5;9\r\n",
}


def write(tmp_path, text: str, name: str = "a.csv") -> Path:
    path = tmp_path / name
    content = text.encode()
    path.write_bytes(gzip.compress(content) if name.lower().endswith(".gz") else content)
    return path


@pytest.mark.parametrize("compressed", ["", ".gz"])
@pytest.mark.parametrize("name", FORMATS)
def test_every_text_format(tmp_path, name, compressed) -> None:
    data = read_edge_list(write(tmp_path, FORMATS[name], name + compressed))
    assert data.edge_index.tolist() == [[0, 1], [1, 2]]
    assert data.node_ids.tolist() == [3, 5, 9]
    assert data.num_nodes == 3


def test_names(tmp_path) -> None:
    data = read_edge_list(write(tmp_path, "bob,ann\n7,bob\n"))
    assert data.node_ids == ["bob", "ann", "7"]
    assert data.edge_index.tolist() == [[0, 2], [1, 0]]


def test_quoted_integers_are_integers(tmp_path) -> None:
    data = read_edge_list(write(tmp_path, '"10","2"\n"2","3"\n'))
    assert data.node_ids.tolist() == [2, 3, 10]
    assert data.edge_index.tolist() == [[2, 0], [0, 1]]


def test_ids_stay_as_they_are_written(tmp_path) -> None:
    path = write(tmp_path, "00501,10001\n10001,00502\n")
    assert read_edge_list(path).node_ids == ["00501", "10001", "00502"]
    assert read_edge_list(path, num_nodes=20_000).edge_index.tolist() == [
        [501, 10001],
        [10001, 502],
    ]
    path = write(tmp_path, "3,5\n5,03\n")
    with pytest.raises(InputError, match="line 2, holds node id 03, which stands elsewhere as 3"):
        read_edge_list(path)


def test_comments_among_integers_are_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="line 3, starts with '#' among pairs of integers"):
        read_edge_list(write(tmp_path, "0 1\n1 2\n# 2 nodes\n2 3\n", "a.txt"))
    assert read_edge_list(write(tmp_path, "u,v\n#1,1\n#1,2\n")).node_ids == [
        "u",
        "v",
        "#1",
        "1",
        "2",
    ]


def test_num_nodes_keeps_ids_and_isolated_nodes(tmp_path) -> None:
    path = write(tmp_path, "3,5\n")
    data = read_edge_list(path, num_nodes=8)
    assert (data.num_nodes, data.edge_index.tolist(), "node_ids" in data) == (8, [[3], [5]], False)
    with pytest.raises(InputError, match="holds node id 5"):
        read_edge_list(path, num_nodes=5)
    with pytest.raises(InputTypeError, match=r"num_nodes is 5\.5"):
        read_edge_list(path, num_nodes=5.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="holds names such as 'ann'"):
        read_edge_list(write(tmp_path, "ann,bob\n"), num_nodes=5)


@given(st.lists(st.tuples(st.integers(0, 2**60), st.integers(0, 30)), min_size=1, max_size=30))
def test_numbering_keeps_ids_and_order(rows) -> None:
    ids = np.array(rows, dtype=np.int64)
    numbered, known = number_in_order(ids)
    assert known.tolist() == sorted({value for row in rows for value in row})
    assert torch.equal(known[torch.from_numpy(numbered)], torch.from_numpy(ids))


@given(st.permutations(range(9)))
def test_dense_ids_stay_as_they_are(order) -> None:
    ids = np.array(order, dtype=np.int64)[:8].reshape(4, 2)
    numbered, known = number_in_order(ids)
    if len(known) == int(ids.max()) + 1:
        assert np.array_equal(numbered, ids)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "holds no edges"),
        ("# nothing\n", "holds no edges"),
        ("source,target\n", "holds no edges"),
        ("0,1\n2\n", "line 2, holds"),
        ("0,1\n2,\n", "line 2, holds"),
        ("0,1\n-1,2\n", "line 2, holds node id -1: expected ids >= 0"),
        ("0,1\n1.0,2.0\n", r"line 2, holds node id 1\.0: expected whole numbers or names"),
        ("0,1\n1,nan\n", "line 2, holds node id nan"),
        ("0,99999999999999999999\n", "expected ids below"),
        (",source,target\n0,1,2\n", r"columns \(no name\), source, target"),
    ],
)
def test_bad_files_are_named(tmp_path, text, message) -> None:
    with pytest.raises(InputError, match=message) as caught:
        read_edge_list(write(tmp_path, text))
    assert "a.csv" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_unknown_and_truncated_files(tmp_path) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        read_edge_list(tmp_path / "none.csv")
    for name in ("a.xlsx", "a.gz", "a"):
        with pytest.raises(InputError, match="unknown format: expected a name that ends in"):
            read_edge_list(write(tmp_path, "0,1\n", name))
    path = write(tmp_path, "0 1\n" * 5000, "a.txt.gz")
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(InputError, match="truncated or no gzip file"):
        read_edge_list(path)


@pytest.fixture
def parquet(tmp_path):
    pyarrow = pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    module = pytest.importorskip("pyarrow.parquet")

    def write_table(columns: dict[str, object]) -> Path:
        path = tmp_path / "a.parquet"
        module.write_table(pyarrow.table(columns), path)
        return path

    return write_table


def test_parquet(parquet) -> None:
    data = read_edge_list(parquet({"u": [3, 5], "v": [5, 9], "w": [0.1, 0.2]}))
    assert (data.edge_index.tolist(), data.node_ids.tolist()) == ([[0, 1], [1, 2]], [3, 5, 9])
    named = read_edge_list(parquet({"u": ["ann", "bob"], "v": ["bob", "cem"]}))
    assert (named.edge_index.tolist(), named.node_ids) == ([[0, 1], [1, 2]], ["ann", "bob", "cem"])


def test_parquet_ids_are_as_in_text(parquet) -> None:
    spaces = parquet({"u": [" n3", "n3"], "v": ["n4", "n5"]})
    assert read_edge_list(spaces).node_ids == ["n3", "n4", "n5"]
    assert read_edge_list(parquet({"u": ["3"], "v": ["5"]})).node_ids == ["3", "5"]
    assert read_edge_list(parquet({"u": [3], "v": ["5"]})).node_ids.tolist() == [3, 5]


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"u": [1]}, "has 1 columns"),
        ({"u": [1, None], "v": [1, 2]}, "column 'u' has 1 empty"),
        ({"u": [1, -2], "v": [1, 2]}, "row 1, holds node id -2"),
        ({"u": ["1", ""], "v": ["2", "3"]}, "row 1, holds no id in column 'u'"),
        ({"u": ["1", "  "], "v": ["2", "3"]}, "row 1, holds no id in column 'u'"),
        ({"u": [b"a"], "v": [b"b"]}, "hold binary and binary: expected integers or text"),
        ({"u": [[1]], "v": [[2]]}, "hold list"),
        ({"u": [{"a": 1}], "v": [{"a": 2}]}, "hold struct"),
        ({"u": np.array([2**63], "u8"), "v": [1]}, "row 0, holds node id 9223372036854775808"),
        ({"u": [1.5], "v": [1]}, "hold double and int64: expected integers or text"),
        ({"id": [1], "source": [1], "target": [2]}, "columns id, source, target"),
        ({"u": np.array([], dtype=np.int64), "v": np.array([], dtype=np.int64)}, "holds no edges"),
    ],
)
def test_bad_parquet_is_named(parquet, columns, message) -> None:
    with pytest.raises(InputError, match=message):
        read_edge_list(parquet(columns))


def test_what_is_no_parquet_or_cannot_be_read_here(tmp_path, monkeypatch) -> None:
    path = write(tmp_path, "0,1\n", "a.parquet")
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"needs pyarrow.*pyg-graphlearn\[parquet\]"):
        read_edge_list(path)
    monkeypatch.undo()
    pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    with pytest.raises(InputError, match="expected a parquet file"):
        read_edge_list(path)


def test_real_data(data_root) -> None:
    card = load_card("email-enron")
    data = read_edge_list(data_root / next(iter(card.files)))
    assert (data.num_nodes, data.num_edges) == (card.num_nodes, 367_662)
    assert unique_pairs(data.edge_index, data.num_nodes).size(1) == card.num_edges
    assert torch.equal(data.node_ids, torch.arange(data.num_nodes))


def test_a_real_file_with_times(data_root) -> None:
    data = read_edge_list(data_root / "temporal" / "CollegeMsg.txt")
    assert data.num_edges == 59_835
    assert data.num_nodes == 1_899
