from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.nn import completion_probability


@given(
    logit=st.floats(-20, 20),
    prior=st.floats(0.01, 1.0),
    scale=st.floats(0.1, 10),
    offset=st.floats(-5, 5),
    alpha=st.floats(0.1, 2),
)
def test_against_the_formula(
    logit: float, prior: float, scale: float, offset: float, alpha: float
) -> None:
    z = scale * (logit - offset)
    # p0 / (1 - p0) is exp(z), which spares the cancellation in 1 - p0.
    odds = prior * math.exp(z)
    expected = alpha * odds / (odds + 1)
    found = completion_probability(
        torch.tensor([logit], dtype=torch.float64), prior, scale=scale, offset=offset, alpha=alpha
    )
    assert float(found) == pytest.approx(expected, rel=1e-9, abs=1e-300)
    assert 0 <= float(found) <= alpha * (1 + 1e-12)


def test_at_even_odds_a_prior_of_one_gives_a_half() -> None:
    found = completion_probability(torch.full((1,), 3.0), 1.0, scale=5.0, offset=3.0, alpha=1.0)
    assert float(found) == pytest.approx(0.5)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_logits_stay_finite(dtype: torch.dtype) -> None:
    logit = torch.tensor([-1e4, 1e4], dtype=dtype, requires_grad=True)
    prior = torch.tensor([0.5, 0.5], dtype=dtype, requires_grad=True)
    found = completion_probability(logit, prior, scale=10.0, offset=2.0, alpha=0.9)
    assert found.tolist() == pytest.approx([0.0, 0.9])
    found.sum().backward()
    assert logit.grad.isfinite().all()
    assert prior.grad.isfinite().all()


def test_confident_scores_keep_their_precision() -> None:
    # p0 rounds to 1 in float32 here; the prior still matters.
    logit = torch.tensor([20.0])
    odds = [
        completion_probability(logit, prior, scale=1.0, offset=0.0, alpha=1.0)
        for prior in (1e-9, 1e-8)
    ]
    assert float(odds[0]) == pytest.approx(
        1e-9 * math.exp(20) / (1e-9 * math.exp(20) + 1), rel=1e-5
    )
    assert float(odds[1]) > float(odds[0])


def test_gradcheck() -> None:
    logit = torch.randn(6, dtype=torch.float64, requires_grad=True)
    prior = torch.rand(6, dtype=torch.float64).add(0.05).requires_grad_()
    assert torch.autograd.gradcheck(
        lambda logit, prior: completion_probability(logit, prior, scale=2.0, offset=0.5, alpha=0.7),
        (logit, prior),
    )


def test_nothing_to_complete() -> None:
    none = torch.empty(0)
    assert completion_probability(none, 0.5, scale=1.0, offset=0.0, alpha=1.0).shape == (0,)
