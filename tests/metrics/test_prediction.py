from __future__ import annotations

import math

import pytest
import torch
from sklearn.metrics import roc_auc_score

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.metrics import PredictionEvaluator, lower_is_better, metrics_of_classes


def test_errors_are_means_of_the_columns_means() -> None:
    nodes = (torch.tensor([[1.0], [2.0], [3.0], [6.0]]), torch.zeros(4, 1))
    graphs = (torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]]))
    found = PredictionEvaluator(["mae", "mse", "log10-mse"])([nodes, graphs])
    assert found["mae"] == (3 + 1 + 2) / 3
    assert found["mse"] == pytest.approx((12.5 + 1 + 4) / 3)
    assert found["log10-mse"] == pytest.approx(math.log10((12.5 + 1 + 4) / 3))


def test_all_bits_must_be_right() -> None:
    logits = torch.tensor([[1.0, -1.0], [1.0, 1.0], [-0.5, -2.0], [0.0, -1.0]])
    bits = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0], [1.0, 0.0]])
    assert PredictionEvaluator(["all-bits"])([(logits, bits)]) == {"all-bits": 0.5}


def test_which_way_is_better() -> None:
    assert [name for name in ("mae", "mse", "log10-mse", "mae/large") if lower_is_better(name)] == [
        "mae",
        "mse",
        "log10-mse",
        "mae/large",
    ]
    assert not any(map(lower_is_better, ("all-bits", "all-bits/n32", "hits@100", "auc", "")))


def test_perfect_predictions_have_a_logarithm() -> None:
    exact = torch.ones(3, 1)
    assert PredictionEvaluator(["log10-mse"])([(exact, exact)])["log10-mse"] == -300


def test_bad_input_is_refused() -> None:
    evaluator = PredictionEvaluator(["mae"])
    with pytest.raises(InputError, match=r"shape \[2, 1\] and targets \[1, 1\]"):
        evaluator([(torch.zeros(2, 1), torch.zeros(1, 1))])
    with pytest.raises(InputError, match="1 of 2 predictions are NaN"):
        evaluator([(torch.tensor([[0.0], [torch.nan]]), torch.zeros(2, 1))])
    with pytest.raises(InputError, match="nothing to evaluate"):
        evaluator([])
    with pytest.raises(InputTypeError, match=r"pass \('mae',\)"):
        PredictionEvaluator("mae")
    with pytest.raises(UnknownNameError, match="did you mean 'mae'"):
        PredictionEvaluator(["maee"])
    with pytest.raises(InputError, match="each once"):
        PredictionEvaluator(["mae", "mae"])


def test_the_largest_logit_must_be_that_of_the_class() -> None:
    logits = torch.tensor([[0.1, 0.9, 0.0], [2.0, 1.0, 0.0], [0.0, 0.0, 1.0], [0.0, 3.0, 1.0]])
    classes = torch.tensor([[1], [0], [2], [2]])
    assert PredictionEvaluator(["accuracy"])([(logits, classes)]) == {"accuracy": 0.75}


def test_the_cross_entropy_is_a_mean_over_rows_in_float64() -> None:
    logits, classes = torch.randn(7, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0]).view(-1, 1)
    expected = torch.nn.functional.cross_entropy(logits.double(), classes[:, 0])
    parts = [(logits[:2], classes[:2]), (logits[2:], classes[2:])]
    found = PredictionEvaluator(["accuracy", "cross-entropy"])(parts)
    assert found["cross-entropy"] == pytest.approx(float(expected), rel=1e-12)
    assert lower_is_better("cross-entropy")


def test_the_area_is_scikit_learns_and_ogbs() -> None:
    generator = torch.Generator().manual_seed(0)
    scores = torch.randint(6, (60, 3), generator=generator).float()  # with ties
    bits = torch.randint(2, (60, 3), generator=generator).float()
    wanted = [roc_auc_score(bits[:, c], scores[:, c]) for c in range(3)]
    evaluator = PredictionEvaluator(["auc", "all-bits"])
    assert evaluator([(scores, bits)])["auc"] == pytest.approx(sum(wanted) / 3, abs=1e-12)
    bits[:, 1] = 0  # a column of one kind has no area and is left out
    assert evaluator([(scores, bits)])["auc"] == pytest.approx((wanted[0] + wanted[2]) / 2)
    with pytest.raises(InputError, match="targets of one kind alone"):
        evaluator([(scores, torch.ones(60, 3))])
    with pytest.raises(InputError, match="targets beside 0 and 1"):
        evaluator([(scores, 2 * torch.ones(60, 3))])


def test_metrics_of_classes_stand_alone_and_take_classes() -> None:
    with pytest.raises(InputError, match="metrics are accuracy, mae: expected all of classes"):
        PredictionEvaluator(["accuracy", "mae"])
    assert metrics_of_classes(["accuracy"])
    assert not metrics_of_classes(["auc", "mae"])
    evaluator = PredictionEvaluator(["accuracy"])
    for classes in (torch.zeros(2, 1), torch.zeros(2, 2, dtype=torch.int64)):
        with pytest.raises(InputError, match="expected logits"):
            evaluator([(torch.zeros(2, 2), classes)])
    with pytest.raises(InputError, match=r"classes run from 0 to 2: expected classes in \[0, 2\)"):
        evaluator([(torch.zeros(2, 2), torch.tensor([[0], [2]]))])
