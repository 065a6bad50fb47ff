from __future__ import annotations

import json
from dataclasses import FrozenInstanceError, asdict, fields
from typing import Any

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.pipeline.config import NodeTrainConfig

COUNTS = ("epochs", "patience", "evaluate_every", "checkpoint_every", "chunks", "refresh")
NUMBERS = ("learning_rate", "weight_decay", "ends_weight_decay", "gamma")
FLAGS = ("normalize_features", "shuffle", "recompute")
CHOICES = ("schedule", "select_by", "normalization", "dtype")
MAY_BE_NONE = ("patience", "ends_weight_decay", "select_by", "normalization")


def test_every_setting_is_met_here() -> None:
    names = {field.name for field in fields(NodeTrainConfig)}
    assert names == {*COUNTS, *NUMBERS, *FLAGS, *CHOICES, "device", "divergence_factor"}


def test_defaults() -> None:
    assert asdict(NodeTrainConfig()) == {
        "epochs": 1000,
        "learning_rate": 0.01,
        "weight_decay": 0.0,
        "ends_weight_decay": None,
        "schedule": "constant",
        "patience": None,
        "select_by": None,
        "evaluate_every": 1,
        "normalize_features": False,
        "chunks": 1,
        "normalization": None,
        "gamma": 2.0,
        "refresh": 1,
        "shuffle": True,
        "recompute": False,
        "divergence_factor": 5.0,
        "checkpoint_every": 25,
        "device": "cpu",
        "dtype": "float32",
    }


@pytest.mark.parametrize("factor", [1.0, 0, -3.0, float("nan")])
def test_a_divergence_factor_is_above_one_or_none(factor: float) -> None:
    with pytest.raises(InputError, match="divergence_factor is "):
        NodeTrainConfig(divergence_factor=factor)
    assert NodeTrainConfig(divergence_factor=None).divergence_factor is None


@pytest.mark.parametrize("name", COUNTS)
@pytest.mark.parametrize("value", [0, -1])
def test_a_count_below_one_is_refused(name: str, value: int) -> None:
    with pytest.raises(InputError, match=f"{name} is {value}: expected an integer >= 1"):
        NodeTrainConfig(**{name: value})


@pytest.mark.parametrize("name", NUMBERS)
@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf")])
def test_a_number_that_is_negative_or_not_finite_is_refused(name: str, value: float) -> None:
    with pytest.raises(InputError, match=f"{name} is {value}: expected a finite number"):
        NodeTrainConfig(**{name: value})


@pytest.mark.parametrize(
    ("names", "values"),
    [
        (COUNTS, [1.5, True, "3", [1]]),
        (NUMBERS, ["0.1", True, [0.1]]),
        (FLAGS, [1, 0, "no", None]),
        (CHOICES, [1, True, 0.5]),
        (("device",), [None, 0, torch.device("cpu")]),
        (("dtype",), [torch.float32]),
        ({*COUNTS, *NUMBERS, *FLAGS, *CHOICES, "device"} - {*MAY_BE_NONE}, [None]),
    ],
)
def test_a_value_of_a_wrong_type_is_refused(names: Any, values: list[Any]) -> None:
    for name in names:
        for value in values:
            with pytest.raises(InputTypeError, match=f"{name} is "):
                NodeTrainConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value", "known", "nearest"),
    [
        ("schedule", "cosin", "constant, cosine", "cosine"),
        ("select_by", "crossentropy", "accuracy, cross-entropy", "cross-entropy"),
        ("normalization", "GCNs", "gcn, mean, sum", "gcn"),
        ("dtype", "flaot64", "float32, float64", "float64"),
    ],
)
def test_an_unknown_name_offers_the_nearest(name, value, known, nearest) -> None:
    with pytest.raises(
        UnknownNameError,
        match=f"unknown {name} '{value}': expected one of {known}.*did you mean '{nearest}'",
    ):
        NodeTrainConfig(**{name: value})


@pytest.mark.parametrize("name", MAY_BE_NONE)
def test_some_may_be_none(name: str) -> None:
    assert getattr(NodeTrainConfig(**{name: None}), name) is None


@pytest.mark.parametrize("name", [*COUNTS, *NUMBERS, *FLAGS, *CHOICES, "device"])
def test_it_is_frozen(name: str) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(NodeTrainConfig(), name, 1)


def test_settings_go_by_name_alone() -> None:
    with pytest.raises(TypeError):
        NodeTrainConfig(100)  # type: ignore[misc]


def test_numbers_of_numpy_become_plain_ones_that_json_can_hold() -> None:
    given = {name: np.int64(3) for name in COUNTS} | {name: np.float32(0.5) for name in NUMBERS}
    found = NodeTrainConfig(**given)
    plain = dict.fromkeys(COUNTS, 3) | dict.fromkeys(NUMBERS, 0.5)
    assert found == NodeTrainConfig(**plain)
    assert json.loads(json.dumps(asdict(found))) == asdict(found)


@pytest.mark.parametrize(("name", "dtype"), [("float32", torch.float32), ("float64", torch.double)])
def test_the_dtype_is_torchs(name: str, dtype: torch.dtype) -> None:
    assert NodeTrainConfig(dtype=name).torch_dtype() is dtype


@pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99", ""])
def test_a_device_that_is_not_there_is_named_when_it_is_wanted(device: str) -> None:
    config = NodeTrainConfig(device=device)  # a recipe is read on other machines than it runs on
    with pytest.raises(InputError, match=f"device is '{device}'"):
        config.torch_device()
    assert NodeTrainConfig().torch_device() == torch.device("cpu")
