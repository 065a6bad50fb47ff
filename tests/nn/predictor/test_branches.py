from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlearn.nn.predictor.branches import pair_branch, score_head, set_branch


def weights(branch: nn.Sequential) -> list[Tensor]:
    """Weight and bias of each linear map, in order."""
    return [p for part in branch if isinstance(part, nn.Linear) for p in (part.weight, part.bias)]


def hidden(x: Tensor, weight: Tensor, bias: Tensor, *, norm: bool) -> Tensor:
    x = F.linear(x, weight, bias)
    return F.layer_norm(x, x.shape[1:]).relu() if norm else x.relu()


OPTIONS = [(norm, last) for norm in (False, True) for last in (False, True)]


@pytest.mark.parametrize(("norm", "last"), OPTIONS)
def test_pair_branch(norm: bool, last: bool) -> None:
    x = torch.randn(9, 4)
    branch = pair_branch(4, 7, dropout=0.5, layer_norm=norm, final_linear=last).eval()
    first, *rest = torch.split(torch.arange(len(weights(branch))), 2)
    of = weights(branch)
    expected = hidden(x, *(of[i] for i in first), norm=norm)
    if last:
        expected = F.linear(expected, *(of[i] for i in rest[0]))
    assert len(rest) == last
    torch.testing.assert_close(branch(x), expected)


@pytest.mark.parametrize(("norm", "last"), OPTIONS)
def test_set_branch(norm: bool, last: bool) -> None:
    x = torch.randn(9, 4)
    branch = set_branch(4, 7, dropout=0.5, layer_norm=norm, final_linear=last).eval()
    of = weights(branch)
    assert len(of) == (6 if last else 4)
    expected = hidden(hidden(x, *of[:2], norm=False), *of[2:4], norm=norm)
    if last:
        expected = F.linear(expected, *of[4:])
    torch.testing.assert_close(branch(x), expected)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("two", [False, True])
def test_score_head(norm: bool, two: bool) -> None:
    x = torch.randn(9, 4)
    head = score_head(4, dropout=0.5, layer_norm=norm, two_layers=two).eval()
    of = weights(head)
    assert len(of) == (6 if two else 4)
    expected = hidden(x, *of[:2], norm=norm)
    if two:
        expected = hidden(expected, *of[2:4], norm=norm)
    expected = F.linear(expected, *of[-2:])
    assert expected.shape == (9, 1)
    torch.testing.assert_close(head(x), expected)


@pytest.mark.parametrize(
    "branch",
    [
        pair_branch(4, 200, dropout=0.5, layer_norm=False, final_linear=False),
        set_branch(4, 200, dropout=0.5, layer_norm=False, final_linear=False),
    ],
)
def test_dropout_before_the_last_relu(branch: nn.Sequential) -> None:
    x = torch.randn(50, 4)
    share = float((branch(x) == 0).float().mean())
    assert share == pytest.approx(0.75, abs=0.1)  # half by the ReLU, half of the rest dropped
    assert not torch.equal(branch(x), branch(x))


@pytest.mark.parametrize("make", [pair_branch, set_branch])
def test_inputs_are_not_changed_in_place(make) -> None:
    x = torch.randn(9, 4)
    before = x.clone()
    make(4, 7, dropout=0.5, layer_norm=False, final_linear=False)(x)
    assert torch.equal(x, before)
