from __future__ import annotations

import dataclasses

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from torch_geometric.data import Data

from graphlearn.bench.build import build_model
from graphlearn.bench.recipe_files import find_recipe
from graphlearn.bench.recipe_yaml import recipe_from_text
from graphlearn.bench.suggestion import (
    SUGGESTED_MODELS,
    GraphStatistics,
    Suggestion,
    suggest_recipe,
)
from graphlearn.data import load_card
from graphlearn.errors import InputError, InputTypeError, UnknownNameError

SEAL = ("usair", "ns", "celegans", "router", "ecoli", "facebook", "arxiv-astroph")


@pytest.mark.parametrize("model", SUGGESTED_MODELS)
@pytest.mark.parametrize("name", SEAL)
def test_the_recipes_of_seals_graphs_are_the_defaults(name: str, model: str) -> None:
    card = load_card(name)
    assert card.num_nodes is not None
    assert card.num_edges is not None
    known = GraphStatistics(card.num_nodes, card.num_edges)
    suggested = suggest_recipe(known, model, dataset=name).recipe
    shipped = find_recipe(f"{model}/{name}")[0]
    changed = dataclasses.replace(
        suggested,
        title=shipped.title,
        metrics=("auc", "ap", "hits@50"),
        ties="mean",
        seeds=shipped.seeds,
    )
    assert shipped == changed


@pytest.mark.parametrize("model", SUGGESTED_MODELS)
@given(
    nodes=st.integers(10, 10**8),
    links=st.integers(10, 10**9),
    features=st.sampled_from([0, 1, 1433]),
)
def test_any_graph_gets_a_recipe_that_reads_back(
    model: str, nodes: int, links: int, features: int
) -> None:
    assume(nodes * (nodes - 1) // 2 >= 1.3 * links)
    suggestion = suggest_recipe(GraphStatistics(nodes, links, features), model, dataset="cora")
    assert isinstance(suggestion, Suggestion)
    assert recipe_from_text(suggestion.text()) == suggestion.recipe
    train = suggestion.recipe.train
    assert train is not None
    assert train.batch_size <= 16384
    # While a batch is scored its links are out of the graph: few of those for training, of which
    # there are seven tenths at least.
    assert train.batch_size <= max(1, 0.15 * 0.7 * links)
    assert 30 <= train.epochs <= 200
    assert all(f"# {reason}\n" in suggestion.text() for reason in suggestion.reasons)


@pytest.mark.parametrize("model", SUGGESTED_MODELS)
@pytest.mark.parametrize("features", [0, 5])
def test_what_is_suggested_can_be_built(model: str, features: int) -> None:
    recipe = suggest_recipe(GraphStatistics(50, 200, features), model).recipe
    made = build_model(recipe.model, in_channels=features or None, num_nodes=50, seed=0)
    x = torch.randn(50, features) if features else None
    pairs = torch.tensor([[0, 1], [2, 3]])
    assert made.eval()(x, pairs, pairs).shape == (2,)


def test_statistics_of_a_graph_count_links_once() -> None:
    edges = torch.tensor([[0, 1, 1, 2, 2], [1, 0, 2, 3, 2]])
    more = torch.stack([torch.arange(4, 14), torch.arange(5, 15)])
    data = Data(edge_index=torch.cat([edges, more], dim=1), num_nodes=20, x=torch.zeros(20, 3))
    known = GraphStatistics.of(data)
    assert known == GraphStatistics(20, 13, 3)
    assert known.mean_degree == 1.3
    assert suggest_recipe(data).recipe == suggest_recipe(known).recipe


def test_few_links_and_unknown_models_are_refused() -> None:
    with pytest.raises(InputError, match="^the graph has 9 links: expected at least 10"):
        GraphStatistics(100, 9)
    with pytest.raises(InputError, match=r"^the graph has 1 link: expected at least 10"):
        GraphStatistics(100, 1)
    with pytest.raises(InputError, match="45 links leave 0 pairs of its 10 nodes unlinked"):
        GraphStatistics(10, 45)  # a complete graph has nothing to tell links from
    for bad in ((0, 20), (10, 20, -3)):
        with pytest.raises(InputError):
            GraphStatistics(*bad)
    with pytest.raises(InputTypeError):
        GraphStatistics(5, 20.5)  # type: ignore[arg-type]
    with pytest.raises(UnknownNameError, match="unknown model with defaults 'cnmx'.*'cnmix'"):
        suggest_recipe(GraphStatistics(100, 90), "cnmx")
    with pytest.raises(InputTypeError):
        suggest_recipe([[0, 1]])  # type: ignore[arg-type]


def test_beside_features_neighborhoods_are_of_first_order_and_as_they_are() -> None:
    recipe = suggest_recipe(GraphStatistics(2708, 5278, 1433)).recipe
    assert recipe.model.predictor is not None
    assert recipe.model.predictor.options["completion"] is False
    assert recipe.model.predictor.options["second_order"] is False
