from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import gru
from graphlearn.kernels.gru import gru_merge, gru_merge_reference, tensor


def draw(pairs: int, channels: int, dtype: torch.dtype = torch.float64) -> list[Tensor]:
    """Pairs of rows and a cell's weights."""
    torch.manual_seed(0)
    made = torch.nn.GRUCell(channels, channels, dtype=dtype)
    weights = [made.weight_ih, made.weight_hh, made.bias_ih, made.bias_hh]
    rows = torch.randn(pairs, 2, channels, dtype=dtype)
    return [rows.requires_grad_(), *(w.detach().clone().requires_grad_() for w in weights)]


@pytest.fixture(params=["compiled", "tensor"])
def path(request, monkeypatch) -> str:
    """Both ways to compute: what other devices run is tested on the CPU too."""
    if request.param == "tensor":
        monkeypatch.setattr(gru, "_path", lambda pairs: tensor)
    return request.param


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("pairs", "channels"), [(0, 4), (1, 1), (40, 3), (700, 64)])
def test_against_two_cells(pairs, channels, dtype, path) -> None:
    inputs = draw(pairs, channels, dtype)
    out, expected = gru_merge(*inputs), gru_merge_reference(*inputs)
    torch.testing.assert_close(out, expected)
    grad = torch.randn_like(out)
    for one, other in zip(
        torch.autograd.grad(out, inputs, grad),
        torch.autograd.grad(expected, inputs, grad),
        strict=True,
    ):
        torch.testing.assert_close(
            one, other, rtol=1e-4, atol=1e-4
        ) if dtype == torch.float32 else (torch.testing.assert_close(one, other))


def test_gradients_are_exact(path) -> None:
    assert torch.autograd.gradcheck(gru_merge, draw(5, 3))


def test_without_biases(path) -> None:
    pairs, weight_ih, weight_hh, *_ = draw(6, 3)
    assert torch.autograd.gradcheck(lambda *given: gru_merge(*given), (pairs, weight_ih, weight_hh))


def test_both_orders_give_the_same(path) -> None:
    pairs, *cell = draw(50, 8)
    torch.testing.assert_close(gru_merge(pairs, *cell), gru_merge(pairs.flip(1), *cell))


def test_only_the_wanted_gradients(path) -> None:
    pairs, *cell = draw(6, 3)
    weights = [w.detach() for w in cell]
    gru_merge(pairs, *weights).sum().backward()
    assert pairs.grad is not None
    gru_merge(pairs.detach(), *cell).sum().backward()
    assert all(w.grad is not None for w in cell)


def test_nothing_of_the_gates_is_kept_for_the_backward_pass() -> None:
    pairs, *cell = draw(64, 16)
    kept: list[Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        gru_merge(pairs, *cell)
    assert sum(t.numel() for t in kept) <= pairs.numel() + sum(w.numel() for w in cell)


def test_autocast_computes_in_its_dtype() -> None:
    pairs, *cell = draw(10, 4, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = gru_merge(pairs, *cell)
    assert out.dtype == torch.bfloat16
    torch.testing.assert_close(out.float(), gru_merge(pairs, *cell), rtol=0.1, atol=0.05)
    out.float().sum().backward()
    assert pairs.grad is not None
    assert pairs.grad.dtype == torch.float32


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({0: torch.randn(4, 3)}, "pairs has shape [4, 3]: expected [P, 2, C]"),
        ({0: torch.randn(4, 3, 3)}, "pairs has shape [4, 3, 3]"),
        ({1: torch.randn(9, 4)}, "weight_ih has shape [9, 4]: expected [9, 3]"),
        ({4: torch.randn(3)}, "bias_hh has shape [3]: expected [9]"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(change, said) -> None:
    given = [change.get(place, value) for place, value in enumerate(draw(4, 3, torch.float32))]
    with pytest.raises(InputError, match=f"^{re.escape(said)}"):
        gru_merge(*given)


def test_other_dtypes_are_refused() -> None:
    pairs, *cell = draw(4, 3)
    with pytest.raises(InputTypeError, match="weight_ih has dtype torch.float64"):
        gru_merge(pairs.float(), *cell)
    with pytest.raises(InputTypeError, match="pairs has dtype torch.int64"):
        gru_merge(pairs.long(), *cell)


def test_gradients_of_gradients_are_exact() -> None:
    assert torch.autograd.gradgradcheck(gru_merge, draw(3, 2))
    pairs, weight_ih, weight_hh, *_ = draw(3, 2)
    assert torch.autograd.gradgradcheck(gru_merge, (pairs, weight_ih, weight_hh))


def test_what_is_no_tensor_is_refused() -> None:
    pairs, *cell = draw(4, 3)
    with pytest.raises(InputTypeError, match="pairs has type"):
        gru_merge(None, *cell)
    with pytest.raises(InputTypeError, match="weight_hh has type"):
        gru_merge(pairs, cell[0], None)
