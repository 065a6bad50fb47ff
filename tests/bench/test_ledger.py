from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from graphlearn.bench.ledger import Ledger
from graphlearn.bench.seed_result import SeedResult
from graphlearn.errors import DataNotFoundError, InputError, OutputError

ROW = SeedResult("ncn", "cora", 0, "ab", "cd", "ncn-planetoid", {"auc": 0.7})
OTHER = dataclasses.replace(ROW, seed=1, test={"auc": 0.8})


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "deep" / "ledger.jsonl")


def test_rows_come_back_in_order(ledger: Ledger) -> None:
    ledger.append(ROW)
    ledger.append(OTHER)
    assert ledger.rows() == [ROW, OTHER]


def test_lines_are_only_added(ledger: Ledger) -> None:
    ledger.append(ROW)
    before = ledger.path.read_bytes()
    ledger.append(OTHER)
    assert ledger.path.read_bytes().startswith(before)


@pytest.mark.parametrize("kept", [1, 20, -1])
def test_a_torn_last_line_is_passed_over_and_mended(ledger: Ledger, kept: int) -> None:
    ledger.append(ROW)
    ledger.append(OTHER)
    lines = ledger.path.read_bytes().splitlines(keepends=True)
    torn = lines[1].rstrip(b"\n")[:kept]
    ledger.path.write_bytes(lines[0] + torn)
    assert ledger.rows() == [ROW]
    ledger.append(OTHER)
    assert ledger.rows() == [ROW, OTHER]


def test_the_first_of_equal_keys_counts(ledger: Ledger) -> None:
    ledger.append(ROW)
    ledger.append(dataclasses.replace(ROW, test={"auc": 0.1}))
    assert ledger.rows() == [ROW]


def test_finished(ledger: Ledger) -> None:
    ledger.append(ROW)
    ledger.append(OTHER)
    assert ledger.finished([OTHER.key]) == [OTHER]


def test_missing(ledger: Ledger) -> None:
    assert ledger.rows() == []
    with pytest.raises(DataNotFoundError, match="no ledger"):
        ledger.rows(must_exist=True)


def test_a_foreign_line_is_refused_with_its_number(ledger: Ledger) -> None:
    ledger.append(ROW)
    with ledger.path.open("a") as file:
        file.write('{"a": 1}\n')
    with pytest.raises(InputError, match="row 2: a result lacks"):
        ledger.rows()


def test_unwritable(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        Ledger(tmp_path / "file" / "ledger.jsonl").append(ROW)
