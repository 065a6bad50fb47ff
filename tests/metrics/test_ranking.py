from __future__ import annotations

import importlib.util
import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.metrics import (
    TIE_RULES,
    area_under_roc,
    average_precision,
    hits_at_k,
    mean_reciprocal_rank,
)

METRICS = [
    lambda p, n, **kw: hits_at_k(p, n, 1, **kw),
    mean_reciprocal_rank,
    area_under_roc,
    average_precision,
]
# Few values, so that most draws hold ties.
scores = st.lists(st.sampled_from([-2.0, -0.5, 0.0, 0.5, 2.0]), min_size=1, max_size=9)


def _tensor(values: list[float]) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


# --- The definitions, by brute force: put everything in a list, ties as the rule says. ---


def _rank(score: float, negative: list[float], ties: str) -> Fraction:
    best = 1 + sum(n > score for n in negative)
    worst = 1 + sum(n >= score for n in negative)
    return {
        "optimistic": Fraction(best),
        "pessimistic": Fraction(worst),
        "mean": Fraction(best + worst, 2),
    }[ties]


def _average_precision(positive: list[float], negative: list[float], ties: str) -> Fraction:
    """Walk down the sorted list of all links and take the precision at every true one."""
    true_first = ties == "optimistic"
    links = [(s, True) for s in positive] + [(s, False) for s in negative]
    links.sort(key=lambda link: (-link[0], link[1] is not true_first))
    total, hits = Fraction(0), 0
    for place, (_, is_true) in enumerate(links, start=1):
        if is_true:
            hits += 1
            total += Fraction(hits, place)
    return total / len(positive)


@pytest.mark.parametrize("ties", ["pessimistic", "optimistic", "mean"])
@given(positive=scores, negative=scores, data=st.data())
def test_hits_and_reciprocal_rank_by_brute_force(ties, positive, negative, data) -> None:
    k = data.draw(st.integers(1, len(negative)))
    ranks = [_rank(p, negative, ties) for p in positive]
    p, n = _tensor(positive), _tensor(negative)
    assert hits_at_k(p, n, k, ties=ties) == sum(r <= k for r in ranks) / len(ranks)
    expected = float(sum(1 / r for r in ranks) / len(ranks))
    assert mean_reciprocal_rank(p, n, ties=ties) == pytest.approx(expected, rel=1e-14)


@given(positive=scores, data=st.data())
def test_reciprocal_rank_of_rows_by_brute_force(positive, data) -> None:
    width = data.draw(st.integers(1, 5))
    row = st.lists(st.sampled_from([-2.0, 0.0, 0.5, 2.0]), min_size=width, max_size=width)
    rows = data.draw(st.lists(row, min_size=len(positive), max_size=len(positive)))
    ranks = [_rank(p, n, "mean") for p, n in zip(positive, rows, strict=True)]
    got = mean_reciprocal_rank(_tensor(positive), _tensor(rows), ties="mean")
    assert got == pytest.approx(float(sum(1 / r for r in ranks) / len(ranks)), rel=1e-14)


@pytest.mark.parametrize("ties", ["pessimistic", "optimistic", "mean"])
@given(positive=scores, negative=scores)
def test_area_by_brute_force_is_exact(ties, positive, negative) -> None:
    share = {"pessimistic": Fraction(0), "optimistic": Fraction(1), "mean": Fraction(1, 2)}[ties]
    won = sum((p > n) + share * (p == n) for p in positive for n in negative)
    expected = won / (len(positive) * len(negative))
    assert area_under_roc(_tensor(positive), _tensor(negative), ties=ties) == float(expected)


@pytest.mark.parametrize("ties", ["pessimistic", "optimistic"])
@given(positive=scores, negative=scores)
def test_average_precision_by_brute_force(ties, positive, negative) -> None:
    expected = float(_average_precision(positive, negative, ties))
    got = average_precision(_tensor(positive), _tensor(negative), ties=ties)
    assert got == pytest.approx(expected, rel=1e-14)


def _labelled(positive: list[float], negative: list[float]) -> tuple[np.ndarray, np.ndarray]:
    label = np.array([1] * len(positive) + [0] * len(negative))
    return label, np.array(positive + negative)


@given(positive=scores, negative=scores)
def test_scikit_learn_agrees_with_ties(positive, negative) -> None:
    label, score = _labelled(positive, negative)
    p, n = _tensor(positive), _tensor(negative)
    for ties in ("mean", "ogb"):
        assert area_under_roc(p, n, ties=ties) == pytest.approx(roc_auc_score(label, score))
    got = average_precision(p, n, ties="ogb")
    assert got == pytest.approx(average_precision_score(label, score))


