from __future__ import annotations

import pytest

from graphlearn.bench.labels import shown_name, shown_setting


@pytest.mark.parametrize(
    ("values", "among", "shown"),
    [
        ({}, [], "a"),
        ({"train.epochs": 5}, [], "a (epochs=5)"),
        ({"encoder.dropout": 0.1, "predictor.dropout": 0.2}, [],
         "a (encoder.dropout=0.1, predictor.dropout=0.2)"),
        ({"encoder.dropout": 0.1}, ["predictor.dropout"], "a (encoder.dropout=0.1)"),
        ({"encoder.dropout": 0.1}, ["encoder.dropout"], "a (dropout=0.1)"),
        ({"encoder.name": "gcn"}, [], "a (encoder.name=gcn)"),
        ({"train.fan_out": [15, 10], "train.patience": None}, [],
         "a (fan_out=[15,10], patience=null)"),
    ],
)  # fmt: skip
def test_names_are_as_short_as_they_can_be(values, among, shown) -> None:
    assert shown_name("a", values, among) == shown


def test_values_that_differ_are_shown_differently() -> None:
    values = [0.1, 0.1 + 1e-17, 0.10000000000000002, 1, True, "x", None, [1], {"name": "lcm"}]
    assert len({shown_setting(value) for value in values}) == len(values) - 1
