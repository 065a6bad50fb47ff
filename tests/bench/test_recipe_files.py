from __future__ import annotations

from pathlib import Path

import pytest

from graphlearn.bench.recipe_files import (
    EMBEDDED_DATASET,
    find_recipe,
    model_names,
    published_figures,
    recipe_names,
)
from graphlearn.bench.suggestion import GraphStatistics, suggest_recipe
from graphlearn.errors import DataNotFoundError, InputError, UnknownNameError

MODELS = {"cn", "aa", "ra", "katz", "ppr", "gae", "gcn", "sage", "ncn", "ncnc"}


def test_every_model_has_recipes() -> None:
    assert set(model_names()) >= MODELS
    for model in MODELS:
        assert {f"{model}/{d}" for d in ("cora", "citeseer", EMBEDDED_DATASET, "default")} <= set(
            recipe_names()
        )


def test_model_alone_uses_the_embedded_data_set() -> None:
    assert find_recipe("ncn")[0].dataset == EMBEDDED_DATASET


@pytest.mark.parametrize(
    ("what", "dataset"), [("ncn/cora", None), ("ncn", "cora"), ("ncn/cora", "cora")]
)
def test_ways_to_one_recipe(what: str, dataset: str | None) -> None:
    recipe = find_recipe(what, dataset)[0]
    assert recipe.label == "ncn on cora"
    assert recipe.published is not None
    assert recipe.published.value == 89.05


def test_a_data_set_without_its_own_recipe_takes_the_default() -> None:
    recipe = find_recipe("ncn", "usair")[0]
    assert recipe.dataset == "usair"
    assert recipe.published is None
    assert recipe.model == find_recipe("ncn/default")[0].model


def test_another_data_set_leaves_the_published_figure_behind() -> None:
    recipe = find_recipe("ncn/cora", "citeseer")[0]
    assert recipe.dataset == "citeseer"
    assert recipe.published is None
    assert recipe.model == find_recipe("ncn/cora")[0].model


def test_a_file_of_one_s_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("{name: mine, model: {predictor: cn}}")
    assert find_recipe(path)[0].name == "mine"
    assert find_recipe(path, "cora")[0].dataset == "cora"


@pytest.mark.parametrize(
    ("what", "near"), [("ncnn", "ncn"), ("ncn/coro", "ncn/cora"), ("gnc", "gcn")]
)
def test_unknown(what: str, near: str) -> None:
    with pytest.raises(UnknownNameError, match="did you mean") as caught:
        find_recipe(what)
    assert near in str(caught.value)


def test_missing_file() -> None:
    with pytest.raises(DataNotFoundError):
        find_recipe("no/such/recipe.yaml")


def test_settings_are_reported() -> None:
    recipe, _, taken = find_recipe("ncn", "cora", {"train.epochs": 3, "nonsense": 1})
    assert taken == {"train.epochs"}
    assert recipe.train is not None
    assert recipe.train.epochs == 3


def test_published_figures_have_a_source() -> None:
    figures = published_figures()
    assert figures["ncnc", "citeseer"].value == 93.47
    assert figures["cn", "cora"].value == 34.05
    assert all(figure.source for figure in figures.values())


def test_a_model_without_a_recipe_for_the_data_set_says_which_it_has() -> None:
    with pytest.raises(InputError, match=r"^lcm has no recipe for cora: .*second-minimum-short"):
        find_recipe("lcm", "cora")
    with pytest.raises(InputError, match=r"; add --dataset "):
        find_recipe("lcm")


def test_a_recipe_without_a_data_set_is_not_run_on_one_that_nobody_named() -> None:
    recipe = suggest_recipe(GraphStatistics(332, 2126)).recipe
    with pytest.raises(InputError, match="the recipe 'cnmix' names no data set: expected one"):
        find_recipe(recipe)
    assert find_recipe(recipe, "usair")[0].dataset == "usair"