@given(st.permutations(range(9)), st.integers(1, 8))
def test_without_ties_all_rules_and_scikit_learn_agree(order, count) -> None:
    positive, negative = [float(i) for i in order[:count]], [float(i) for i in order[count:]]
    p, n = _tensor(positive), _tensor(negative)
    label, score = _labelled(positive, negative)
    for metric in METRICS:
        assert len({metric(p, n, ties=ties) for ties in TIE_RULES}) == 1
    assert area_under_roc(p, n) == pytest.approx(roc_auc_score(label, score))
    assert average_precision(p, n) == pytest.approx(average_precision_score(label, score))


@pytest.mark.parametrize("metric", METRICS)
@given(positive=scores, negative=scores)
def test_rules_bound_each_other(metric, positive, negative) -> None:
    p, n = _tensor(positive), _tensor(negative)
    low, high = metric(p, n, ties="pessimistic"), metric(p, n, ties="optimistic")
    assert 0 <= low <= metric(p, n, ties="mean") <= high <= 1
    # Not an upper bound for average precision: scikit-learn's rule also raises positives that tie
    # with each other, [1, 1] against [2] from (1/2 + 2/3) / 2 to 2/3.
    assert low <= metric(p, n, ties="ogb") <= (1 if metric is average_precision else high)


@pytest.mark.parametrize("ties", TIE_RULES)
@pytest.mark.parametrize("metric", METRICS)
@given(positive=scores, negative=scores, data=st.data())
def test_order_of_links_and_scale_of_scores_do_not_matter(
    metric, ties, positive, negative, data
) -> None:
    value = metric(_tensor(positive), _tensor(negative), ties=ties)
    shuffled = data.draw(st.permutations(positive)), data.draw(st.permutations(negative))
    assert metric(*map(_tensor, shuffled), ties=ties) == pytest.approx(value, rel=1e-14)
    p, n = (torch.atan(_tensor(v)) * 3 - 7 for v in (positive, negative))
    assert metric(p, n, ties=ties) == pytest.approx(value, rel=1e-14)


# --- Hand-made cases ---


def test_constant_scores_earn_the_least_by_default() -> None:
    same = torch.zeros(4)
    assert hits_at_k(same, same, 4) == 0
    assert mean_reciprocal_rank(same, same) == 1 / 5
    assert area_under_roc(same, same) == 0
    assert area_under_roc(same, same, ties="mean") == 0.5


def test_perfect_and_worst() -> None:
    low, high = torch.tensor([0.0, 1.0]), torch.tensor([2.0, 3.0])
    assert [m(high, low) for m in METRICS] == [1, 1, 1, 1]
    assert [m(low, high) for m in METRICS] == [0, 1 / 3, 0, (1 / 3 + 2 / 4) / 2]


def test_k_may_equal_the_number_of_negatives() -> None:
    positive, negative = torch.tensor([0.5, -1.0]), torch.tensor([1.0, 0.0])
    assert hits_at_k(positive, negative, 2) == 0.5


def test_negative_logits_are_ranked_like_any_other() -> None:
    """torchmetrics drops targets whose logit is <= 0."""
    assert mean_reciprocal_rank(torch.tensor([-1.0]), torch.tensor([-2.0, -3.0])) == 1


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16, torch.int32])
def test_any_dtype_gives_a_python_float(kind: torch.dtype) -> None:
    p, n = torch.tensor([2, 0]).to(kind), torch.tensor([1, 0]).to(kind)
    assert [type(m(p, n)) for m in METRICS] == [float] * 4
    assert area_under_roc(p, n) == 0.5


@pytest.mark.parametrize("metric", METRICS)
def test_arrays_tensors_and_columns_of_a_matrix_give_the_same(metric) -> None:
    p, n = np.array([2.0, 0.0]), np.array([1.0, 0.0])
    column = torch.from_numpy(np.stack([p, n], axis=1))
    value = metric(p, n)
    assert value == metric(torch.from_numpy(p), n) == metric(column[:, 0], column[:, 1])


def test_large_sets_need_no_square_of_memory() -> None:
    """2 million scores: a comparison of all pairs would take a terabyte."""
    generator = torch.Generator().manual_seed(0)
    positive = torch.rand(1_000_000, generator=generator)
    negative = torch.rand(1_000_000, generator=generator)
    assert abs(area_under_roc(positive, negative) - 0.5) < 0.01
    assert abs(hits_at_k(positive, negative, 500_000) - 0.5) < 0.01


# --- Refusals ---


@pytest.mark.parametrize("metric", METRICS)
def test_bad_scores_are_errors_not_perfect_scores(metric) -> None:
    good, nan = torch.tensor([1.0, 2.0]), torch.full((2,), math.nan)
    with pytest.raises(InputError, match="NaN"):
        metric(nan, nan)
    with pytest.raises(InputError, match="NaN"):
        metric(good, nan)
    with pytest.raises(InputError, match="positive is empty"):
        metric(good[:0], good)
    with pytest.raises(InputError, match="negative is empty"):
        metric(good, good[:0])
    with pytest.raises(UnknownNameError, match="did you mean 'mean'"):
        metric(good, good, ties="meen")


