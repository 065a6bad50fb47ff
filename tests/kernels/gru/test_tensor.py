from __future__ import annotations

import pytest
import torch

from graphlearn.kernels.gru import cpu, tensor
from graphlearn.kernels.gru.weights import lay_out


@pytest.mark.parametrize("pairs", [0, 1, 33])
def test_both_paths_give_the_same(pairs) -> None:
    made = torch.nn.GRUCell(5, 5, dtype=torch.float64)
    weights = lay_out(
        *(w.detach() for w in (made.weight_ih, made.weight_hh, made.bias_ih, made.bias_hh))
    )
    rows, grad = torch.randn(pairs, 2, 5).double(), torch.randn(pairs, 5).double()
    torch.testing.assert_close(tensor.forward(rows, weights), cpu.forward(rows, weights))
    ours, others = tensor.backward(grad, rows, weights), cpu.backward(grad, rows, weights)
    torch.testing.assert_close(ours[0], others[0])
    for one, other in zip(ours[1], others[1], strict=True):
        torch.testing.assert_close(one, other)
