"""Columns of an edge list by name and by number, times, and what is refused."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from graphlearn.data.edge_columns import EdgeColumns, column_place, edge_places, read_edge_columns
from graphlearn.errors import DataNotFoundError, InputError, MissingExtraError, UnknownNameError


def write(folder: Path, text: str, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("5,7\n7,9\n", {}),
        ("source,target\n5,7\n7,9\n", {}),
        ("w,to,from\n1,7,5\n1,9,7\n", {"source": "from", "target": "to"}),
        ("# c\n1 7 5\n1 9 7\n", {"source": "3", "target": "2"}),
        ("1;5;7\n1;7;9\n", {"source": "2", "target": "3"}),
    ],
)
def test_columns(tmp_path: Path, text: str, options: dict[str, str]) -> None:
    found = read_edge_columns(write(tmp_path, text), **options)
    assert isinstance(found, EdgeColumns)
    assert found.pairs.tolist() == [[0, 1], [1, 2]]
    assert found.ids.tolist() == [5, 7, 9]
    assert found.times is None


@pytest.mark.parametrize("column", ["3", "when"])
def test_times(tmp_path: Path, column: str) -> None:
    header = "a,b,when\n" if column == "when" else "source,target,x\n"
    found = read_edge_columns(write(tmp_path, header + "ann,bob,10\nbob,cem,2.5\n"), time=column)
    assert found.ids == ["ann", "bob", "cem"]
    assert found.times.tolist() == [10.0, 2.5]


def test_parquet(tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas", reason="the extra parquet is not installed")
    pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
    frame = pandas.DataFrame(
        {"w": [1, 1], "to": [7, 9], "from": [5, 7], "t": pandas.to_datetime([0, 60], unit="s")}
    )
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    found = read_edge_columns(tmp_path / "a.parquet", source="from", target="to", time="t")
    assert found.pairs.tolist() == [[0, 1], [1, 2]]
    assert found.times.tolist() == [0.0, 60.0]
    with pytest.raises(UnknownNameError, match="did you mean 'from'"):
        read_edge_columns(tmp_path / "a.parquet", source="form")
    with pytest.raises(InputError, match="source and time are both column"):
        read_edge_columns(tmp_path / "a.parquet", source="t", target="to", time="t")
    frame.loc[0, "t"] = None
    frame.to_parquet(tmp_path / "a.parquet", index=False)
    with pytest.raises(InputError, match="row 0"):
        read_edge_columns(tmp_path / "a.parquet", source="from", target="to", time="t")


def test_parquet_without_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"pyg-graphlearn\[parquet\]"):
        read_edge_columns(tmp_path / "a.parquet", time="t")


def test_mixed_ids(tmp_path: Path) -> None:
    path = write(tmp_path, "1,bob\nbob,2\n")
    for options in ({}, {"source": "1"}):
        with pytest.raises(InputError, match="mixes integers such as '1' and text such as 'bob'"):
            read_edge_columns(path, **options)
        assert read_edge_columns(path, text_ids=True, **options).ids == ["1", "bob", "2"]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("a,b,t\nx,y,1\n", {"time": "when"}, "unknown column 'when'"),
        ("1,2\n", {"time": "3"}, "has 2 columns"),
        ("1,2,3\n", {"time": "0"}, "a column 0"),
        ("source,target,t\nx,y,\n", {"time": "t"}, "line 2, has no time"),
        ("source,target,t\nx,y\n", {"time": "t"}, "line 2, has no time"),
        ("source,target,t\nx,y,-4\n", {"time": "t"}, "line 2, has the negative time -4"),
        ("source,target,t\nx,y,soon\n", {"time": "t"}, "has the time 'soon'"),
        ("source,target,t\nx,y,inf\n", {"time": "t"}, "has the time 'inf'"),
        ("source,target,t\nx,,1\n", {"time": "t"}, "two node ids"),
        ("source,target,t\n", {"time": "t"}, "holds no edges"),
        ("source,target\n", {}, "holds no edges"),
        ("1,-2,3\n", {"time": "3"}, "holds node id -2: .*--text-ids"),
        ("1,2.0,3\n", {"time": "3"}, "holds node id 2.0: .*--text-ids"),
        ("s,t,a\n1,2,20100101\n1,3,2010-02-01\n", {"time": "a"}, "line 3, has the date"),
        ("s,t\nx,y\n", {"time": "t", "target": "t"}, "target and time are both column 2 .t."),
        ("s,t\nx,y\n", {"source": "2"}, "source and target are both column"),
        (",source,target,t\n0,x,y,1\n", {"time": "t"}, "the two ends of an edge in the first"),
    ],
)
def test_refusals(tmp_path: Path, text: str, options: dict[str, str], expected: str) -> None:
    with pytest.raises(InputError, match=expected):
        read_edge_columns(write(tmp_path, text), **options)


@pytest.mark.parametrize("options", [{}, {"source": "1"}])
def test_ids_stay_as_they_are_written(tmp_path: Path, options: dict[str, str]) -> None:
    path = write(tmp_path, "source,target\n00501,10001\n10001,+49\n")
    assert read_edge_columns(path, **options).ids == ["00501", "10001", "+49"]
    path = write(tmp_path, "source,target\n-5,14.0\n3,03\n")
    found = read_edge_columns(path, text_ids=True, **options)
    assert found.ids == ["-5", "14.0", "3", "03"]
    path = write(tmp_path, "source,target\n3,5\n")
    assert read_edge_columns(path, text_ids=True, **options).ids == ["3", "5"]
    path = write(tmp_path, "source,target\n3,5\n03,5\n")
    with pytest.raises(InputError, match=r"line 3, holds node id 03, .* as 3: .*--text-ids"):
        read_edge_columns(path, **options)
    path = write(tmp_path, "source,target\n٣,٥\n")
    assert read_edge_columns(path, **options).ids == ["٣", "٥"]


def test_dates_before_1970(tmp_path: Path) -> None:
    path = write(tmp_path, "source,target,t\n1,2,1950-01-01\na,b,1969-12-31\n")
    assert read_edge_columns(path, time="t", text_ids=True).times.tolist() == [-631152000, -86400]
    path = write(tmp_path, "source,target,t\n1,2,1950-01-01\n2,3,1969-12-31\n")
    assert read_edge_columns(path, time="t").times.tolist() == [-631152000, -86400]


def test_the_places_of_columns() -> None:
    names = ["when", "to", "from"]
    path = Path("a.csv")
    assert edge_places(path, "from", "to", "when", names, header=True) == ((2, 1), 0)
    assert edge_places(path, None, None, None, names, header=False) == ((0, 1), None)
    # Columns that were numbered from 0, as pandas does, are no numbers of places.
    assert edge_places(path, None, None, "2", ["0", "1", "2"], header=True) == ((0, 1), 2)


def test_unknown_formats(tmp_path: Path) -> None:
    for options in ({}, {"source": "1"}):
        with pytest.raises(InputError, match="a.xlsx is of an unknown format"):
            read_edge_columns(write(tmp_path, "1,2\n", "a.xlsx"), **options)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a folder: expected an edge list"):
        read_edge_columns(tmp_path)


def test_no_file_and_no_utf8(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        read_edge_columns(tmp_path / "a.csv")
    (tmp_path / "a.csv").write_bytes(b"source,target\n\xe9,b\n")
    for options in ({}, {"source": "1"}):
        with pytest.raises(InputError, match="UTF-8"):
            read_edge_columns(tmp_path / "a.csv", **options)


def test_column_place_without_header() -> None:
    with pytest.raises(InputError, match="no header"):
        column_place(Path("a.csv"), "to", ["1", "2"], header=False)


def test_ids_are_a_tensor_where_they_are_integers(tmp_path: Path) -> None:
    ids = read_edge_columns(write(tmp_path, "3,1\n"), source="1").ids
    assert torch.equal(ids, torch.tensor([1, 3]))
