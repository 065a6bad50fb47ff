from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.bench.recipe import ComponentRecipe, ModelRecipe, Recipe
from graphlearn.bench.recipe_files import recipe_names
from graphlearn.bench.recipe_yaml import (
    load_recipe,
    model_from_mapping,
    recipe_from_text,
    recipe_text,
)
from graphlearn.errors import DataNotFoundError, InputError, InputTypeError, UnknownNameError
from graphlearn.resources import experiments_dir
from graphlearn.train import GraphTrainConfig, TrainConfig

TEXT = """\
name: demo
dataset: cora
model:
  encoder:
    name: gcn
    hidden_channels: 8
  predictor:
    name: ncn
    dropout: 0.1
train:
  epochs: 5
metrics: [hits@100, auc]
seeds: [0, 4]
published:
  metric: hits@100
  value: 89.05
  source: a paper
"""


def changed(old: str, new: str) -> str:
    assert old in TEXT
    return TEXT.replace(old, new)


def test_reads_every_part() -> None:
    recipe = recipe_from_text(TEXT)
    assert recipe.model.encoder == ComponentRecipe("gcn", {"hidden_channels": 8})
    assert recipe.model.predictor == ComponentRecipe("ncn", {"dropout": 0.1})
    assert recipe.train == TrainConfig(epochs=5)
    assert recipe.metrics == ("hits@100", "auc")
    assert recipe.seeds == (0, 4)
    assert recipe.published is not None
    assert recipe.published.value == 89.05


@pytest.mark.parametrize(
    ("old", "new", "error", "words"),
    [
        ("metrics:", "metrix:", UnknownNameError, ["a.yaml, line 12", "did you mean 'metrics'"]),
        (
            "  epochs:",
            "  epoch:",
            UnknownNameError,
            ["line 11", "'train'", "did you mean 'epochs'"],
        ),
        ("dropout:", "dropuot:", UnknownNameError, ["line 9", "'ncn'", "did you mean 'dropout'"]),
        ("name: gcn", "name: gcm", UnknownNameError, ["line 5", "did you mean 'gcn'"]),
        ("epochs: 5", "epochs: five", InputTypeError, ["line 11", "train.epochs is 'five'"]),
        ("epochs: 5", "epochs: 0", InputError, ["line 11", "epochs is 0"]),
        ("dropout: 0.1", "dropout: [1]", InputTypeError, ["line 9", "predictor.dropout"]),
        ("    hidden_channels: 8\n", "", InputError, ["line 4", "lacks hidden_channels"]),
        ("seeds: [0, 4]", "seeds: 0", InputError, ["line 13", "seeds is 0"]),
        ("seeds: [0, 4]", "seeds: [0, 0]", InputError, ["seeds are [0, 0]"]),
        ("  metric: hits@100\n", "", InputError, ["line 14", "lacks metric"]),
        ("name: demo\n", "", InputError, ["the recipe lacks name"]),
        ("  epochs: 5", "  - 5", InputTypeError, ["line 10", "a mapping of keys to values"]),
    ],
)
def test_faults_are_named_with_their_place(
    old: str, new: str, error: type[Exception], words: list[str]
) -> None:
    with pytest.raises(error) as caught:
        recipe_from_text(changed(old, new), source="a.yaml")
    for word in ["a.yaml", *words]:
        assert word in str(caught.value)


def test_a_heuristic_with_training_settings_is_refused() -> None:
    with pytest.raises(InputError, match="no encoder"):
        recipe_from_text("{name: cn, model: {predictor: cn}, train: {epochs: 3}}")


@pytest.mark.parametrize("text", ["", "[1, 2]", "just words"])
def test_not_a_mapping(text: str) -> None:
    with pytest.raises(InputTypeError, match="a mapping"):
        recipe_from_text(text)


def test_names_in_short() -> None:
    assert model_from_mapping({"predictor": "cn"}) == ModelRecipe(ComponentRecipe("cn"))


def test_an_encoder_without_training_settings_gets_the_defaults() -> None:
    text = "{name: a, model: {encoder: {name: gcn, hidden_channels: 8}, predictor: dot}}"
    assert recipe_from_text(text).train == TrainConfig()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError):
        load_recipe(tmp_path / "none.yaml")


