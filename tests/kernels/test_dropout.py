from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.kernels.dropout import _BLOCK, hashed_dropout

SEVERAL_BLOCKS = 4 * _BLOCK + 77


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("probability", [0.05, 0.5, 0.9])
def test_entries_are_dropped_or_scaled(dtype: torch.dtype, probability: float) -> None:
    x = torch.randn(SEVERAL_BLOCKS, dtype=dtype, generator=torch.Generator().manual_seed(0))
    out = hashed_dropout(x, probability, seed=11)
    assert out.dtype == dtype
    kept = out != 0
    torch.testing.assert_close(out[kept], x[kept] / (1 - probability))
    # Five standard deviations of a binomial share, in every block as in all.
    for part in (kept, *kept.split(_BLOCK)[:-1]):
        spread = (probability * (1 - probability) / part.numel()) ** 0.5
        assert abs(float((~part).double().mean()) - probability) < 5 * spread


def test_the_mean_is_kept_over_seeds() -> None:
    total = sum(hashed_dropout(torch.ones(64), 0.3, seed) for seed in range(4000))
    torch.testing.assert_close(total / 4000, torch.ones(64), atol=0.06, rtol=0)


def test_seeds_and_places_give_unrelated_masks() -> None:
    ones = torch.ones(2 * _BLOCK, dtype=torch.float64)
    masks = torch.stack([hashed_dropout(ones, 0.5, seed) for seed in (0, 1, 2, 2**40, 2**62)])
    masks = torch.cat([masks, masks[:1].roll(1, dims=1), masks[:1].roll(_BLOCK, dims=1)])
    correlation = torch.corrcoef(masks) - torch.eye(len(masks), dtype=torch.float64)
    assert float(correlation.abs().max()) < 5 / ones.numel() ** 0.5


def test_same_seed_same_mask_in_both_widths() -> None:
    narrow = hashed_dropout(torch.ones(1000), 0.4, seed=5)
    assert torch.equal(narrow, hashed_dropout(torch.ones(1000), 0.4, seed=5))
    wide = hashed_dropout(torch.ones(1000, dtype=torch.float64), 0.4, seed=5)
    assert torch.equal(narrow != 0, wide != 0)
    assert not torch.equal(narrow, hashed_dropout(torch.ones(1000), 0.4, seed=6))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_has_the_mask_of_float32_and_is_rounded_once(dtype: torch.dtype) -> None:
    x = torch.randn(3, _BLOCK, generator=torch.Generator().manual_seed(3)).to(dtype)
    x[0, :3] = torch.tensor([float("nan"), float("inf"), -0.0])
    x.requires_grad_()
    out = hashed_dropout(x, 0.3, seed=5)
    assert out.dtype == dtype
    wide = hashed_dropout(x.detach().float(), 0.3, seed=5)
    torch.testing.assert_close(out, wide.to(dtype), rtol=0, atol=0, equal_nan=True)
    grad = torch.randn(x.shape, generator=torch.Generator().manual_seed(4)).to(dtype)
    out.backward(grad)
    assert torch.equal(x.grad, hashed_dropout(grad, 0.3, seed=5))


def test_backward_mask_is_the_forward_mask() -> None:
    x = torch.randn(3, _BLOCK, generator=torch.Generator().manual_seed(1), requires_grad=True)
    out = hashed_dropout(x, 0.6, seed=9)
    grad = torch.randn(x.shape, generator=torch.Generator().manual_seed(2))
    out.backward(grad)
    scale = hashed_dropout(torch.ones_like(x), 0.6, seed=9)
    assert torch.equal(x.grad, grad * scale)
    assert torch.equal(out.detach(), x.detach() * scale)


def test_gradcheck() -> None:
    x = torch.randn(5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda t: hashed_dropout(t, 0.4, seed=3), (x,))
    # A gradient that is not contiguous, and an input that is not.
    assert torch.autograd.gradcheck(lambda t: hashed_dropout(t.t(), 0.4, seed=3).t(), (x,))


def test_layout_does_not_change_the_mask() -> None:
    x = torch.rand(30, 40) + 1
    assert torch.equal(hashed_dropout(x.t(), 0.5, 1), hashed_dropout(x.t().contiguous(), 0.5, 1))


def test_same_for_every_thread_count(one_and_two_threads: Callable[..., list[object]]) -> None:
    x = torch.randn(SEVERAL_BLOCKS)
    one, two = one_and_two_threads(lambda: hashed_dropout(x, 0.3, seed=4))
    assert torch.equal(one, two)


def test_nothing_to_do_returns_the_input() -> None:
    x, empty = torch.ones(3), torch.ones(0, 4)
    assert hashed_dropout(x, 0.0, seed=1) is x
    assert hashed_dropout(empty, 0.5, seed=1) is empty


def test_the_input_is_left_alone() -> None:
    x = torch.ones(1000)
    hashed_dropout(x, 0.5, seed=1)
    assert torch.equal(x, torch.ones(1000))


@pytest.mark.parametrize("probability", [-0.01, 1.0, 1.5, float("nan")])
def test_bad_probability(probability: float) -> None:
    message = f"probability is {probability}: expected a number in [0, 1)"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        hashed_dropout(torch.ones(3), probability, seed=0)


@pytest.mark.parametrize(
    ("x", "given"),
    [
        (torch.ones(3, dtype=torch.bool), "torch.bool on cpu"),
        (torch.ones(3, dtype=torch.int64), "torch.int64 on cpu"),
        (torch.ones(3, device="meta"), "torch.float32 on meta"),
    ],
)
def test_bad_input(x: torch.Tensor, given: str) -> None:
    message = (
        f"x is {given}: expected a floating-point tensor on the CPU; "
        "use torch.nn.functional.dropout elsewhere"
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        hashed_dropout(x, 0.5, seed=0)
