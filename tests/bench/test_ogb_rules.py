"""What makes a figure OGB's cannot be set; what can be is said."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from graphlearn.bench.ogb_recipes import ogb_names, pick_recipes
from graphlearn.bench.ogb_rules import by_ogbs_rule, changed_values, refuse_fixed
from graphlearn.bench.runs import resolve_recipes
from graphlearn.errors import InputError


@pytest.mark.parametrize(
    "key",
    ["ties", "dataset", "published.value", "published", "split.valid_ratio", "split.test_ratio"],
)
def test_what_is_ogbs_cannot_be_set(key: str) -> None:
    with pytest.raises(InputError, match=f"--set {key}: .*which a benchmark run keeps"):
        refuse_fixed(["train.epochs", key])
    for how in ({"set": {key: 1}}, {"sweep": {key: [1, 2]}}):
        with pytest.raises(InputError, match="which a benchmark run keeps"):
            pick_recipes(["ogbl-ddi"], ["gae"], **how)


def test_validation_links_join_where_ogb_says_so() -> None:
    joined = {"split.test_uses_valid_edges": True}
    assert pick_recipes(["ogbl-collab"], ["cn"], set=joined)
    with pytest.raises(InputError, match="allow it on ogbl-collab alone"):
        pick_recipes(["ogbl-ppa"], ["cn"], set=joined)
    left_out = {"split.test_uses_valid_edges": False}
    assert pick_recipes(["ogbl-collab"], ["cn"], set=left_out)


def test_ogbs_metric_is_among_those_measured() -> None:
    assert pick_recipes(["ogbl-ddi"], ["gae"], set={"metrics": ["auc", "hits@20"]})
    with pytest.raises(InputError, match="gae on ogbl-ddi is measured by auc: expected hits@20"):
        pick_recipes(["ogbl-ddi"], ["gae"], set={"metrics": ["auc"]})


def test_a_recipe_of_ones_own_gets_the_rule_too() -> None:
    (recipe,) = pick_recipes(["ogbl-ddi"], ["cn"])["ogbl-ddi"]
    lenient = dataclasses.replace(recipe, ties="optimistic")
    assert by_ogbs_rule(lenient).ties == "pessimistic"
    (recipe,) = pick_recipes(["ogbl-citation2"], ["cn"])["ogbl-citation2"]
    assert by_ogbs_rule(dataclasses.replace(recipe, ties="optimistic")).ties == "ogb"


@pytest.mark.parametrize("name", ogb_names())
def test_recipes_as_they_ship_have_nothing_changed(name: str) -> None:
    for recipe in pick_recipes([name], seeds=2, device="cpu")[name]:
        assert changed_values(recipe) == {}


def test_changes_are_named_with_their_values() -> None:
    changes = {"train.epochs": 2, "encoder.hidden_channels": 8, "train.checkpoint_seconds": 1.0}
    (recipe,) = pick_recipes(["ogbl-ddi"], ["ncn"], set=changes)["ogbl-ddi"]
    assert changed_values(recipe) == {"train.epochs": 2, "encoder.hidden_channels": 8}
    assert changed_values(dataclasses.replace(recipe, name="mine")) is None


@pytest.mark.parametrize(
    ("model", "settings", "reason"),
    [
        ("ocn/ogbl-ddi-published", {}, "train.negatives_apart is true"),
        ("ocn/ogbl-ddi", {"predictor.as_published": True}, "predictor.as_published is true"),
        ("gae/ogbl-ddi", {"train.negatives_apart": True}, "train.negatives_apart is true"),
        (
            "ncn/ogbl-ddi",
            {"predictor.node_weight": "batch-frequency"},
            "predictor.node_weight is batch-frequency",
        ),
    ],
)
def test_scores_that_depend_on_their_batch_are_refused(
    model: str, settings: dict[str, Any], reason: str
) -> None:
    (recipe,) = resolve_recipes(model, set=settings)
    with pytest.raises(InputError, match=f"{reason}: expected scores that do not tell"):
        by_ogbs_rule(recipe)
