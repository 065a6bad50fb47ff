from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from graphlearn.bench.recipe import ComponentRecipe, ModelRecipe, Published, Recipe, SplitRecipe
from graphlearn.errors import InputError
from graphlearn.pipeline import NodeTrainConfig
from graphlearn.train import TrainConfig

HEURISTIC = ModelRecipe(ComponentRecipe("cn"))
TRAINED = ModelRecipe(ComponentRecipe("dot"), ComponentRecipe("gcn", {"hidden_channels": 8}))


def recipe(**changes: Any) -> Recipe:
    values: dict[str, Any] = {
        "name": "gcn", "model": TRAINED, "dataset": "cora", "train": TrainConfig(epochs=3),
    }  # fmt: skip
    return Recipe(**{**values, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "a/b"},
        {"name": ""},
        {"seeds": ()},
        {"seeds": (1, 1)},
        {"seeds": (-1,)},
        {"metrics": ()},
        {"metrics": ("auc", "auc")},
        {"model": HEURISTIC},
        {"swept": ("train.epoch",)},
        {"swept": ("encoder.dropout",)},  # at its default, which the recipe does not name
    ],
)
def test_unusable(changes: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        recipe(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"train": TrainConfig(epochs=4)},
        {"train": TrainConfig(epochs=3, dtype="float64")},
        {"dataset": "citeseer"},
        {"metrics": ("auc",)},
        {"ties": "mean"},
        {"split": SplitRecipe(0.1, 0.1)},
        {"split": SplitRecipe(test_uses_valid_edges=True)},
        {"model": dataclasses.replace(TRAINED, predictor=ComponentRecipe("hadamard"))},
    ],
)
def test_what_decides_a_result_changes_the_digest(changes: dict[str, Any]) -> None:
    assert recipe(**changes).digest() != recipe().digest()


@pytest.mark.parametrize(
    "changes",
    [
        {"name": "other"},
        {"title": "A sentence"},
        {"seeds": (0, 1, 2)},
        {"published": Published("auc", 90.0, "a paper")},
        {"train": TrainConfig(epochs=3, checkpoint_seconds=0.0)},
        {"train": TrainConfig(epochs=3, weight_decay=0.0)},
        {"swept": ("train.epochs", "encoder.hidden_channels")},
    ],
)
def test_what_decides_nothing_leaves_the_digest(changes: dict[str, Any]) -> None:
    assert recipe(**changes).digest() == recipe().digest()


def test_option_order_leaves_the_digest() -> None:
    one = ComponentRecipe("ncn", {"dropout": 0.1, "beta": 1.0})
    two = ComponentRecipe("ncn", {"beta": 1.0, "dropout": 0.1})
    digests = {recipe(model=ModelRecipe(c, TRAINED.encoder)).digest() for c in (one, two)}
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("dataset", "label"),
    [("cora", "cora"), ("/a/b/my.links.csv", "my.links"), ("a/links.txt.gz", "links")],
)
def test_dataset_label(dataset: str, label: str) -> None:
    assert recipe(dataset=dataset).dataset_label == label


def test_full_mapping_writes_defaults_out() -> None:
    assert recipe().to_mapping()["train"]["weight_decay"] == 0.0
    assert recipe().to_mapping(full=False)["train"] == {"epochs": 3}


@pytest.mark.parametrize("ratios", [(0.1, None), (None, 0.1), (0.0, 0.2), (0.5, 0.5), (-0.1, 0.2)])
def test_split_ratios(ratios: tuple[float | None, float | None]) -> None:
    with pytest.raises(InputError):
        SplitRecipe(*ratios)


def test_a_model_is_for_links_for_graphs_or_for_nodes() -> None:
    network = ComponentRecipe("graph-network")
    with pytest.raises(InputError, match="neither predictor nor network"):
        ModelRecipe()
    with pytest.raises(InputError, match="a predictor and a network"):
        ModelRecipe(ComponentRecipe("cn"), network=network)
    with pytest.raises(InputError, match="a network and an encoder"):
        ModelRecipe(encoder=ComponentRecipe("gcn"), network=network)
    assert [ModelRecipe(network=network).is_trained, TRAINED.is_trained, HEURISTIC.is_trained] == [
        True,
        True,
        False,
    ]
    with pytest.raises(InputError, match="a network and a split of links"):
        recipe(model=ModelRecipe(network=network), split=SplitRecipe(0.1, 0.1))
    stack = ComponentRecipe("gcnii", {"hidden_channels": 8, "num_layers": 4})
    with pytest.raises(InputError, match="a network and a stack"):
        ModelRecipe(network=network, stack=stack)
    with pytest.raises(InputError, match="a stack and an encoder"):
        ModelRecipe(encoder=ComponentRecipe("gcn"), stack=stack)
    with pytest.raises(InputError, match="a stack and a split of links"):
        recipe(model=ModelRecipe(stack=stack), split=SplitRecipe(0.1, 0.1))
    models = (TRAINED, ModelRecipe(network=network), ModelRecipe(stack=stack))
    assert [model.task for model in models] == ["links", "graphs", "nodes"]


def test_how_often_a_checkpoint_is_written_leaves_the_digest() -> None:
    stack = ComponentRecipe("gcnii", {"hidden_channels": 8, "num_layers": 4})
    one, two, three = (
        recipe(model=ModelRecipe(stack=stack), train=NodeTrainConfig(**changes))
        for changes in ({}, {"checkpoint_every": 3}, {"chunks": 3})
    )
    assert one.digest() == two.digest() != three.digest()


def test_a_recipe_of_a_sweep_is_named_by_its_own_values() -> None:
    swept = recipe(swept=("train.epochs", "encoder.hidden_channels"))
    assert swept.swept_values == {"train.epochs": 3, "encoder.hidden_channels": 8}
    assert swept.shown_name == "gcn (epochs=3, hidden_channels=8)"
    assert swept.label == "gcn (epochs=3, hidden_channels=8) on cora"
    changed = dataclasses.replace(swept, train=TrainConfig(epochs=4))
    assert changed.shown_name == "gcn (epochs=4, hidden_channels=8)"
