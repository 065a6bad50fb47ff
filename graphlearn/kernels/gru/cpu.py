"""The merge on the CPU: blocks that stay in the cache, and compiled loops between the products.

What lies between the matrix products takes one pass each and no temporaries, where a chain of torch
operations takes fifteen. The gates of a block live no longer than the block: the backward pass
computes them anew, a third more multiply-adds in all, which takes about as long as to write 8 C
numbers a pair to memory and to read them back, and no memory.

The sigmoid is PyTorch's, whose vector code numba has no match for; ``tanh(a) = 2 sigmoid(2 a) - 1``
goes through it too, six times faster than PyTorch's ``tanh`` and equal to a rounding of 1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from numba import njit
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.kernels.gru.weights import MergeWeights

Array = NDArray[Any]
# Numbers in a block's gates and halves; in float32 1 MiB, and as much again in the backward pass.
_BLOCK_NUMBERS = 1 << 18
_FAST = {"contract", "nsz", "reassoc"}  # NaN and infinity keep their meaning


@njit(nogil=True, cache=True, fastmath=_FAST)
def _new_gate(gates: Array, halves: Array, out: Array) -> None:
    """``out = 2 (input half + reset * state half)`` for both orders: twice the new gate's argument.

    Shapes: gates ``[p, 4 C]``, halves ``[2 p, 2 C]``, out ``[p, 2 C]``.
    """
    channels = halves.shape[1] // 2
    for p in range(out.shape[0]):
        gate, of_left, of_right, row = gates[p], halves[2 * p], halves[2 * p + 1], out[p]
        for c in range(channels):
            row[c] = 2 * (of_left[c] + gate[c] * of_right[channels + c])
            row[channels + c] = 2 * (of_right[c] + gate[channels + c] * of_left[channels + c])


@njit(nogil=True, cache=True, fastmath=_FAST)
def _mean_of_orders(pairs: Array, gates: Array, doubled: Array, out: Array) -> None:
    """Mean over both orders of ``new + update (state - new)``, with ``new = 2 doubled - 1``.

    Shapes: pairs ``[2 p, C]``, gates ``[p, 4 C]``, doubled ``[p, 2 C]``, out ``[p, C]``.
    """
    channels = pairs.shape[1]
    half = out.dtype.type(0.5)
    for p in range(out.shape[0]):
        gate, row, left, right = gates[p], doubled[p], pairs[2 * p], pairs[2 * p + 1]
        target = out[p]
        for c in range(channels):
            one = 2 * row[c] - 1
            other = 2 * row[channels + c] - 1
            one += gate[2 * channels + c] * (right[c] - one)
            other += gate[3 * channels + c] * (left[c] - other)
            target[c] = half * (one + other)


@njit(nogil=True, cache=True, fastmath=_FAST)
def _through_gates(
    grad: Array,
    pairs: Array,
    gates: Array,
    halves: Array,
    doubled: Array,
    grad_gates: Array,
    grad_halves: Array,
    grad_pairs: Array,
) -> None:
    """Gradients of the gates' and the halves' arguments, and of the pairs past the gates.

    Shapes: grad ``[p, C]``, pairs and grad_pairs ``[2 p, C]``, gates and grad_gates ``[p, 4 C]``,
    halves and grad_halves ``[2 p, 2 C]``, doubled ``[p, 2 C]``.
    """
    channels = pairs.shape[1]
    half = grad.dtype.type(0.5)
    for p in range(grad.shape[0]):
        g, gate, row, d_gate = grad[p], gates[p], doubled[p], grad_gates[p]
        left, right = pairs[2 * p], pairs[2 * p + 1]
        of_left, of_right = halves[2 * p], halves[2 * p + 1]
        d_left, d_right = grad_halves[2 * p], grad_halves[2 * p + 1]
        past_left, past_right = grad_pairs[2 * p], grad_pairs[2 * p + 1]
        for c in range(channels):
            outer = half * g[c]
            # Order 1: input l, state r.
            reset, update, new = gate[c], gate[2 * channels + c], 2 * row[c] - 1
            kept = outer * update
            d_new = (outer - kept) * (1 - new * new)
            past_right[c] = kept
            d_gate[2 * channels + c] = kept * (1 - update) * (right[c] - new)
            d_left[c] = d_new
            scaled = d_new * reset
            d_right[channels + c] = scaled
            d_gate[c] = scaled * (1 - reset) * of_right[channels + c]
            # Order 2: input r, state l.
            reset, update = gate[channels + c], gate[3 * channels + c]
            new = 2 * row[channels + c] - 1
            kept = outer * update
            d_new = (outer - kept) * (1 - new * new)
            past_left[c] = kept
            d_gate[3 * channels + c] = kept * (1 - update) * (left[c] - new)
            d_right[c] = d_new
            scaled = d_new * reset
            d_left[channels + c] = scaled
            d_gate[channels + c] = scaled * (1 - reset) * of_left[channels + c]


class _Block:
    """Room for what one block computes, used by block after block."""

    def __init__(self, pairs: Tensor) -> None:
        size, _, channels = pairs.shape
        self.rows = max(1, min(size, max(16, _BLOCK_NUMBERS // (8 * channels))))
        self.flat = pairs.view(2 * size, channels)
        self.wide = pairs.view(size, 2 * channels)
        self._gates = pairs.new_empty(self.rows, 4 * channels)
        self._halves = pairs.new_empty(2 * self.rows, 2 * channels)
        self._doubled = pairs.new_empty(self.rows, 2 * channels)

    def bounds(self) -> Iterator[tuple[int, int]]:
        """First and last pair of every block."""
        size = self.wide.size(0)
        return ((begin, min(begin + self.rows, size)) for begin in range(0, size, self.rows))

    def compute(self, begin: int, end: int, weights: MergeWeights) -> tuple[Tensor, Tensor, Tensor]:
        """Gates ``[p, 4 C]``, halves ``[2 p, 2 C]``; of the new gate ``sigmoid(2 a) [p, 2 C]``."""
        size = end - begin
        gates, halves = self._gates[:size], self._halves[: 2 * size]
        doubled = self._doubled[:size]
        torch.addmm(weights.gates_bias, self.wide[begin:end], weights.gates, out=gates)
        torch.addmm(weights.halves_bias, self.flat[2 * begin : 2 * end], weights.halves, out=halves)
        gates.sigmoid_()
        _new_gate(gates.numpy(), halves.numpy(), doubled.numpy())
        return gates, halves, doubled.sigmoid_()


def forward(pairs: Tensor, weights: MergeWeights) -> Tensor:
    """Mean of both orders, ``[P, C]``."""
    block = _Block(pairs)
    out = pairs.new_empty(pairs.size(0), pairs.size(2))
    for begin, end in block.bounds():
        gates, _, doubled = block.compute(begin, end, weights)
        flat = block.flat[2 * begin : 2 * end].numpy()
        _mean_of_orders(flat, gates.numpy(), doubled.numpy(), out[begin:end].numpy())
    return out


def backward(grad: Tensor, pairs: Tensor, weights: MergeWeights) -> tuple[Tensor, MergeWeights]:
    """Gradients of the pairs and of the weights."""
    block = _Block(pairs)
    channels = pairs.size(2)
    grad_pairs = torch.empty_like(pairs)
    grad_flat, grad_wide = grad_pairs.view(-1, channels), grad_pairs.view(-1, 2 * channels)
    total = MergeWeights(*(torch.zeros_like(weight) for weight in weights))
    grad_gates = pairs.new_empty(block.rows, 4 * channels)
    grad_halves = pairs.new_empty(2 * block.rows, 2 * channels)
    for begin, end in block.bounds():
        of_gates, of_halves = grad_gates[: end - begin], grad_halves[: 2 * (end - begin)]
        flat, wide = block.flat[2 * begin : 2 * end], block.wide[begin:end]
        gates, halves, doubled = block.compute(begin, end, weights)
        _through_gates(
            grad[begin:end].numpy(),
            flat.numpy(),
            gates.numpy(),
            halves.numpy(),
            doubled.numpy(),
            of_gates.numpy(),
            of_halves.numpy(),
            grad_flat[2 * begin : 2 * end].numpy(),
        )
        grad_wide[begin:end].addmm_(of_gates, weights.gates.t())
        grad_flat[2 * begin : 2 * end].addmm_(of_halves, weights.halves.t())
        total.gates.addmm_(wide.t(), of_gates)
        total.halves.addmm_(flat.t(), of_halves)
        total.gates_bias.add_(of_gates.sum(dim=0))
        total.halves_bias.add_(of_halves.sum(dim=0))
    return grad_pairs, total
