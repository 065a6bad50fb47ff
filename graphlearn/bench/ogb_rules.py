"""What a run that calls itself OGB's may not change, and how a row says what it did change."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_files import find_recipe, recipe_names
from graphlearn.data import load_card
from graphlearn.errors import InputError

_FIXED = {
    "dataset": "the data sets that are named",
    "published": "the figure that the recipe states",
    "ties": "the rule of OGB's evaluator",
    "split.valid_ratio": "OGB's own split",
    "split.test_ratio": "OGB's own split",
}
_NOT_COMPARED = ("name", "title", "seeds", "published", "swept")
_IDLE = ("train.device", "train.checkpoint_seconds", "train.checkpoint_every")


def refuse_fixed(keys: Iterable[str]) -> None:
    """Raise for a setting that would make a figure another one than OGB's.

    Args:
        keys: The dotted keys that were given.

    Raises:
        InputError: Naming the first such key.

    Example:
        >>> refuse_fixed(["train.epochs", "ties"])
        Traceback (most recent call last):
        graphlearn.errors.InputError: --set ties: expected the rule of OGB's evaluator, which a \
benchmark run keeps; for anything else: graphlearn run
    """
    for key in keys:
        expected = _FIXED.get(key) or _FIXED.get(key.partition(".")[0])
        if expected is not None:
            raise InputError(
                f"--set {key}",
                expected=f"{expected}, which a benchmark run keeps",
                mend="for anything else: graphlearn run",
            )


def by_ogbs_rule(recipe: Recipe) -> Recipe:
    """Return the recipe with equal scores counted as OGB's evaluator does.

    Of Hits@K that is the package's own rule: a negative with the score of a link stands before it.

    Args:
        recipe: With data set and metrics filled in.

    Raises:
        InputError: If OGB's metric is not among its metrics, validation links join the graph at
            test time where OGB's rules do not say so, or a score depends on its batch.

    Example:
        >>> from graphlearn.bench.runs import resolve_recipes
        >>> by_ogbs_rule(resolve_recipes("cn", "ogbl-citation2")[0]).ties
        'ogb'
    """
    assert recipe.dataset is not None
    assert recipe.metrics is not None
    card = load_card(recipe.dataset)
    if card.metric not in recipe.metrics:
        raise InputError(
            f"{recipe.label} is measured by {', '.join(recipe.metrics)}",
            expected=f"{card.metric}, by which OGB ranks, among them",
        )
    if recipe.model.task != "links":
        return recipe
    _refuse_batch_dependence(recipe)
    asked = recipe.split.test_uses_valid_edges
    if asked and not card.split.test_uses_valid_edges:
        raise InputError(
            f"{recipe.label}: split.test_uses_valid_edges is true",
            expected="false: OGB's rules allow it on ogbl-collab alone",
        )
    hits = all(metric.startswith("hits@") for metric in recipe.metrics)
    return dataclasses.replace(recipe, ties="pessimistic" if hits else "ogb")


def _refuse_batch_dependence(recipe: Recipe) -> None:
    """Raise where a pair's score depends on the pairs beside it, or links are scored apart."""
    predictor = recipe.model.predictor
    options = {} if predictor is None else predictor.options
    reasons = {
        "train.negatives_apart is true": getattr(recipe.train, "negatives_apart", False),
        "predictor.as_published is true": predictor is not None
        and predictor.name == "ocn"
        and options.get("as_published", False),
        "predictor.node_weight is batch-frequency": options.get("node_weight") == "batch-frequency",
    }
    for reason, holds in reasons.items():
        if holds:
            raise InputError(
                f"{recipe.label}: {reason}",
                expected="scores that do not tell from the batch what is a link",
                mend="graphlearn run trains it all the same; graphlearn audit says what is wrong",
            )


def changed_values(recipe: Recipe) -> dict[str, Any] | None:
    """Return by dotted key what a recipe has otherwise than the one that ships under its name.

    Args:
        recipe: With data set and metrics filled in.

    Returns:
        Key to value here (None for what is left out), or None if no recipe of that name for that
        data set ships. Where it runs and how often it writes checkpoints is not compared.

    Example:
        >>> from graphlearn.bench.runs import resolve_recipes
        >>> changed_values(resolve_recipes("ncn", "ogbl-ddi", set={"train.epochs": 5})[0])
        {'train.epochs': 5}
    """
    what = f"{recipe.name}/{recipe.dataset}"
    if what not in recipe_names():
        return None
    here = _flat(recipe.to_mapping())
    shipped = find_recipe(what)[0]
    there = _flat(
        dataclasses.replace(shipped, metrics=shipped.metrics or recipe.metrics).to_mapping()
    )
    there["ties"] = here["ties"]  # set for the run by OGB's rule
    return {
        key: here.get(key)
        for key in sorted({*here, *there})
        if here.get(key) != there.get(key) and key not in _IDLE
    }


def _flat(mapping: dict[str, Any]) -> dict[str, Any]:
    """Dotted keys, as ``--set`` names them, to values; without what is but a label."""
    found: dict[str, Any] = {}

    def walk(value: Any, key: str) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, f"{key}.{name}" if key else name)
        else:
            found[key.removeprefix("model.")] = value

    walk({key: value for key, value in mapping.items() if key not in _NOT_COMPARED}, "")
    return found
