from __future__ import annotations

import torch
from torch import nn

from graphlearn.nn.reset import reset


class Counting(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(2, 2)
        self.resets = 0

    def reset_parameters(self) -> None:
        self.resets += 1


def test_goes_down_to_the_first_part_that_can_reset_itself() -> None:
    counting = Counting()
    module = nn.ModuleList([nn.Sequential(nn.ReLU(), counting), nn.ModuleDict({"a": counting})])
    inner = counting.inner.weight.clone()
    reset(module)
    assert counting.resets == 2  # once for each place it stands in
    assert torch.equal(counting.inner.weight, inner)  # its own business


def test_the_module_itself_is_not_asked() -> None:
    counting = Counting()
    before = counting.inner.weight.clone()
    reset(counting)  # so that its own reset_parameters may call this
    assert counting.resets == 0
    assert not torch.equal(counting.inner.weight, before)


def test_nothing_to_reset() -> None:
    reset(nn.ReLU())
    reset(nn.Sequential(nn.Identity(), nn.Dropout()))
