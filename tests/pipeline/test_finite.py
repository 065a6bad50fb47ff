from __future__ import annotations

import itertools

import pytest
import torch

from graphlearn.errors import DivergedError
from graphlearn.pipeline.finite import FiniteWatch, check_gradients, check_rows

LAYERS = [range(2), range(2, 3), range(3, 6)]


def flags(bad_rows=(), bad_gradients=()) -> list[float]:
    """As three stages of two ways each would add them up."""
    total = [0.0] * 6
    for stage, _ in itertools.product(range(3), range(2)):
        watch = FiniteWatch(stage, 3)
        watch.see_rows(torch.ones(4, 2) * (float("nan") if stage in bad_rows else 1e38))
        value = float("-inf") if stage in bad_gradients else 1.0
        watch.see_gradients([None, torch.full((3,), value)])
        total = [a + b for a, b in zip(total, watch.flags(), strict=True)]
    return total


def test_large_numbers_are_finite() -> None:
    check_rows(flags(), LAYERS)
    check_gradients(flags(), LAYERS)
    watch = FiniteWatch(0, 1)
    watch.see_rows(torch.empty(0, 3))
    assert watch.flags() == [0.0, 0.0]


def test_of_rows_the_first_stage_is_named_and_of_gradients_the_last() -> None:
    with pytest.raises(DivergedError, match=r"rows that stage 1 \(layer 2\) computed"):
        check_rows(flags(bad_rows=[1, 2]), LAYERS)
    with pytest.raises(DivergedError, match=r"gradients that stage 1 \(layer 2\) computed"):
        check_gradients(flags(bad_gradients=[0, 1]), LAYERS)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_one_number_among_many_is_found_until_the_next_epoch(value, dtype) -> None:
    watch = FiniteWatch(0, 1)
    rows = torch.randn(1000, 7).to(dtype)
    watch.see_rows(rows)
    rows = rows.clone()
    rows[500, 3] = value
    watch.see_rows(rows)
    assert watch.flags() == [1.0, 0.0]
    watch.begin_epoch()
    watch.see_gradients([rows.to_sparse() if value != value else rows])
    assert watch.flags() == [0.0, 1.0]
