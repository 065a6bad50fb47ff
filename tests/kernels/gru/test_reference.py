from __future__ import annotations

import torch

from graphlearn.kernels.gru.reference import gru_cell_reference, gru_merge_reference


def test_the_cell_is_torchs() -> None:
    made = torch.nn.GRUCell(5, 5)
    weights = (made.weight_ih, made.weight_hh, made.bias_ih, made.bias_hh)
    x, hidden = torch.randn(7, 5), torch.randn(7, 5)
    torch.testing.assert_close(gru_cell_reference(x, hidden, *weights), made(x, hidden))


def test_the_merge_is_the_mean_of_both_orders() -> None:
    made = torch.nn.GRUCell(5, 5)
    weights = (made.weight_ih, made.weight_hh, made.bias_ih, made.bias_hh)
    left, right = torch.randn(7, 5), torch.randn(7, 5)
    both = (made(left, right) + made(right, left)) / 2
    merged = gru_merge_reference(torch.stack([left, right], dim=1), *weights)
    torch.testing.assert_close(merged, both)
