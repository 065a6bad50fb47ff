from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import NeighborLists
from graphlearn.nn import LCMAggregation
from graphlearn.nn.predictor.set_branch import SetBranch

OPTIONS = [(norm, last) for norm in (False, True) for last in (False, True)]
LISTS = NeighborLists(torch.tensor([0, 2, 2, 5, 5, 6]), torch.tensor([1, 3, 0, 3, 3, 4]))


def made(norm: bool = True, last: bool = False, dropout: float = 0.5) -> SetBranch:
    return SetBranch(4, 7, dropout=dropout, layer_norm=norm, final_linear=last).double()


def sums(rows: Tensor, weight: Tensor | None = None) -> Tensor:
    values = rows[LISTS.node] if weight is None else rows[LISTS.node] * weight[:, None]
    return torch.zeros(5, rows.size(1), dtype=rows.dtype).index_add(0, LISTS.rows(), values)


@pytest.mark.parametrize(("norm", "last"), OPTIONS)
def test_two_layers_and_norm_in_the_second(norm: bool, last: bool) -> None:
    x = torch.randn(9, 4, dtype=torch.float64)
    branch = made(norm, last).eval()
    first, second, *rest = (part for part in branch if isinstance(part, nn.Linear))
    expected = second(first(x).relu())
    expected = F.layer_norm(expected, (7,)).relu() if norm else expected.relu()
    if last:
        (third,) = rest
        expected = third(expected)
    torch.testing.assert_close(branch(x), expected)


@pytest.mark.parametrize(("norm", "last"), OPTIONS)
@pytest.mark.parametrize("num_rows", [5, 3])  # as many rows as lists, or fewer than filled ones
def test_pooled_is_the_map_of_each_sum(norm: bool, last: bool, num_rows: int) -> None:
    rows = torch.randn(5, 4, dtype=torch.float64)
    weight = torch.randn(6, dtype=torch.float64)
    lists = LISTS
    if num_rows == 3:
        lists = NeighborLists(LISTS.rowptr.repeat(4)[:6], LISTS.node)
    branch = made(norm, last).eval()
    torch.testing.assert_close(branch.pooled(LISTS, rows), branch(sums(rows)))
    torch.testing.assert_close(branch.pooled(lists, rows, weight), branch(sums(rows, weight)))


def test_pooled_by_a_module() -> None:
    rows = torch.randn(5, 4, dtype=torch.float64)
    pooling = LCMAggregation(4, 4).double()
    branch = made().eval()
    index = LISTS.rows()
    expected = branch(pooling(rows[LISTS.node], index, dim_size=5))
    torch.testing.assert_close(branch.pooled(LISTS, rows, None, pooling), expected)


def test_pooling_by_a_module_does_not_see_the_order_of_a_list() -> None:
    rows = torch.randn(5, 4, dtype=torch.float64)
    weight = torch.rand(6, dtype=torch.float64)
    pooling = LCMAggregation(4, 4).double()
    branch = made().eval()
    turned = NeighborLists(LISTS.rowptr, LISTS.node[[1, 0, 3, 4, 2, 5]])
    found = branch.pooled(turned, rows, weight[[1, 0, 3, 4, 2, 5]], pooling)
    torch.testing.assert_close(found, branch.pooled(LISTS, rows, weight, pooling))


def test_no_lists() -> None:
    nothing = NeighborLists(torch.zeros(1, dtype=torch.int64), torch.empty(0, dtype=torch.int64))
    assert made().pooled(nothing, torch.randn(3, 4, dtype=torch.float64)).shape == (0, 7)


def test_gradients() -> None:
    rows = torch.randn(5, 4, dtype=torch.float64, requires_grad=True)
    weight = torch.randn(6, dtype=torch.float64, requires_grad=True)
    branch = made(dropout=0.0)
    assert torch.autograd.gradcheck(lambda r, w: branch.pooled(LISTS, r, w), (rows, weight))


def test_dropout_before_the_last_relu() -> None:
    branch = SetBranch(4, 200, dropout=0.5, layer_norm=False, final_linear=False)
    x = torch.randn(50, 4)
    share = float((branch(x) == 0).float().mean())
    assert share == pytest.approx(0.75, abs=0.1)  # half by the ReLU, half of the rest dropped
    before = x.clone()
    assert not torch.equal(branch(x), branch(x))
    assert torch.equal(x, before)


def test_pooling_of_a_wrong_shape_is_refused() -> None:
    class Halved(nn.Module):
        def forward(self, values: Tensor, index: Tensor, ptr: Tensor, dim_size: int) -> Tensor:
            return values.new_zeros(dim_size, 2)

    rows = torch.randn(5, 4, dtype=torch.float64)
    with pytest.raises(InputError, match=r"^pooling gave shape \[4, 2\] for 4 sets"):
        made().pooled(LISTS, rows, None, Halved())
