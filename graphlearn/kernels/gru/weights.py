"""A GRU cell's weights laid out for the merge's two matrix products.

Of a pair (l, r) both orders are wanted: order 1 is ``GRU(l, r)``, with l its input and r its
state, order 2 is ``GRU(r, l)``. Their reset and update gates read l and r alike, so one product
``[l r] W`` with the weights of both orders side by side gives all four gates already summed: 4 C
numbers a pair where two cells write 8 C and add them. The new gate needs its two halves apart,
since the reset gate stands between them: l and r each times ``[W_in W_hn]``. In all 12 C^2
multiply-adds a pair, as two cells take, and 8 C numbers.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class MergeWeights(NamedTuple):
    """What :func:`lay_out` makes of a cell, or gradients in the same layout.

    Args:
        gates: ``[2 C, 4 C]``; columns: reset of order 1, of order 2, update of order 1, of order 2.
        gates_bias: ``[4 C]``.
        halves: ``[C, 2 C]``; columns: input half and state half of the new gate.
        halves_bias: ``[2 C]``.
    """

    gates: Tensor
    gates_bias: Tensor
    halves: Tensor
    halves_bias: Tensor


def lay_out(
    weight_ih: Tensor, weight_hh: Tensor, bias_ih: Tensor | None, bias_hh: Tensor | None
) -> MergeWeights:
    """Arrange a cell's weights; O(C^2), nothing beside the products."""
    channels = weight_ih.size(1)
    blocks_ih = weight_ih.view(3, channels, channels)
    blocks_hh = weight_hh.view(3, channels, channels)
    # [l or r, input channel, gate (reset, update), order, output channel]
    gates = weight_ih.new_empty(2, channels, 2, 2, channels)
    for gate in (0, 1):
        as_input, as_state = blocks_ih[gate].t(), blocks_hh[gate].t()
        gates[0, :, gate, 0], gates[1, :, gate, 0] = as_input, as_state
        gates[0, :, gate, 1], gates[1, :, gate, 1] = as_state, as_input
    zero = weight_ih.new_zeros(3 * channels)
    bias_i = zero if bias_ih is None else bias_ih
    bias_h = zero if bias_hh is None else bias_hh
    both = (bias_i + bias_h)[: 2 * channels].view(2, 1, channels)
    return MergeWeights(
        gates.view(2 * channels, 4 * channels),
        both.expand(2, 2, channels).reshape(-1),
        torch.cat([blocks_ih[2].t(), blocks_hh[2].t()], dim=1),
        torch.cat([bias_i[2 * channels :], bias_h[2 * channels :]]),
    )


def gather_gradients(grad: MergeWeights) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Undo :func:`lay_out` for gradients; a weight that stands in two places gets their sum.

    Returns:
        Gradients of ``weight_ih``, ``weight_hh``, ``bias_ih`` and ``bias_hh``.
    """
    channels = grad.halves.size(0)
    gates = grad.gates.view(2, channels, 2, 2, channels)
    weight_ih = grad.halves.new_empty(3, channels, channels)
    weight_hh = torch.empty_like(weight_ih)
    for gate in (0, 1):
        weight_ih[gate] = (gates[0, :, gate, 0] + gates[1, :, gate, 1]).t()
        weight_hh[gate] = (gates[1, :, gate, 0] + gates[0, :, gate, 1]).t()
    weight_ih[2] = grad.halves[:, :channels].t()
    weight_hh[2] = grad.halves[:, channels:].t()
    both = grad.gates_bias.view(2, 2, channels).sum(dim=1).view(-1)
    bias_ih = torch.cat([both, grad.halves_bias[:channels]])
    bias_hh = torch.cat([both, grad.halves_bias[channels:]])
    return weight_ih.view(-1, channels), weight_hh.view(-1, channels), bias_ih, bias_hh
