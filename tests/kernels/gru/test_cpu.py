from __future__ import annotations

import pytest
import torch

from graphlearn.kernels.gru import cpu, gru_merge_reference
from graphlearn.kernels.gru.weights import MergeWeights, lay_out


def cell(channels: int, dtype: torch.dtype) -> list[torch.Tensor]:
    made = torch.nn.GRUCell(channels, channels, dtype=dtype)
    return [made.weight_ih, made.weight_hh, made.bias_ih, made.bias_hh]


@pytest.mark.parametrize("pairs", [0, 1, 15, 16, 17, 50])
def test_blocks_of_any_size_give_the_same(pairs, monkeypatch) -> None:
    monkeypatch.setattr(cpu, "_BLOCK_NUMBERS", 16 * 8 * 3)
    weights = cell(3, torch.float64)
    rows = torch.randn(pairs, 2, 3, dtype=torch.float64)
    out = cpu.forward(rows, lay_out(*(w.detach() for w in weights)))
    torch.testing.assert_close(out, gru_merge_reference(rows, *weights))


def test_gradients_add_up_over_blocks(monkeypatch) -> None:
    weights = lay_out(*(w.detach() for w in cell(3, torch.float64)))
    rows, grad = torch.randn(40, 2, 3).double(), torch.randn(40, 3).double()
    whole_pairs, whole = cpu.backward(grad, rows, weights)
    monkeypatch.setattr(cpu, "_BLOCK_NUMBERS", 16 * 8 * 3)
    pairs, total = cpu.backward(grad, rows, weights)
    torch.testing.assert_close(pairs, whole_pairs)
    assert isinstance(total, MergeWeights)
    for one, other in zip(total, whole, strict=True):
        torch.testing.assert_close(one, other)


def test_large_arguments_do_not_overflow() -> None:
    weights = [w.detach() * 1e4 for w in cell(4, torch.float32)]
    rows = torch.randn(20, 2, 4) * 100
    out = cpu.forward(rows, lay_out(*weights))
    assert out.isfinite().all()
    torch.testing.assert_close(out, gru_merge_reference(rows, *weights))
