"""OGB's tables: numbers, gaps, and every way in which a line can be wrong."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from graphlearn.data.ogb_text import read_counts, read_edges, read_table, table_blocks
from graphlearn.errors import DataNotFoundError, InputError


def write(path: Path, text: bytes) -> Path:
    path.write_bytes(gzip.compress(text))
    return path


def test_counts(tmp_path) -> None:
    assert read_counts(write(tmp_path / "a.csv.gz", b"13\n7\n")).tolist() == [13, 7]
    for text, said in ((b"", "is empty"), (b"1\nx\n", "holds 'x'"), (b"-1\n", "holds '-1'")):
        with pytest.raises(InputError, match=f"{said}: expected one number a line"):
            read_counts(write(tmp_path / "a.csv.gz", text))
    with pytest.raises(DataNotFoundError, match="no file"):
        read_counts(tmp_path / "none.csv.gz")


def test_blocks_are_the_rows_whatever_their_size(tmp_path) -> None:
    table = np.arange(300, dtype=np.float32).reshape(100, 3) / 4
    text = "".join(",".join(map(str, row)) + "\n" for row in table).encode()
    path = write(tmp_path / "x.csv.gz", text)
    for size in (10, 64, 1 << 20):
        blocks = list(table_blocks(path, chunk_bytes=size))
        assert np.array_equal(np.concatenate(blocks), table)
    assert np.array_equal(read_table(path, 100), table)
    write(path, text.replace(b"\n", b"\r\n").removesuffix(b"\r\n"))
    assert np.array_equal(read_table(path, 100), table)


def test_gaps_are_nan_wherever_they_stand(tmp_path) -> None:
    path = write(tmp_path / "y.csv.gz", b",1,\n0,,nan\n,,\n1,0,1\n")
    found = read_table(path, 4, gaps=True)
    nan = np.nan
    wanted = [[nan, 1, nan], [0, nan, nan], [nan, nan, nan], [1, 0, 1]]
    np.testing.assert_array_equal(found, np.array(wanted, dtype=np.float32))
    write(path, b"3\n\n4.0\n")
    np.testing.assert_array_equal(read_table(path, 3, gaps=True)[:, 0], [3, nan, 4])
    with pytest.raises(InputError, match="expected 3 lines of as many numbers each"):
        read_table(path, 3)


@pytest.mark.parametrize(
    "text",
    [b"1,2\n3\n", b"1\n2,3\n", b"1,2\n3,x\n", b"1,2\n", b"1,2\n3,4\n5,6\n", b"", b"1,2\n3,4,\n"],
)
def test_wrong_lines_are_refused_in_one_line(tmp_path, text) -> None:
    with pytest.raises(InputError, match="expected 2 lines of as many numbers each") as caught:
        read_table(write(tmp_path / "x.csv.gz", text), 2)
    assert "\n" not in str(caught.value)


def test_whole_numbers_must_be_whole(tmp_path) -> None:
    path = write(tmp_path / "x.csv.gz", b"1,2\n")
    assert read_table(path, 1, np.int64).dtype == np.int64
    with pytest.raises(InputError, match="cannot be read"):
        read_table(write(path, b"1,2.5\n"), 1, np.int64)


def test_a_truncated_file_is_said_to_be_one(tmp_path) -> None:
    path = write(tmp_path / "x.csv.gz", b"1,2\n" * 50_000)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(InputError, match=r"x\.csv\.gz is truncated or no gzip file"):
        read_table(path, 50_000)


def test_edges_are_two_numbers_a_line(tmp_path) -> None:
    path = write(tmp_path / "edge.csv.gz", b"0,1\r\n12,3\r\n4,5")
    assert read_edges(path).tolist() == [[0, 1], [12, 3], [4, 5]]
    assert read_edges(write(path, b"")).shape == (0, 2)
    with pytest.raises(DataNotFoundError, match="no file"):
        read_edges(tmp_path / "none.csv.gz")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"# 4,5", "line 3, is '# 4,5': expected two node numbers and no more"),
        (b"#", "line 3, is '#'"),
        (b"% 4,5", "line 3, is '% 4,5'"),
        (b"4,5,6", "line 3, is '4,5,6'"),
        (b"4,5,", "line 3, is '4,5,'"),
        (b"4", "line 3, is '4'"),
        (b"", "line 3, is ''"),
        (b"4,5,6\n", "line 3, is '4,5,6'"),
        (b"\n4,5,6", "line 3, is ''"),
        (b" \n4,5,6", "line 3, is ' '"),
        (b"4,5\r6", r"line 3, is '4,5\\r6'|line 3, is '4,5\r6'"),
        (b"4,5 6", "line 3, does not hold two node numbers"),
        (b"4,x", "line 3, does not hold two node numbers"),
        (b"-4,5", "line 3, does not hold two node numbers"),
    ],
)
def test_other_lines_of_edges_are_refused(tmp_path, line, said) -> None:
    path = write(tmp_path / "edge.csv.gz", b"0,1\n2,3\n" + line + b"\n7,8\n")
    with pytest.raises(InputError, match=said) as caught:
        read_edges(path)
    assert "\n" not in str(caught.value)


def test_a_file_too_small_for_its_rows_is_refused_before_room_is_made(tmp_path) -> None:
    path = write(tmp_path / "x.csv.gz", b"1,2\n3,4\n")
    for rows in (10**17, 10**6):
        with pytest.raises(InputError, match=f"has .* bytes: expected {rows} lines of 2 numbers"):
            read_table(path, rows)
    path = write(tmp_path / "y.csv.gz", b"\n" * 1_000_000)  # as dense as a table can be
    assert len(read_table(path, 1_000_000, gaps=True)) == 1_000_000


def test_a_table_larger_than_memory_is_said_to_be_one(tmp_path, monkeypatch) -> None:
    def full(*args: object, **more: object) -> None:
        raise MemoryError

    path = write(tmp_path / "x.csv.gz", b"1,2\n")
    monkeypatch.setattr("graphlearn.data.ogb_text.np.empty", full)
    with pytest.raises(InputError, match="does not fit into memory: expected room for 1 lines"):
        read_table(path, 1)
