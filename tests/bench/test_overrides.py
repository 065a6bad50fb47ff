from __future__ import annotations

from typing import Any

import pytest

from graphlearn.bench.overrides import apply_settings, refuse_untaken
from graphlearn.bench.recipe_files import find_recipe
from graphlearn.bench.recipe_yaml import recipe_from_document
from graphlearn.bench.runs import resolve_recipes
from graphlearn.bench.yaml_lines import parse_yaml
from graphlearn.errors import InputError, InputTypeError, UnknownNameError

TRAINED = parse_yaml(
    "name: a\n"
    "model:\n"
    "  encoder: {name: gcn, hidden_channels: 8}\n"
    "  predictor: dot\n",
    source="a.yaml",
)  # fmt: skip
HEURISTIC = parse_yaml("{name: b, model: {predictor: cn}}", source="b.yaml")


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("train.epochs", 5, lambda r: r.train.epochs),
        ("encoder.hidden_channels", 16, lambda r: r.model.encoder.options["hidden_channels"]),
        ("model.encoder.dropout", 0.5, lambda r: r.model.encoder.options["dropout"]),
        ("encoder.name", "sage", lambda r: r.model.encoder.name),
        ("predictor.name", "ncn", lambda r: r.model.predictor.name),
        ("ties", "mean", lambda r: r.ties),
        ("split.test_uses_valid_edges", True, lambda r: r.split.test_uses_valid_edges),
    ],
)
def test_settings_reach_the_recipe(key: str, value: Any, found: Any) -> None:
    document, taken = apply_settings(TRAINED, {key: value})
    assert found(recipe_from_document(document)) == value
    assert taken == {key}


def test_the_document_is_not_changed() -> None:
    apply_settings(TRAINED, {"train.epochs": 5, "encoder.dropout": 0.5})
    assert "train" not in TRAINED.value
    assert "dropout" not in TRAINED.value["model"]["encoder"]


def test_options_follow_a_new_name_in_any_order() -> None:
    settings = {"predictor.two_layer_head": True, "predictor.name": "ncn"}
    document, taken = apply_settings(TRAINED, settings)
    assert taken == set(settings)
    assert recipe_from_document(document).model.predictor.options == {"two_layer_head": True}


def test_a_setting_for_others_is_left_to_them() -> None:
    settings = {"train.epochs": 5}
    document, taken = apply_settings(HEURISTIC, settings)
    assert taken == set()
    assert document.value == HEURISTIC.value
    _, taken = apply_settings(TRAINED, settings)
    refuse_untaken(settings, taken, [HEURISTIC, TRAINED])


@pytest.mark.parametrize(
    ("key", "near"),
    [
        ("train.epoch", "train.epochs"),
        ("encoder.droput", "encoder.dropout"),
        ("model.encoder.droput", "encoder.dropout"),
        ("seed", "seeds"),
    ],
)
def test_a_setting_that_none_takes_is_refused(key: str, near: str) -> None:
    _, taken = apply_settings(TRAINED, {key: 1})
    with pytest.raises(UnknownNameError, match=f"did you mean '{near}'"):
        refuse_untaken({key: 1}, taken, [TRAINED])


def test_a_wrong_type_names_the_setting_not_the_file() -> None:
    document, _ = apply_settings(TRAINED, {"train.epochs": "many"})
    with pytest.raises(InputTypeError) as caught:
        recipe_from_document(document)
    assert str(caught.value).startswith("--set train.epochs=many: train.epochs is 'many'")


def test_a_value_out_of_range_is_said_to_come_from_where_it_came_from() -> None:
    with pytest.raises(InputError, match=r"^--set train\.epochs=-1: epochs is -1: "):
        find_recipe("ncn", "digits-knn", {"train.epochs": -1})


def test_options_of_an_option() -> None:
    (recipe,) = resolve_recipes(
        "lcm/second-minimum-short", set={"network.readout.associativity_weight": 1.0}
    )
    readout = recipe.model.network.options["readout"]
    assert readout == {"name": "lcm", "shuffle": True, "associativity_weight": 1.0}
    settings = {"predictor.pooling": "lcm", "predictor.pooling.tree": "chain"}
    (recipe,) = resolve_recipes("ncn", "cora", set=settings)
    assert recipe.model.predictor.options["pooling"] == {"name": "lcm", "tree": "chain"}
    with pytest.raises(UnknownNameError, match="setting 'predictor.dropout.x'"):
        resolve_recipes("ncn", "cora", set={"predictor.dropout.x": 1})
