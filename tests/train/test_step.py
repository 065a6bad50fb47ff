from __future__ import annotations

import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel

from graphlearn.train import LoopConfig
from graphlearn.train.step import take_step


def weight_after(config: LoopConfig, *, average: AveragedModel | None = None) -> float:
    layer = nn.Linear(2, 1, bias=False)
    nn.init.zeros_(layer.weight)
    optimizer = torch.optim.SGD(layer.parameters(), lr=1.0)
    loss = layer(torch.tensor([[3.0, 4.0]])).sum()
    take_step(layer, loss, optimizer, config, average)
    return layer.weight.norm().item()


def test_the_whole_gradient_is_clipped_to_its_norm() -> None:
    assert weight_after(LoopConfig()) == 5.0
    assert abs(weight_after(LoopConfig(clip_gradient_norm=2.0)) - 2.0) < 1e-5


def test_old_gradients_do_not_count_and_the_average_takes_the_new_weights() -> None:
    layer = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(layer.weight)
    layer.weight.grad = torch.full((1, 1), 100.0)
    average = AveragedModel(layer)
    take_step(layer, layer(torch.ones(1, 1)).sum(), torch.optim.SGD(layer.parameters(), lr=1.0),
              LoopConfig(), average)  # fmt: skip
    assert layer.weight.item() == -1.0
    assert average.module.weight.item() == -1.0
