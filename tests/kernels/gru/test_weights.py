from __future__ import annotations

import torch

from graphlearn.kernels.gru.weights import MergeWeights, gather_gradients, lay_out


def test_gathering_is_the_transpose_of_laying_out() -> None:
    cell = [torch.randn(12, 4), torch.randn(12, 4), torch.randn(12), torch.randn(12)]
    laid_out = lay_out(*cell)
    grads = MergeWeights(*(torch.randn_like(part) for part in laid_out))
    # <lay_out(w), g> = <w, gather(g)>, and lay_out is linear.
    one = sum((a * b).sum() for a, b in zip(laid_out, grads, strict=True))
    other = sum((a * b).sum() for a, b in zip(cell, gather_gradients(grads), strict=True))
    torch.testing.assert_close(one, other)


def test_a_missing_bias_is_zero() -> None:
    weights = [torch.randn(6, 2), torch.randn(6, 2)]
    zeros = [torch.zeros(6), torch.zeros(6)]
    for one, other in zip(lay_out(*weights, None, None), lay_out(*weights, *zeros), strict=True):
        assert torch.equal(one, other)
