from __future__ import annotations

import math

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.aggr import PNAAggregation

HISTOGRAM = torch.tensor([1, 2, 0, 3])


def test_four_aggregators_times_three_scalers_by_hand() -> None:
    aggr = PNAAggregation(2, 24, HISTOGRAM).double()
    with torch.no_grad():
        aggr.lin.weight.copy_(torch.eye(24))
        aggr.lin.bias.zero_()
    x = torch.randn(4, 2, dtype=torch.float64)
    out = aggr(x, torch.tensor([0, 0, 0, 1]))
    rows = x[:3]
    std = (rows.var(dim=0, unbiased=False)).sqrt()
    plain = torch.cat([rows.mean(0), rows.min(0).values, rows.max(0).values, std])
    delta = (1 * math.log(1) + 2 * math.log(2) + 3 * math.log(4)) / 6
    log = math.log(3 + 1)
    expected = torch.cat([plain, plain * log / delta, plain * delta / log])
    torch.testing.assert_close(out[0], expected, rtol=1e-6, atol=1e-6)


def test_pointers_and_index_give_the_same() -> None:
    aggr = PNAAggregation(3, 5, HISTOGRAM)
    x = torch.randn(6, 3)
    by_index = aggr(x, torch.tensor([0, 0, 1, 1, 1, 2]))
    torch.testing.assert_close(aggr(x, ptr=torch.tensor([0, 2, 5, 6])), by_index)


def test_sets_do_not_see_each_other() -> None:
    aggr = PNAAggregation(3, 5, HISTOGRAM)
    x = torch.randn(6, 3)
    index = torch.tensor([0, 2, 1, 1, 2, 1])
    out = aggr(x, index)
    alone = aggr(x[index == 1], torch.zeros(3, dtype=torch.int64))
    torch.testing.assert_close(out[1], alone[0])


def test_a_bad_histogram_is_refused() -> None:
    with pytest.raises(InputTypeError, match="degree_histogram is list"):
        PNAAggregation(3, 5, [1, 2])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="at least one set that has rows"):
        PNAAggregation(3, 5, torch.tensor([7]))


def test_bad_input_is_refused() -> None:
    aggr = PNAAggregation(4, 4, HISTOGRAM)
    x, index = torch.randn(3, 4), torch.tensor([0, 0, 1])
    with pytest.raises(InputError, match="expected 4 channels"):
        aggr(torch.randn(3, 5), index)
    with pytest.raises(InputTypeError, match=r"x has dtype torch\.float64"):
        aggr(x.double(), index)
    with pytest.raises(InputError, match="index holds -1 at row 1"):
        aggr(x, torch.tensor([0, -1, 1]), dim_size=2)
    with pytest.raises(InputError, match="ptr falls"):
        aggr(x, ptr=torch.tensor([0, 2, 1, 3]))
    with pytest.raises(InputError, match="NaN or infinite"):
        aggr(x * torch.nan, index)
    with pytest.raises(InputError, match="expected counts"):
        PNAAggregation(4, 4, torch.tensor([0, -1, 3]))