@given(
    st.builds(
        TrainConfig,
        epochs=st.integers(1, 10**6),
        encoder_learning_rate=st.floats(0, 1e3),
        patience=st.none() | st.integers(1, 100),
        remove_targets=st.booleans(),
    ),
    st.lists(st.integers(0, 2**40), min_size=1, max_size=5, unique=True),
    st.booleans(),
)
def test_text_form_is_exact(train: TrainConfig, seeds: list[int], full: bool) -> None:
    model = ModelRecipe(ComponentRecipe("dot"), ComponentRecipe("gcn", {"hidden_channels": 8}))
    recipe = Recipe("a", model, train=train, seeds=tuple(seeds), metrics=("auc",), title="a: b")
    assert recipe_from_text(recipe_text(recipe, full=full)) == recipe


@pytest.mark.parametrize("name", recipe_names())
def test_every_shipped_recipe_reads(name: str) -> None:
    model, dataset = name.split("/")
    recipe = load_recipe(experiments_dir() / f"{name}.yaml")
    assert recipe.name == model
    if dataset == "default":
        assert recipe.dataset is None
    else:  # a data set may have several recipes: "cora", "cora-published"
        assert recipe.dataset is not None
        assert dataset == recipe.dataset or dataset.startswith(f"{recipe.dataset}-")
    assert recipe.published is None or recipe.published.metric in (recipe.metrics or ())
    assert recipe_from_text(recipe_text(recipe)) == recipe


def test_a_network_has_training_settings_of_its_own() -> None:
    text = "{name: a, dataset: second-minimum, model: {network: {name: graph-network, %s}}%s}"
    recipe = recipe_from_text(text % ("hidden_channels: 8", ", train: {schedule: cosine}"))
    assert recipe.train == GraphTrainConfig(schedule="cosine")
    assert recipe_from_text(recipe_text(recipe)) == recipe
    assert recipe_from_text(text % ("hidden_channels: 8", "")).train == GraphTrainConfig()
    with pytest.raises(UnknownNameError, match="remove_targets"):
        recipe_from_text(text % ("hidden_channels: 8", ", train: {remove_targets: true}"))
    with pytest.raises(InputError, match="lacks hidden_channels"):
        recipe_from_text(text % ("num_layers: 2", ""))
    with pytest.raises(UnknownNameError, match="did you mean 'readout'"):
        recipe_from_text(text % ("hidden_channels: 8, readot: sum", ""))
    with pytest.raises(InputError, match="a predictor and a network"):
        recipe_from_text("{name: a, model: {predictor: cn, network: {name: graph-network, "
                         "hidden_channels: 8}}}")  # fmt: skip


def test_nodes_are_trained_from_samples_where_a_fan_out_is_named() -> None:
    text = "{name: a, model: {stack: {name: sage, hidden_channels: 4, num_layers: 2}}, train: {%s}}"
    sampled = recipe_from_text(text % "fan_out: [5, 3], epochs: 2")
    assert type(sampled.train).__name__ == "SampledTrainConfig"
    assert sampled.train.fan_out == (5, 3)
    assert recipe_from_text(recipe_text(sampled)) == sampled
    assert recipe_from_text(recipe_text(sampled, full=False)) == sampled
    assert type(recipe_from_text(text % "epochs: 2").train).__name__ == "NodeTrainConfig"
    with pytest.raises(UnknownNameError, match="chunks"):
        recipe_from_text(text % "fan_out: [5, 3], chunks: 2")


def test_the_keys_of_a_sweep_are_kept_and_must_be_keys() -> None:
    text = (
        "{name: a, train: {epochs: 5}, swept: [%s], "
        "model: {encoder: {name: gcn, hidden_channels: 8}, predictor: dot}}"
    )
    recipe = recipe_from_text(text % "train.epochs")
    assert recipe.swept == ("train.epochs",)
    assert recipe_from_text(recipe_text(recipe)) == recipe
    with pytest.raises(InputError, match="swept names 'train.epoch', which has no value"):
        recipe_from_text(text % "train.epoch")
