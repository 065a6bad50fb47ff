from __future__ import annotations

import pytest
import torch

from graphlearn import metrics
from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.metrics import TIE_RULES, LinkEvaluator, evaluate

POSITIVE = torch.tensor([0.9, 0.5, 0.5, 0.1])
NEGATIVE = torch.tensor([0.7, 0.5, 0.3, 0.3, 0.0])


@pytest.mark.parametrize("ties", TIE_RULES)
def test_names_mean_the_functions(ties: metrics.TieRule) -> None:
    expected = {
        "hits@2": metrics.hits_at_k(POSITIVE, NEGATIVE, 2, ties=ties),
        "hits@5": metrics.hits_at_k(POSITIVE, NEGATIVE, 5, ties=ties),
        "mrr": metrics.mean_reciprocal_rank(POSITIVE, NEGATIVE, ties=ties),
        "auc": metrics.area_under_roc(POSITIVE, NEGATIVE, ties=ties),
        "ap": metrics.average_precision(POSITIVE, NEGATIVE, ties=ties),
    }
    assert LinkEvaluator(expected, ties=ties)(POSITIVE, NEGATIVE) == expected
    for name, value in expected.items():
        assert evaluate(name, POSITIVE, NEGATIVE, ties=ties) == value


def test_pessimistic_is_the_default() -> None:
    names = ("hits@2", "mrr", "auc", "ap")
    assert LinkEvaluator(names)(POSITIVE, NEGATIVE) == LinkEvaluator(names, ties="pessimistic")(
        POSITIVE, NEGATIVE
    )
    assert evaluate("hits@2", POSITIVE, NEGATIVE) == 0.25


def test_keeps_the_order_of_names_and_nothing_of_the_scores() -> None:
    evaluator = LinkEvaluator(["mrr", "hits@2"])
    first = evaluator(POSITIVE, NEGATIVE)
    evaluator(NEGATIVE, POSITIVE)
    assert list(first) == ["mrr", "hits@2"]
    assert evaluator(POSITIVE, NEGATIVE) == first
    assert repr(evaluator) == "LinkEvaluator(('mrr', 'hits@2'), ties='pessimistic')"


def test_rows_of_negatives_for_mrr_alone() -> None:
    rows = NEGATIVE.expand(4, 5)
    assert evaluate("mrr", POSITIVE, rows) == evaluate("mrr", POSITIVE, NEGATIVE)
    with pytest.raises(InputError, match=r"expected shape \[Q\]"):
        LinkEvaluator(("mrr", "hits@2"))(POSITIVE, rows)


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("mmr", "'mrr'"),
        ("HITS@20", "'hits@K'"),
        ("hits@", "'hits@K'"),
        ("hits@-1", "'hits@K'"),
        ("hits@020", "'hits@K'"),
        ("hits@5 ", "'hits@K'"),
        ("f-measure", None),
    ],
)
def test_unknown_metric(name: str, near: str | None) -> None:
    with pytest.raises(
        UnknownNameError, match="unknown metric .* one of ap, auc, hits@K, mrr"
    ) as e:
        LinkEvaluator(("mrr", name))
    assert str(e.value).endswith(f"did you mean {near}?" if near else "hits@K, mrr")


def test_refused_when_it_is_made() -> None:
    with pytest.raises(InputError, match="k is 0: expected an integer >= 1"):
        LinkEvaluator(("hits@0",))
    with pytest.raises(InputError, match="names is empty"):
        LinkEvaluator(())
    with pytest.raises(InputError, match="each metric once"):
        LinkEvaluator(("mrr", "auc", "mrr"))
    with pytest.raises(UnknownNameError, match="unknown tie rule"):
        LinkEvaluator(("mrr",), ties="random")
    with pytest.raises(InputTypeError, match=r"several names; pass \('mrr',\)"):
        LinkEvaluator("mrr")
    with pytest.raises(InputTypeError, match="metric is 20"):
        LinkEvaluator((20,))


def test_refused_when_it_is_called() -> None:
    evaluator = LinkEvaluator(("auc", "hits@6"))
    with pytest.raises(InputError, match="k is 6 with 5 negatives"):
        evaluator(POSITIVE, NEGATIVE)
    with pytest.raises(InputError, match="positive is empty"):
        evaluator(POSITIVE[:0], NEGATIVE)
    with pytest.raises(InputError, match="positive holds 1 NaN"):
        evaluator(torch.tensor([float("nan")]), NEGATIVE)
