from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from graphlearn.errors import InputError, InputTypeError, MissingExtraError, UnknownNameError
from graphlearn.store.parquet_rows import parquet_rows

pyarrow = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    numbers = np.arange(1000, dtype=np.float32)
    table = pyarrow.table(
        {
            "a": numbers,
            "b": numbers * 2,
            "id": np.arange(1000),
            "flag": numbers > 10,
            "x": pyarrow.FixedSizeListArray.from_arrays(np.arange(3000, dtype=np.float64), 3),
            "gap": pyarrow.array([None, *range(999)], type=pyarrow.int32()),
            "name": ["n"] * 1000,
        }
    )
    parquet.write_table(table, tmp_path / "x.parquet", row_group_size=300)
    return tmp_path / "x.parquet"


def read(path: Path, columns: str | list[str] | None, block_bytes: int = 400) -> np.ndarray:
    count, blocks = parquet_rows(path, columns, block_bytes=block_bytes)
    found = list(blocks)
    assert count == sum(len(block) for block in found)
    assert max(block.nbytes for block in found) <= block_bytes
    return np.concatenate(found)


def test_columns_make_rows_in_the_order_they_are_named(path: Path) -> None:
    numbers = np.arange(1000, dtype=np.float32)
    found = read(path, ["b", "a"])
    assert found.dtype == np.float32
    assert np.array_equal(found, np.stack([numbers * 2, numbers], axis=1))
    assert np.array_equal(read(path, ["a"]), numbers[:, None])
    assert np.array_equal(read(path, "a"), numbers)
    assert np.array_equal(read(path, "flag"), numbers > 10)
    assert read(path, "id").dtype == np.int64


def test_a_column_of_lists_makes_rows_of_their_length(path: Path) -> None:
    for columns in ("x", ["x"]):
        assert np.array_equal(read(path, columns), np.arange(3000.0).reshape(1000, 3))


def test_all_columns_are_the_default(tmp_path: Path) -> None:
    parquet.write_table(pyarrow.table({"a": [1, 2], "b": [3, 4]}), tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", None).tolist() == [[1, 3], [2, 4]]


def test_an_empty_table_keeps_the_form_of_a_row(tmp_path: Path) -> None:
    empty = pyarrow.table({"a": np.zeros(0), "b": np.zeros(0)})
    parquet.write_table(empty, tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet", None).shape == (0, 2)


@pytest.mark.parametrize(
    ("columns", "error", "said"),
    [
        (["a", "id"], InputTypeError, "a, id hold float, int64: expected numbers of one type"),
        (["a", "x"], InputTypeError, "hold fixed_size_list"),
        ("name", InputTypeError, "name hold string"),
        (None, InputTypeError, "expected numbers of one type"),
        ("gap", InputError, "column 'gap' has 1 empty entries"),
        (["aa"], UnknownNameError, "unknown column 'aa'.*did you mean 'a'"),
    ],
)
def test_columns_that_make_no_rows_are_refused(path, columns, error, said) -> None:
    with pytest.raises(error, match=said):
        list(parquet_rows(path, columns, block_bytes=400)[1])


def test_foreign_and_damaged_files_are_refused(path: Path) -> None:
    (path.parent / "text.parquet").write_text("no parquet")
    with pytest.raises(InputError, match="cannot be read"):
        parquet_rows(path.parent / "text.parquet", None, block_bytes=400)
    damaged = bytearray(path.read_bytes())
    damaged[4:2000] = bytes(1996)
    path.write_bytes(damaged)
    with pytest.raises(InputError, match="cannot be read"):
        list(parquet_rows(path, ["a"], block_bytes=400)[1])


def test_without_pyarrow_the_extra_is_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"needs pyarrow.*\[parquet\]"):
        parquet_rows(path, None, block_bytes=400)


def test_a_row_group_larger_than_a_block_is_not_read_whole(tmp_path: Path) -> None:
    table = pyarrow.table({"a": np.random.default_rng(0).random(12 << 20)})  # 96 MiB, one group
    parquet.write_table(
        table, tmp_path / "x.parquet", row_group_size=12 << 20, use_dictionary=False
    )
    code = """
import sys, pathlib, numpy
from graphlearn.store.parquet_rows import parquet_rows
def peak():  # anonymous memory: pages of files are the system's to take back
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) // 1024
count, blocks = parquet_rows(pathlib.Path(sys.argv[1]), None, block_bytes=1 << 20)
next(blocks), next(blocks)
start = peak()
print(max(peak() - start for block in blocks))
"""
    if not Path("/proc/self/status").exists():
        pytest.skip("the system does not say how much memory a process has")
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "x.parquet")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(run.stdout) < 48


def test_columns_of_one_name_are_refused_where_they_are_asked_for(tmp_path: Path) -> None:
    columns = [pyarrow.array([1.0]), pyarrow.array([2.0]), pyarrow.array([3.0])]
    table = pyarrow.Table.from_arrays(columns, names=["a", "a", "b"])
    pyarrow.parquet.write_table(table, tmp_path / "x.parquet")
    for names in (None, "a", ["b", "a"]):
        with pytest.raises(InputError, match="has 2 columns 'a': expected names that are one col"):
            parquet_rows(tmp_path / "x.parquet", names, block_bytes=100)
    rows, blocks = parquet_rows(tmp_path / "x.parquet", ["b"], block_bytes=100)
    assert (rows, [block.tolist() for block in blocks]) == (1, [[], [[3.0]]])
