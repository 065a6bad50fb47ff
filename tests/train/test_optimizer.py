from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from graphlearn.errors import CheckpointError, InputError, InputTypeError
from graphlearn.train import TrainConfig
from graphlearn.train.optimizer import (
    load_optimizer_tensors,
    make_optimizer,
    optimizer_tensors,
    trainable_parameters,
)


def backward(model: nn.Module) -> None:
    sum(p.square().sum() for p in trainable_parameters(model).values()).backward()


def test_encoder_and_predictor_have_their_own_rates(make_model: Callable[..., Any]) -> None:
    model = make_model()
    config = TrainConfig(encoder_learning_rate=0.1, predictor_learning_rate=0.2, weight_decay=0.3)
    optimizer = make_optimizer(model, config)
    groups = [(g["lr"], g["weight_decay"], g["fused"]) for g in optimizer.param_groups]
    assert groups == [(0.1, 0.3, True), (0.2, 0.3, True)]
    found = {id(p) for p in optimizer.param_groups[1]["params"]}
    assert found == {id(p) for p in model.predictor.parameters()}


def test_frozen_parameters_stay_out(make_model: Callable[..., Any]) -> None:
    model = make_model()
    model.encoder.requires_grad_(False)
    optimizer = make_optimizer(model, TrainConfig())
    assert len(optimizer.param_groups) == 1
    model.requires_grad_(False)
    with pytest.raises(InputError, match="nothing to train.*evaluate_links"):
        make_optimizer(model, TrainConfig())


def test_a_model_without_parts_is_refused() -> None:
    with pytest.raises(InputTypeError, match=r"Linear.*encode\(x, graph\)"):
        make_optimizer(nn.Linear(1, 1), TrainConfig())


def test_state_moves_to_a_new_optimizer_bit_for_bit(make_model: Callable[..., Any]) -> None:
    model, twin = make_model(), make_model()
    optimizer = make_optimizer(model, TrainConfig())
    for _ in range(3):
        optimizer.zero_grad()
        backward(model)
        optimizer.step()
    twin.load_state_dict(model.state_dict())
    other = make_optimizer(twin, TrainConfig())
    tensors = optimizer_tensors(model, optimizer)
    load_optimizer_tensors(twin, other, tensors)
    copied = optimizer_tensors(twin, other)
    assert list(copied) == list(tensors)
    assert all(copied[k].data_ptr() != tensors[k].data_ptr() for k in tensors)
    for some_model, some_optimizer in ((model, optimizer), (twin, other)):
        some_optimizer.zero_grad()
        backward(some_model)
        some_optimizer.step()
    for name, value in model.state_dict().items():
        assert torch.equal(value, twin.state_dict()[name]), name


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("exp_avg.nowhere", torch.zeros(1), "belongs to no parameter"),
        ("exp_avg.encoder.weight", torch.zeros(1), "has shape"),
        ("step.encoder.weight", torch.zeros(1), "has shape"),
    ],
)
def test_a_foreign_state_is_refused(
    make_model: Callable[..., Any], name: str, value: torch.Tensor, message: str
) -> None:
    model = make_model()
    with pytest.raises(CheckpointError, match=message):
        load_optimizer_tensors(model, make_optimizer(model, TrainConfig()), {name: value})
