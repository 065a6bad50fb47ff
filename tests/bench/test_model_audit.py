from __future__ import annotations

import pytest
import torch

from graphlearn.bench.model_audit import audit_recipe, sample_pairs
from graphlearn.bench.runs import resolve_recipes
from graphlearn.bench.split_source import SplitSource
from graphlearn.errors import InconsistentScoresError, InputError


@pytest.mark.parametrize(
    "model", ["cn", "aa", "ra", "katz", "ppr", "gae", "gcn", "sage", "ncn", "ocn", "cnmix"]
)
def test_shipped_models_are_consistent(model: str) -> None:
    (recipe,) = resolve_recipes(model, "digits-knn")
    assert audit_recipe(recipe, num_pairs=64).ok


def test_completion_is_consistent() -> None:
    settings = {"encoder.hidden_channels": 8, "predictor.hidden_channels": 8}
    (recipe,) = resolve_recipes("ncnc", "digits-knn", set=settings)
    assert audit_recipe(recipe, num_pairs=64).ok


def test_ocn_as_published_is_refused() -> None:
    (recipe,) = resolve_recipes("ocn", "digits-knn", set={"predictor.as_published": True})
    with pytest.raises(InconsistentScoresError, match="other pairs in its batch.*which endpoint"):
        audit_recipe(recipe, num_pairs=64)


def test_batch_frequency_is_refused() -> None:
    settings = {"predictor.node_weight": "batch-frequency"}
    (recipe,) = resolve_recipes("ncn", "digits-knn", set=settings)
    with pytest.raises(InconsistentScoresError, match="ncn on digits-knn is inconsistent"):
        audit_recipe(recipe, num_pairs=64)


def test_pairs_hold_links_and_a_hub() -> None:
    split = SplitSource("digits-knn").make(0)
    pairs = sample_pairs(split, 40, 0)
    assert pairs.size(1) == 40
    assert int(torch.bincount(pairs[0]).max()) >= 10
    assert torch.equal(pairs, sample_pairs(split, 40, 0))
    assert bool((pairs[0] != pairs[1]).all())


@pytest.mark.parametrize("num_pairs", [-5, 0, 3])
def test_too_few_pairs_to_compare_are_refused(num_pairs: int) -> None:
    split = SplitSource("digits-knn").make(0)
    with pytest.raises(InputError, match=f"num_pairs is {num_pairs}: expected"):
        sample_pairs(split, num_pairs, 0)
