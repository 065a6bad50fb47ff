"""Columns of parquet files by their types."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path

import numpy as np
import pytest

from graphlearn.data.edge_list_arrays import typed_times
from graphlearn.data.edge_list_parquet import ParquetColumns, open_parquet
from graphlearn.errors import InputError

pyarrow = pytest.importorskip("pyarrow", reason="the extra parquet is not installed")
parquet = pytest.importorskip("pyarrow.parquet")

MOMENT = datetime.datetime(1970, 1, 2, tzinfo=datetime.UTC)


def write(folder: Path, *columns: object, names: list[str] | None = None) -> Path:
    names = names or [f"c{number}" for number in range(len(columns))]
    arrays = [pyarrow.array(column) for column in columns]
    parquet.write_table(pyarrow.table(arrays, names=names), folder / "a.parquet")
    return folder / "a.parquet"


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (np.array([1, 2], dtype=np.uint8), "integer"),
        ([1.5, 2.5], "number"),
        ([decimal.Decimal("1.5")], "number"),
        (["a", "b"], "text"),
        ([MOMENT.date()], "date"),
        ([MOMENT], "date"),
        ([True], "boolean"),
        ([b"a"], "other"),
        ([[1]], "other"),
        ([{"a": 1}], "other"),
        ([datetime.timedelta(1)], "other"),
        ([datetime.time(1)], "other"),
    ],
)
def test_kinds(tmp_path: Path, values: object, kind: str) -> None:
    with open_parquet(write(tmp_path, values)) as table:
        assert isinstance(table, ParquetColumns)
        assert table.names == ["c0"]
        assert table.column("c0").kind == kind


def test_categories_are_what_they_stand_for(tmp_path: Path) -> None:
    categories = pyarrow.array(["a", "b", "a"]).dictionary_encode()
    with open_parquet(write(tmp_path, categories)) as table:
        assert table.column("c0").values.tolist() == ["a", "b", "a"]


@pytest.mark.parametrize(
    "values", [[86400], [86400.0], [decimal.Decimal(86400)], ["86400"], [MOMENT], [MOMENT.date()]]
)
def test_times_of_every_type(tmp_path: Path, values: object) -> None:
    with open_parquet(write(tmp_path, values)) as table:
        assert typed_times("a", table.column("c0")).tolist() == [86400.0]


def test_two_columns_of_one_name(tmp_path: Path) -> None:
    with open_parquet(write(tmp_path, [1], [2], [3], names=["u", "v", "u"])) as table:
        assert table.column("v").values.tolist() == [2]
        with pytest.raises(
            InputError, match="has 2 columns called 'u': expected names that differ"
        ):
            table.column("u")


def test_what_is_no_parquet(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"PAR1" * 20)
    with (
        pytest.raises(InputError, match="expected a parquet file") as caught,
        open_parquet(tmp_path / "a.parquet"),
    ):
        pass
    assert "\n" not in str(caught.value)
