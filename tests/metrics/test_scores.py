from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.metrics.scores import check_score_pair

GOOD = torch.tensor([0.5, 0.25])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.int64, torch.uint8])
def test_keeps_dtype_and_values(dtype: torch.dtype) -> None:
    positive, negative = torch.tensor([3, 1], dtype=dtype), torch.tensor([2], dtype=dtype)
    got = check_score_pair(positive, negative)
    assert [t.dtype for t in got] == [dtype, dtype]
    assert torch.equal(got[0], positive)
    assert torch.equal(got[1], negative)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_float32(dtype: torch.dtype) -> None:
    positive, _ = check_score_pair(GOOD.to(dtype), GOOD.to(dtype))
    assert positive.dtype == torch.float32
    assert positive.tolist() == GOOD.tolist()


def test_widths_are_promoted_without_rounding() -> None:
    exact = torch.tensor([1 + 2**-40], dtype=torch.float64)
    positive, negative = check_score_pair(torch.ones(1), exact)
    assert (positive < negative).all()
    large = torch.tensor([2**62 + 1])
    positive, negative = check_score_pair(large, torch.tensor([1], dtype=torch.int8))
    assert positive.item() == 2**62 + 1


def test_gradients_are_left_alone() -> None:
    positive = GOOD.clone().requires_grad_()
    assert not check_score_pair(positive, GOOD)[0].requires_grad


@pytest.mark.parametrize(
    "array",
    [
        np.array([0.25, 0.5])[::-1],
        np.array([0.5, 0.25], dtype=">f4"),
        np.array([[0.5, 9], [0.25, 9]])[:, 0],
        np.float16([0.5, 0.25]),
    ],
)
def test_numpy_arrays_of_any_memory_layout(array: np.ndarray) -> None:
    array.flags.writeable = False
    positive, _ = check_score_pair(array, GOOD)
    assert positive.tolist() == GOOD.tolist()


@pytest.mark.parametrize(
    "scores",
    [
        [0.5, 0.25],
        0.5,
        None,
        torch.tensor([True]),
        torch.tensor([1j]),
        torch.eye(2).to_sparse(),
        np.array(["a"]),
        np.array([True]),
        np.array([None]),
        np.longdouble([1]),
    ],
)
def test_refuses_what_is_no_score(scores: object) -> None:
    with pytest.raises(InputTypeError, match="positive (is a|has)"):
        check_score_pair(scores, GOOD)
    with pytest.raises(InputTypeError, match="negative (is a|has)"):
        check_score_pair(GOOD, scores)


def test_refuses_integers_against_floats() -> None:
    """2**53 + 1 would be rounded to 2**53, and a strict order become a tie."""
    with pytest.raises(InputTypeError, match="both integer or both floating-point"):
        check_score_pair(torch.tensor([2**53 + 1]), GOOD)


@pytest.mark.parametrize("allow_rows", [False, True])
@pytest.mark.parametrize(
    ("positive", "negative", "text"),
    [
        ((), (2,), r"positive has shape \[\]: expected shape \[P\]"),
        ((2, 1), (2,), r"positive has shape \[2, 1\]"),
        ((0,), (2,), "positive is empty: expected at least one score"),
        ((2,), (0,), "negative is empty: expected at least one score"),
        ((2,), (), r"negative has shape \[\]"),
        ((2,), (2, 1, 1), r"negative has shape \[2, 1, 1\]"),
    ],
)
def test_refuses_shapes(positive, negative, text: str, allow_rows: bool) -> None:
    with pytest.raises(InputError, match=text):
        check_score_pair(torch.zeros(positive), torch.zeros(negative), allow_rows=allow_rows)


def test_rows_only_where_allowed() -> None:
    rows = torch.zeros(2, 3)
    assert check_score_pair(GOOD, rows, allow_rows=True)[1].shape == (2, 3)
    with pytest.raises(InputError, match=r"shape \[2, 3\]: expected shape \[Q\]; use mrr"):
        check_score_pair(GOOD, rows)
    with pytest.raises(InputError, match="negative has 3 rows: expected 2"):
        check_score_pair(GOOD, torch.zeros(3, 2), allow_rows=True)
    with pytest.raises(InputError, match="negative is empty"):
        check_score_pair(GOOD, torch.zeros(2, 0), allow_rows=True)


def test_refuses_nan_and_says_where() -> None:
    bad = torch.tensor([0.0, float("nan"), float("nan")])
    with pytest.raises(InputError, match="positive holds 2 NaN, the first at index 1"):
        check_score_pair(bad, GOOD)
    with pytest.raises(InputError, match="negative holds 2 NaN, the first at index 1"):
        check_score_pair(GOOD, bad)
    rows = torch.zeros(2, 3)
    rows[1, 2] = float("nan")
    with pytest.raises(InputError, match="negative holds 1 NaN, the first at index 1, 2"):
        check_score_pair(GOOD, rows, allow_rows=True)


def test_infinity_has_its_place_in_the_order() -> None:
    ends = torch.tensor([float("inf"), -float("inf")])
    assert check_score_pair(ends, GOOD)[0].tolist() == ends.tolist()


def test_refuses_two_devices() -> None:
    with pytest.raises(InputError, match=r"negative on meta: .* pass negative.to\('cpu'\)"):
        check_score_pair(GOOD, GOOD.to("meta"))
