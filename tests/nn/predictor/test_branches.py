from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.nn.predictor.branches import DeepBranch, pair_branch, score_head


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


def test_dropout_before_the_last_relu() -> None:
    branch = pair_branch(4, 200, dropout=0.5, layer_norm=False, final_linear=False)
    x = torch.randn(50, 4)
    share = float((branch(x) == 0).float().mean())
    assert share == pytest.approx(0.75, abs=0.1)  # half by the ReLU, half of the rest dropped
    assert not torch.equal(branch(x), branch(x))


@pytest.mark.parametrize("residual", [False, True])
def test_inputs_are_not_changed_in_place(residual: bool) -> None:
    x = torch.randn(9, 4)
    before = x.clone()
    pair_branch(4, 7, dropout=0.5, layer_norm=False, final_linear=False)(x)
    DeepBranch(4, 4, num_layers=2, dropout=0.5, layer_norm=False, residual=residual)(x)
    assert torch.equal(x, before)


@pytest.mark.parametrize("norm", [False, True])
@pytest.mark.parametrize("residual", [False, True])
def test_deep_branch_layer_by_layer(norm: bool, residual: bool) -> None:
    x = torch.randn(9, 4)
    branch = DeepBranch(4, 4, num_layers=3, dropout=0.5, layer_norm=norm, residual=residual).eval()
    expected = x
    for layer in branch.layers:
        expected = hidden(expected, *weights(layer), norm=norm)  # type: ignore[arg-type]
        expected = expected + x if residual else expected
    torch.testing.assert_close(branch(x), expected)


def test_a_deep_branch_may_change_size_unless_it_adds() -> None:
    options = {"num_layers": 2, "dropout": 0.0, "layer_norm": True}
    assert DeepBranch(4, 7, residual=False, **options)(torch.randn(3, 4)).shape == (3, 7)
    with pytest.raises(InputError, match="^hidden_channels is 7 and channels 4: expected one size"):
        DeepBranch(4, 7, residual=True, **options)