@pytest.mark.parametrize("metric", [METRICS[0], area_under_roc, average_precision])
def test_rows_of_negatives_are_for_reciprocal_rank_alone(metric) -> None:
    with pytest.raises(InputError, match="use mrr"):
        metric(torch.zeros(2), torch.zeros(2, 3))


@pytest.mark.parametrize("ties", TIE_RULES)
def test_fewer_negatives_than_k(ties) -> None:
    with pytest.raises(InputError, match="k is 3 with 2 negatives: expected at least k"):
        hits_at_k(torch.ones(5), torch.zeros(2), 3, ties=ties)


@pytest.mark.parametrize(("k", "error"), [(0, InputError), (-1, InputError)])
def test_k_out_of_range(k: int, error: type[Exception]) -> None:
    with pytest.raises(error, match=f"k is {k}: expected an integer >= 1"):
        hits_at_k(torch.ones(1), torch.zeros(2), k)


@pytest.mark.parametrize("k", [1.0, "1", True, None])
def test_k_of_another_type(k: object) -> None:
    with pytest.raises(InputTypeError, match="k is "):
        hits_at_k(torch.ones(1), torch.zeros(2), k)


def test_k_may_be_a_numpy_integer() -> None:
    assert hits_at_k(torch.ones(1), torch.zeros(2), np.int64(1)) == 1


# --- OGB's own Evaluator, on the inputs it is right about ---


@pytest.fixture(scope="module")
def ogb_evaluator():
    """OGB's Evaluator class, without importing ``ogb``, which asks the network for updates."""
    if importlib.util.find_spec("ogb") is None:
        pytest.skip("ogb is not installed: pip install 'pyg-graphlearn[ogb]'")
    # The file alone, by its place: neither `ogb/__init__.py`, which starts the update check in a
    # thread, nor the data sets beside it are run.
    folder = importlib.util.find_spec("ogb").submodule_search_locations[0]
    place = f"{folder}/linkproppred/evaluate.py"
    spec = importlib.util.spec_from_file_location("ogb_link_evaluate", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Evaluator


HITS = {"ogbl-ppa": 100, "ogbl-collab": 50, "ogbl-ddi": 20}


@pytest.mark.parametrize("name", HITS)
@pytest.mark.parametrize("levels", [4, 300, 10**6])
def test_ogb_hits(ogb_evaluator, name: str, levels: int) -> None:
    """``levels`` distinct scores: from nearly all tied to hardly any."""
    generator = torch.Generator().manual_seed(levels)
    evaluator = ogb_evaluator(name)
    for negatives in (HITS[name], 128, 700):
        p = torch.randint(levels, (257,), generator=generator) / levels
        n = torch.randint(levels, (negatives,), generator=generator) / levels
        expected = evaluator.eval({"y_pred_pos": p, "y_pred_neg": n})
        assert hits_at_k(p, n, evaluator.K, ties="ogb") == expected[f"hits@{evaluator.K}"]
        assert hits_at_k(p, n, evaluator.K, ties="ogb") == hits_at_k(p, n, evaluator.K)


@pytest.mark.parametrize("levels", [3, 50, 10**6])
def test_ogb_reciprocal_rank(ogb_evaluator, levels: int) -> None:
    generator = torch.Generator().manual_seed(levels)
    p = torch.randint(levels, (65,), generator=generator) / levels
    n = torch.randint(levels, (65, 40), generator=generator) / levels
    lists = ogb_evaluator("ogbl-citation2").eval({"y_pred_pos": p, "y_pred_neg": n})
    expected = lists["mrr_list"].double().mean().item()
    assert mean_reciprocal_rank(p, n, ties="ogb") == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("levels", [3, 50, 10**6])
def test_ogb_area(ogb_evaluator, levels: int) -> None:
    generator = torch.Generator().manual_seed(levels)
    p = torch.randint(levels, (65,), generator=generator) / levels
    n = torch.randint(levels, (90,), generator=generator) / levels
    expected = ogb_evaluator("ogbl-vessel").eval({"y_pred_pos": p, "y_pred_neg": n})
    assert area_under_roc(p, n, ties="ogb") == pytest.approx(expected["rocauc"], rel=1e-12)


def test_where_ogb_is_wrong_we_refuse(ogb_evaluator) -> None:
    nan, few = torch.full((3,), math.nan), torch.zeros(2)
    lists = ogb_evaluator("ogbl-citation2").eval({"y_pred_pos": nan, "y_pred_neg": nan[:, None]})
    assert lists["mrr_list"].tolist() == [1, 1, 1]
    with pytest.raises(InputError, match="NaN"):
        mean_reciprocal_rank(nan, nan[:, None], ties="ogb")
    assert ogb_evaluator("ogbl-ddi").eval({"y_pred_pos": few, "y_pred_neg": few}) == {"hits@20": 1}
    with pytest.raises(InputError, match="k is 20 with 2 negatives"):
        hits_at_k(few, few, 20, ties="ogb")
