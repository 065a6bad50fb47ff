"""A seed's time never moves past a later one when it becomes a number of another kind."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.loader.exact_times import exact_times

LARGE = 2**53


@pytest.mark.parametrize("value", [0, 5, -7, LARGE + 1, -LARGE - 1, 2**63 - 1, -(2**63)])
def test_whole_numbers_become_the_largest_float_that_is_not_later(value: int) -> None:
    (found,) = exact_times(torch.tensor([value]), as_float=True).tolist()
    assert int(found) <= value
    assert int(np.nextafter(found, np.inf)) > value or float(value) == value == int(found)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2.0, 2), (2.9, 2), (-0.1, -1), (float("inf"), 2**63 - 1), (float("-inf"), -(2**63))],
)
def test_floats_become_the_largest_whole_number_that_is_not_later(
    value: float, expected: int
) -> None:
    for dtype in (torch.float32, torch.float64):
        assert exact_times(torch.tensor([value], dtype=dtype), as_float=False).tolist() == [
            expected
        ]


def test_numbers_of_the_right_kind_stay() -> None:
    assert exact_times(torch.tensor([LARGE + 1]), as_float=False).tolist() == [LARGE + 1]
    assert exact_times(torch.tensor([0.1], dtype=torch.float64), as_float=True).tolist() == [0.1]


def test_no_number_is_no_time() -> None:
    with pytest.raises(InputError, match="NaN"):
        exact_times(torch.tensor([float("nan")]), as_float=True)
