from __future__ import annotations

import math

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.metrics import PredictionEvaluator, lower_is_better


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
