"""Recommended links as files."""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from graphlearn.errors import InputError, MissingExtraError
from graphlearn.serve.links_file import COLUMNS, LinkRows, check_links_name, links_file


def test_csv_quotes_names(tmp_path: Path) -> None:
    with links_file(tmp_path / "a.csv", integers=False) as write:
        write(LinkRows(["Doe, Ann"], [1], ['the "B"'], [0.123456789]))
        write(LinkRows(["x"], [1], ["y"], [1e-7]))
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        list(COLUMNS),
        ["Doe, Ann", "1", 'the "B"', "0.123457"],
        ["x", "1", "y", "1e-07"],
    ]


@pytest.mark.parametrize("integers", [False, True])
def test_parquet(tmp_path: Path, integers: bool) -> None:
    pandas = pytest.importorskip("pandas", reason="the extra parquet is not installed")
    ids = [7, 8] if integers else ["a", "b"]
    with links_file(tmp_path / "a.parquet", integers=integers) as write:
        for probability in (0.5, 0.25):
            write(LinkRows(ids, [1, 1], ids[::-1], [probability] * 2))
    frame = pandas.read_parquet(tmp_path / "a.parquet")
    assert list(frame.columns) == list(COLUMNS)
    assert frame.source.tolist() == ids * 2
    assert frame.probability.tolist() == [0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_failure_leaves_nothing(tmp_path: Path, ending: str) -> None:
    def fail() -> None:
        with links_file(tmp_path / f"a.{ending}", integers=False) as write:
            write(LinkRows(["a"], [1], ["b"], [0.5]))
            raise KeyError("no")

    with pytest.raises(KeyError):
        fail()
    assert not list(tmp_path.iterdir())


def test_names(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match=r"\.csv, \.parquet"):
        check_links_name("links.json")
    monkeypatch.setitem(sys.modules, "pyarrow.parquet", None)
    with pytest.raises(MissingExtraError, match=r"\[parquet\]"):
        check_links_name("links.parquet")
