"""The merge in plain torch operations, for any device and dtype: all pairs at once."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels.gru.weights import MergeWeights


def _gates(pairs: Tensor, weights: MergeWeights) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Reset, update and new gate ``[P, order, C]``, and the state halves ``[P, l or r, C]``."""
    size, _, channels = pairs.shape
    gates = torch.addmm(
        weights.gates_bias, pairs.view(size, 2 * channels), weights.gates
    ).sigmoid_()
    halves = torch.addmm(weights.halves_bias, pairs.view(2 * size, channels), weights.halves)
    reset, update = gates.view(size, 2, 2, channels).unbind(dim=1)
    inputs, states = halves.view(size, 2, 2, channels).unbind(dim=2)
    new = torch.addcmul(inputs, reset, states.flip(1)).tanh_()
    return reset, update, new, states


def forward(pairs: Tensor, weights: MergeWeights) -> Tensor:
    """Mean of both orders, ``[P, C]``."""
    _, update, new, _ = _gates(pairs, weights)
    return torch.lerp(new, pairs.flip(1), update).mean(dim=1)


def backward(grad: Tensor, pairs: Tensor, weights: MergeWeights) -> tuple[Tensor, MergeWeights]:
    """Gradients of the pairs and of the weights; the gates are computed anew, not stored."""
    size, _, channels = pairs.shape
    reset, update, new, states = _gates(pairs, weights)
    outer = (grad * 0.5).unsqueeze(1)
    kept = outer * update
    grad_new = (outer - kept) * (1 - new * new)
    scaled = grad_new * reset
    grad_reset = scaled * (1 - reset) * states.flip(1)
    grad_update = kept * (1 - update) * (pairs.flip(1) - new)
    grad_gates = torch.stack([grad_reset, grad_update], dim=1).view(size, 4 * channels)
    grad_halves = torch.stack([grad_new, scaled.flip(1)], dim=2).view(2 * size, 2 * channels)
    rows = pairs.view(2 * size, channels)
    grad_pairs = kept.flip(1).contiguous()
    grad_pairs.view(size, 2 * channels).addmm_(grad_gates, weights.gates.t())
    grad_pairs.view(2 * size, channels).addmm_(grad_halves, weights.halves.t())
    return grad_pairs, MergeWeights(
        pairs.view(size, 2 * channels).t() @ grad_gates,
        grad_gates.sum(dim=0),
        rows.t() @ grad_halves,
        grad_halves.sum(dim=0),
    )
