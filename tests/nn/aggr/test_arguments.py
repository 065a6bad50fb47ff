from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.aggr.arguments import check_rows


def test_the_axis_is_counted_from_the_front() -> None:
    assert check_rows(torch.zeros(2, 5, 3), 3, -2, torch.zeros(1)) == 1
    assert check_rows(torch.zeros(2, 5, 3), 3, 0, torch.zeros(1)) == 0


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match="expected 4 channels in its last axis"):
        check_rows(torch.zeros(5, 3), 4, -2, torch.zeros(1))
    with pytest.raises(InputError, match="aggregated along axis 1"):
        check_rows(torch.zeros(5, 3), 3, -1, torch.zeros(1))
    with pytest.raises(InputTypeError, match=r"pass x\.to\(torch\.float64\)"):
        check_rows(torch.zeros(5, 3), 3, -2, torch.zeros(1).double())
    with pytest.raises(InputError, match="NaN or infinite, the first at node 1, channel 0"):
        check_rows(torch.tensor([[0.0], [torch.inf]]), 1, -2, torch.zeros(1))
