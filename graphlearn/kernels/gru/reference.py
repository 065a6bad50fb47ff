"""The merge as its definition reads: two calls of PyTorch's GRU cell. The oracle of the tests."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def gru_cell_reference(
    x: Tensor,
    hidden: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor,
    bias_hh: Tensor,
) -> Tensor:
    """PyTorch's :class:`torch.nn.GRUCell` written out; gates in its order: reset, update, new."""
    x_reset, x_update, x_new = functional.linear(x, weight_ih, bias_ih).chunk(3, dim=-1)
    h_reset, h_update, h_new = functional.linear(hidden, weight_hh, bias_hh).chunk(3, dim=-1)
    reset = torch.sigmoid(x_reset + h_reset)
    update = torch.sigmoid(x_update + h_update)
    new = torch.tanh(x_new + reset * h_new)
    return (1 - update) * new + update * hidden


def gru_merge_reference(
    pairs: Tensor, weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor, bias_hh: Tensor
) -> Tensor:
    """Mean of ``GRU(left, right)`` and ``GRU(right, left)``; pairs ``[P, 2, C]`` to ``[P, C]``."""
    left, right = pairs.unbind(dim=1)
    weights = (weight_ih, weight_hh, bias_ih, bias_hh)
    one, other = (
        gru_cell_reference(left, right, *weights),
        gru_cell_reference(right, left, *weights),
    )
    return (one + other) / 2
