from __future__ import annotations

import pytest
import torch

from graphlearn.errors import DivergedError
from graphlearn.train import losses as module
from graphlearn.train.losses import EpochLosses, widened


def collected(*values: float) -> EpochLosses:
    losses = EpochLosses(torch.device("cpu"), epoch=3, seed=7, batches=5)
    for value in values:
        losses.add(torch.tensor(value))
    return losses


@pytest.mark.parametrize("every", [1, 2, 64])
def test_the_mean_does_not_depend_on_when_one_looks(every, monkeypatch) -> None:
    monkeypatch.setitem(module.CHECK_EVERY, "cpu", every)
    assert collected(1.0, 2.0, 6.0).mean() == 3.0


def test_the_first_that_is_not_finite_is_named() -> None:
    with pytest.raises(DivergedError, match="loss is inf in epoch 3, batch 2 of 5, seed 7"):
        collected(1.0, torch.inf, torch.nan)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_only_half_precision_is_widened(dtype: torch.dtype) -> None:
    assert widened(torch.ones(2, dtype=dtype)).dtype == torch.float32
    for other in (torch.ones(2), torch.ones(2, dtype=torch.float64)):
        assert widened(other) is other
