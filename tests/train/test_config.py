from __future__ import annotations

from dataclasses import FrozenInstanceError, fields
from typing import Any

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.train import GraphTrainConfig, LoopConfig, SampledTrainConfig, TrainConfig


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0),
        ("batch_size", -1),
        ("negatives_per_positive", 0),
        ("patience", 0),
        ("evaluate_every", 0),
        ("evaluation_batch_size", 0),
        ("encoder_learning_rate", -1e-3),
        ("predictor_learning_rate", float("nan")),
        ("weight_decay", float("inf")),
        ("clip_gradient_norm", 0.0),
        ("checkpoint_seconds", -1),
        ("weight_averaging", 0.0),
        ("weight_averaging", 1.0),
    ],
)
def test_a_value_out_of_range_is_named(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=f"{name} is {value}: expected"):
        TrainConfig(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 1.5),
        ("epochs", True),
        ("epochs", None),
        ("patience", "3"),
        ("encoder_learning_rate", "0.1"),
        ("weight_decay", True),
        ("remove_targets", 1),
        ("device", torch.device("cpu")),
        ("dtype", torch.float32),
        ("autocast", torch.bfloat16),
    ],
)
def test_a_value_of_a_wrong_type_is_named(name: str, value: Any) -> None:
    with pytest.raises(InputTypeError, match=f"{name} is "):
        TrainConfig(**{name: value})


def test_an_unknown_dtype_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'float32'"):
        TrainConfig(dtype="flaot32")


@pytest.mark.parametrize("name", ["bfloat", "float16", "float32"])
def test_another_autocast_dtype_is_refused_with_the_known_one(name: str) -> None:
    with pytest.raises(InputError, match=f"^autocast is '{name}': expected bfloat16, or None"):
        TrainConfig(autocast=name)


def test_autocast_wants_weights_of_float32() -> None:
    with pytest.raises(InputError, match="autocast is bfloat16 with dtype float64"):
        TrainConfig(autocast="bfloat16", dtype="float64")


@pytest.mark.parametrize(("autocast", "dtype"), [(None, "float32"), ("bfloat16", "bfloat16")])
def test_a_training_step_multiplies_in_the_autocast_dtype(autocast: Any, dtype: str) -> None:
    ones = torch.ones(2, 2)
    with LoopConfig(autocast=autocast).training_precision():
        assert (ones @ ones).dtype == getattr(torch, dtype)
    assert (ones @ ones).dtype == torch.float32


@pytest.mark.parametrize("device", ["gpu", "meta", "cuda:99", ""])
def test_a_device_that_is_not_there_is_named(device: str) -> None:
    config = TrainConfig(device=device)  # a recipe can be read on another machine than it runs on
    with pytest.raises(InputError, match=f"device is '{device}'.*pass device="):
        config.torch_device()


def test_options_may_be_absent_and_the_rest_is_frozen() -> None:
    config = TrainConfig(patience=None, clip_gradient_norm=None, weight_decay=0, dtype="float64")
    assert config.torch_dtype() is torch.float64
    assert config.torch_device() == torch.device("cpu")
    with pytest.raises(FrozenInstanceError):
        config.epochs = 3  # type: ignore[misc]


def test_every_loop_has_the_common_settings() -> None:
    common = {field.name for field in fields(LoopConfig)}
    for config in (TrainConfig, GraphTrainConfig):
        assert common < {field.name for field in fields(config)}
        with pytest.raises(InputError, match="epochs is 0"):
            config(epochs=0)


def test_an_unknown_schedule_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'cosine'"):
        GraphTrainConfig(schedule="cosin")  # type: ignore[arg-type]
    with pytest.raises(InputTypeError, match="schedule is 3"):
        GraphTrainConfig(schedule=3)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "error"),
    [([], InputError), ([0], InputError), ([5, -2], InputError), (5, InputTypeError),
     ([2.5], InputTypeError), ([True], InputTypeError), ("5", InputTypeError)],
)  # fmt: skip
def test_fan_outs_are_counts_a_hop(given, error) -> None:
    with pytest.raises(error, match="expected one or more integers >= 1, or -1 for all"):
        SampledTrainConfig(fan_out=given)
    with pytest.raises(error, match="evaluation_fan_out is"):
        SampledTrainConfig(fan_out=(5,), evaluation_fan_out=given)
    assert SampledTrainConfig(fan_out=(5, -1)).evaluation_fan_out is None
