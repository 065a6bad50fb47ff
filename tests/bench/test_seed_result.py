from __future__ import annotations

import dataclasses
import json

import pytest

from graphlearn.bench.seed_result import SeedResult
from graphlearn.errors import InputError, InputTypeError

ROW = SeedResult(
    "ncn", "cora", 3, "ab", "cd", "ncn-planetoid", {"auc": 0.7}, {"auc": 0.6}, {"auc": 9}, 10, 1.5,
    "2026-01-01T00:00:00+00:00", {"graphlearn": "0.1.0"},
)  # fmt: skip


def test_json_form_is_exact() -> None:
    assert SeedResult.from_mapping(json.loads(json.dumps(ROW.to_mapping()))) == ROW


def test_a_later_version_may_add_keys() -> None:
    assert SeedResult.from_mapping({**ROW.to_mapping(), "memory": 3}) == ROW


def test_a_missing_key_is_named() -> None:
    mapping = ROW.to_mapping()
    del mapping["seed"]
    with pytest.raises(InputError, match="row 3: a result lacks 'seed'"):
        SeedResult.from_mapping(mapping, where="row 3")


def test_a_wrong_type_is_named() -> None:
    with pytest.raises(InputTypeError, match="test is"):
        SeedResult.from_mapping({**ROW.to_mapping(), "test": 0.7})


def test_key() -> None:
    assert ROW.key == ("ab", "cd", 3, "0.1.0")


def test_a_row_of_a_sweep_is_named_by_its_settings() -> None:
    row = dataclasses.replace(ROW, swept={"train.fan_out": [15, 10]})
    assert row.shown_name == "ncn (fan_out=[15,10])"
    assert SeedResult.from_mapping(json.loads(json.dumps(row.to_mapping()))) == row
    assert row.key == ROW.key
    assert "swept" not in ROW.to_mapping()
