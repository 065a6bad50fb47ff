from __future__ import annotations

import importlib.util
import math

import numpy as np
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


@pytest.fixture(scope="module")
def ogb_evaluator():
    """OGB's Evaluator of graphs, by its file alone: ``ogb/__init__.py`` asks the network."""
    if importlib.util.find_spec("ogb") is None:
        pytest.skip("ogb is not installed: pip install 'pyg-graphlearn[ogb]'")
    folder = importlib.util.find_spec("ogb").submodule_search_locations[0]
    place = f"{folder}/graphproppred/evaluate.py"
    spec = importlib.util.spec_from_file_location("ogb_graph_evaluate", place)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Evaluator


@pytest.mark.parametrize("levels", [2, 9, 10**6])
@pytest.mark.parametrize("missing", [0.0, 0.4])
def test_precision_and_area_are_ogbs_with_bits_that_are_not_known(
    ogb_evaluator, levels: int, missing: float
) -> None:
    rng = np.random.default_rng(levels)
    scores = rng.integers(levels, size=(70, 128)) / levels
    bits = rng.integers(2, size=(70, 128)).astype(float)
    bits[rng.random(bits.shape) < missing] = np.nan
    bits[:, 3], bits[:, 4], bits[:, 5] = 0, 1, np.nan  # none of them counts
    ours = PredictionEvaluator(["ap", "auc"])([(torch.tensor(scores), torch.tensor(bits))])
    expected = ogb_evaluator("ogbg-molpcba").eval({"y_true": bits, "y_pred": scores})
    assert ours["ap"] == pytest.approx(expected["ap"], rel=1e-12)
    other = ogb_evaluator("ogbg-molhiv")
    other.num_tasks = 128
    expected = other.eval({"y_true": bits, "y_pred": scores})
    assert ours["auc"] == pytest.approx(expected["rocauc"], rel=1e-12)


def test_accuracy_is_ogbs(ogb_evaluator) -> None:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(90, 37, generator=generator)
    classes = torch.randint(37, (90, 1), generator=generator)
    expected = ogb_evaluator("ogbg-ppa").eval(
        {"y_true": classes, "y_pred": logits.argmax(1, keepdim=True)}
    )
    assert PredictionEvaluator(["accuracy"])([(logits, classes)])["accuracy"] == expected["acc"]


def test_only_metrics_of_bits_leave_unknown_targets_out() -> None:
    made, true = torch.zeros(2, 1), torch.tensor([[torch.nan], [1.0]])
    for metrics in (["mae"], ["ap", "all-bits"]):
        with pytest.raises(InputError, match="1 of 2 targets are NaN: expected numbers, for"):
            PredictionEvaluator(metrics)([(made, true)])
    with pytest.raises(InputError, match="ap has targets of one kind alone"):
        PredictionEvaluator(["ap"])([(made, true)])
