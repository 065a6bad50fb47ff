from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputTypeError, UnknownNameError
from graphlearn.metrics import TIE_RULES
from graphlearn.metrics.ties import Standing, check_tie_rule, standing

# Few values, so that most draws hold ties; both zeros, which are equal.
values = st.sampled_from([-1.0, -0.0, 0.0, 0.5, 1.0, float("inf"), -float("inf")])


@given(st.lists(values, min_size=1, max_size=8), st.lists(values, min_size=1, max_size=8))
def test_counts_are_those_of_a_double_loop(positive: list[float], negative: list[float]) -> None:
    above, tied, count = standing(torch.tensor(positive), torch.tensor(negative))
    assert above.tolist() == [sum(n > p for n in negative) for p in positive]
    assert tied.tolist() == [sum(n == p for n in negative) for p in positive]
    assert count == len(negative)


@given(st.lists(values, min_size=1, max_size=6), st.lists(values, min_size=1, max_size=6))
def test_rows_of_the_same_negatives_count_as_pooled(
    positive: list[float], negative: list[float]
) -> None:
    rows = torch.tensor(negative).expand(len(positive), -1)
    pooled = standing(torch.tensor(positive), torch.tensor(negative))
    by_row = standing(torch.tensor(positive), rows)
    assert torch.equal(pooled.above, by_row.above)
    assert torch.equal(pooled.tied, by_row.tied)
    assert pooled.num_negatives == by_row.num_negatives


def test_integers_beyond_the_precision_of_floats() -> None:
    positive, negative = torch.tensor([2**53]), torch.tensor([2**53 + 1, 2**53, 2**53 - 1])
    above, tied, _ = standing(positive, negative)
    assert (above.item(), tied.item()) == (1, 1)


@pytest.mark.parametrize(
    ("ties", "ahead"), [("pessimistic", 5.0), ("optimistic", 2.0), ("mean", 3.5)]
)
def test_rules(ties, ahead: float) -> None:
    counts = Standing(torch.tensor([2]), torch.tensor([3]), 9)
    assert counts.ahead(ties).tolist() == [ahead]
    assert counts.ahead(ties).dtype == torch.float64


def test_names_of_rules() -> None:
    assert set(TIE_RULES) == {"pessimistic", "optimistic", "mean", "ogb"}
    assert [check_tie_rule(ties) for ties in TIE_RULES] == list(TIE_RULES)
    with pytest.raises(UnknownNameError, match="did you mean 'pessimistic'"):
        check_tie_rule("pesimistic")
    with pytest.raises(InputTypeError, match="ties is None"):
        check_tie_rule(None)
