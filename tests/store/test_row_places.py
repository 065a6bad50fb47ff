from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store.row_places import RowPlaces, check_scores, hottest_rows, rows_in_budget


@given(st.lists(st.integers(0, 4), max_size=30), st.integers(-1, 35))
def test_hottest_rows_are_those_of_a_stable_sort(scores: list[int], count: int) -> None:
    order = sorted(range(len(scores)), key=lambda row: (-scores[row], row))
    assert hottest_rows(np.array(scores), count).tolist() == sorted(order[: max(0, count)])


@given(st.lists(st.integers(0, 4), max_size=30), st.lists(st.integers(0, 20), max_size=3))
def test_each_row_has_one_slot(scores: list[int], sizes: list[int]) -> None:
    places = RowPlaces(np.array(scores, dtype=np.float64), sizes)
    order = sorted(range(len(scores)), key=lambda row: (-scores[row], row))
    slots = places.slots(torch.arange(len(scores))).tolist()
    begin = 0
    for number, size in enumerate(sizes):
        rows = sorted(order[begin : begin + size])
        assert places.rows[number].tolist() == rows
        assert [slots[row] for row in rows] == list(
            range(places.bounds[number], places.bounds[number + 1])
        )
        begin += size
    assert [slots[row] for row in order[begin:]] == [places.bounds[-1]] * len(order[begin:])
    assert places.num_bytes == 4 * len(scores)


@pytest.mark.parametrize(
    "dtype", [torch.int64, torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.uint8]
)
def test_scores_of_many_dtypes(dtype: torch.dtype) -> None:
    assert check_scores(torch.tensor([3, 0, 1], dtype=dtype), 3).tolist() == [3, 0, 1]


@pytest.mark.parametrize(
    ("scores", "text"),
    [
        ([1.0], "scores has list"),
        (torch.tensor([True, False]), "dtype torch.bool"),
        (torch.ones(3), "features and graph are of different length"),
        (torch.ones(2, 1), "there are 2 rows"),
        (torch.tensor([1.0, -1.0]), "scores holds -1.0 for row 1"),
        (torch.tensor([float("nan"), 1.0]), "scores holds nan for row 0"),
        (torch.tensor([0.0, float("inf")]), "scores holds inf for row 1"),
    ],
)
def test_bad_scores(scores: object, text: str) -> None:
    with pytest.raises((InputError, InputTypeError)) as caught:
        check_scores(scores, 2)
    assert text in str(caught.value)


def test_rows_in_a_budget() -> None:
    budgets = [0, 16, 31, 32, 10**9]
    assert [rows_in_budget(b, 16, 5, name="x") for b in budgets] == [0, 1, 1, 2, 5]
    assert rows_in_budget(10, 0, 5, name="x") == 5  # rows of nothing
    with pytest.raises(InputError, match="x is 15: expected at least one row, 16 bytes, or 0"):
        rows_in_budget(15, 16, 5, name="x")
    with pytest.raises(InputTypeError, match=r"x is 1.5"):
        rows_in_budget(1.5, 16, 5, name="x")
