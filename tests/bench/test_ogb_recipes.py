from __future__ import annotations

import pytest

from graphlearn.bench.ogb_recipes import ogb_names, pick_recipes
from graphlearn.errors import InputError, UnknownNameError


def test_the_names_are_those_of_the_issue() -> None:
    assert set(ogb_names()) == {
        "ogbl-collab", "ogbl-ddi", "ogbl-ppa", "ogbl-citation2", "ogbl-vessel", "ogbn-arxiv",
        "ogbn-products", "ogbn-papers100M", "ogbg-molhiv", "ogbg-molpcba", "ogbg-ppa",
    }  # fmt: skip


def test_every_name_has_recipes_of_its_own_heuristics_first() -> None:
    found = pick_recipes(ogb_names())
    assert set(found) == set(ogb_names())
    models = {name: [recipe.name for recipe in chosen] for name, chosen in found.items()}
    assert set(models["ogbl-ddi"]) >= {"cn", "aa", "ra", "ncn", "ncnc", "gcn", "sage"}
    assert set(models["ogbn-arxiv"]) == {"gcn", "sage", "gcnii", "resgcn+"}
    assert set(models["ogbg-molhiv"]) == {"gin", "gin-virtual", "sswl-plus"}
    trained = [recipe.model.is_trained for recipe in found["ogbl-ddi"]]
    assert trained == sorted(trained)


def test_a_model_runs_where_it_fits() -> None:
    found = pick_recipes(["ogbl-ddi", "ogbn-arxiv", "ogbl-ddi"], ["gcnii", "cn", "gcn"], seeds=3)
    assert {name: [recipe.name for recipe in chosen] for name, chosen in found.items()} == {
        "ogbl-ddi": ["cn", "gcn"],
        "ogbn-arxiv": ["gcnii", "gcn"],
    }
    assert all(recipe.seeds == (0, 1, 2) for chosen in found.values() for recipe in chosen)


def test_equal_scores_count_as_in_ogbs_evaluator() -> None:
    found = pick_recipes(["ogbl-vessel", "ogbl-citation2", "ogbl-ddi"], ["katz", "cn"])
    assert {
        recipe.ties for name in ("ogbl-vessel", "ogbl-citation2") for recipe in found[name]
    } == {"ogb"}
    assert {recipe.ties for recipe in found["ogbl-ddi"]} == {"pessimistic"}  # the same for hits@20


def test_settings_go_to_those_that_take_them() -> None:
    found = pick_recipes(["ogbl-ddi"], ["cn", "ncn"], device="cpu", set={"train.epochs": 2})
    assert found["ogbl-ddi"][1].train.epochs == 2


@pytest.mark.parametrize(
    ("names", "models", "settings", "error", "said"),
    [
        (["ogbl-dd1"], [], {}, UnknownNameError, "unknown OGB dataset .*did you mean 'ogbl-ddi'"),
        (["cora"], [], {}, UnknownNameError, "unknown OGB dataset 'cora'"),
        ([], [], {}, InputError, "no data set was named"),
        (["ogbl-ddi"], ["nncn"], {}, UnknownNameError, "did you mean 'ncn'"),
        (["ogbl-ddi"], ["gcnii"], {}, InputError, "gcnii has no recipe that can run on ogbl-ddi"),
        (["ogbl-ddi"], ["cn"], {"train.epochs": 2}, UnknownNameError, "unknown setting"),
        (["ogbl-ddi"], ["ncn"], {"train.epochs": 0}, InputError, "epochs is 0"),
    ],
)
def test_bad_input_is_refused(names, models, settings, error, said) -> None:
    with pytest.raises(error, match=said):
        pick_recipes(names, models, set=settings)
