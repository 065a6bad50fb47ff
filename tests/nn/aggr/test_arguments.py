from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.aggr.arguments import check_generator, check_rows


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


def test_a_generator_is_on_the_cpu() -> None:
    check_generator(None)
    check_generator(torch.Generator())
    with pytest.raises(InputTypeError, match=r"generator is 3: expected a torch\.Generator"):
        check_generator(3)


def test_rows_must_be_a_dense_tensor_with_the_axis() -> None:
    weight = torch.zeros(1)
    with pytest.raises(InputTypeError, match="x is a list"):
        check_rows([[1.0]], 1, -2, weight)
    with pytest.raises(InputTypeError, match="x is torch.sparse_coo"):
        check_rows(torch.eye(3).to_sparse(), 3, -2, weight)
    with pytest.raises(InputError, match="and dim is 5"):
        check_rows(torch.zeros(5, 3), 3, 5, weight)
    assert check_rows(torch.zeros(4, 0, 3), 3, 0, weight) == 0
    with pytest.raises(InputTypeError, match="float64"), torch.autocast("cpu"):
        check_rows(torch.zeros(5, 3).double(), 3, -2, weight)
