from __future__ import annotations

import pytest
import torch
from torch_geometric.data import Data

from graphlearn.bench.build import build, build_model
from graphlearn.bench.components import component_options
from graphlearn.bench.recipe import ComponentRecipe, ModelRecipe
from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import ENCODERS, PREDICTORS, LinkModel

GCN = ComponentRecipe("gcn", {"hidden_channels": 4})
EDGES = torch.tensor([[0, 1, 2, 0], [1, 2, 3, 2]])
PAIRS = torch.tensor([[0, 1], [3, 3]])


@pytest.mark.parametrize("predictor", PREDICTORS.names())
@pytest.mark.parametrize("encoder", ENCODERS.names())
def test_every_encoder_fits_every_predictor(encoder: str, predictor: str) -> None:
    options = {"hidden_channels": 4}
    if encoder == "reweighted":
        options = {"encoder": {"name": "gcn", **options}}
    recipe = ModelRecipe(ComponentRecipe(predictor), ComponentRecipe(encoder, options))
    graph = CSRGraph.from_edge_index(EDGES, num_nodes=5)
    entries = graph.col.numel()
    model = build_model(recipe, in_channels=3, num_nodes=5, num_entries=entries, seed=0)
    assert model.eval()(torch.rand(5, 3), graph, PAIRS).shape == (2,)


@pytest.mark.parametrize("predictor", ["cn", "aa", "ra", "katz", "ppr"])
def test_heuristics_stand_alone(predictor: str) -> None:
    model = build_model(
        ModelRecipe(ComponentRecipe(predictor)), in_channels=None, num_nodes=5, seed=0
    )
    assert model.encoder is None
    graph = CSRGraph.from_edge_index(EDGES, num_nodes=5)
    assert model.predictor(None, graph, PAIRS).shape == (2,)


def test_a_graph_without_features_gets_embeddings() -> None:
    model = build_model(
        ModelRecipe(ComponentRecipe("dot"), GCN), in_channels=None, num_nodes=5, seed=0
    )
    graph = CSRGraph.from_edge_index(EDGES, num_nodes=5)
    assert model.encode(None, graph).shape == (5, 4)


def test_weights_come_from_the_seed_alone() -> None:
    recipe = ModelRecipe(ComponentRecipe("ncn"), GCN)
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = build_model(recipe, in_channels=3, num_nodes=5, seed=7).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    torch.rand(3)
    two = build_model(recipe, in_channels=3, num_nodes=5, seed=7).state_dict()
    other = build_model(recipe, in_channels=3, num_nodes=5, seed=8).state_dict()
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_a_predictor_of_node_states_needs_an_encoder() -> None:
    with pytest.raises(InputError, match="'ncn' has no encoder"):
        build_model(ModelRecipe(ComponentRecipe("ncn")), in_channels=3, num_nodes=5, seed=0)


def test_unknown_name() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'ncn'"):
        build_model(ModelRecipe(ComponentRecipe("nnc"), GCN), in_channels=3, num_nodes=5, seed=0)


def test_an_option_that_is_refused_says_whose_it_is() -> None:
    wide = ModelRecipe(ComponentRecipe("hadamard", {"dropout": 2.0}), GCN)
    with pytest.raises(InputError, match=r"^predictor hadamard: dropout is 2\.0: expected"):
        build_model(wide, in_channels=5, num_nodes=4, seed=0)
    dropping = ComponentRecipe("gcn", {"hidden_channels": 4, "dropout": "much"})
    with pytest.raises(InputTypeError, match="^encoder gcn: dropout is 'much': expected"):
        build_model(
            ModelRecipe(ComponentRecipe("dot"), dropping), in_channels=5, num_nodes=4, seed=0
        )


def test_options_reach_the_constructor() -> None:
    assert "two_layer_head" in component_options("predictor", "ncn")
    sizes = []
    for two in (False, True):
        recipe = ModelRecipe(ComponentRecipe("ncn", {"two_layer_head": two}), GCN)
        model = build_model(recipe, in_channels=3, num_nodes=5, seed=0)
        sizes.append(sum(p.numel() for p in model.parameters()))
    assert sizes[1] > sizes[0]


NETWORK = ComponentRecipe("graph-network", {"hidden_channels": 4, "num_layers": 1})
SIZES = {
    "in_channels": 3,
    "num_categories": None,
    "num_edge_categories": None,
    "out_channels": 2,
    "node_out_channels": None,
    "degree_histogram": [0, 2, 1],
    "size_histogram": [0, 0, 2],
}


def test_a_network_is_built_from_sizes_and_seed_alone() -> None:
    recipe = ModelRecipe(network=NETWORK)
    one, two, other = (build(recipe, SIZES, seed).state_dict() for seed in (7, 7, 8))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], other[name]) for name in one)


def test_histograms_reach_the_aggregators() -> None:
    options = {**NETWORK.options, "aggregator": "pna", "readout": "pna"}
    network = build(ModelRecipe(network=ComponentRecipe("graph-network", options)), SIZES, 0)
    data = Data(x=torch.zeros(2, 3), edge_index=torch.tensor([[0], [1]]))
    assert network(data).shape == (1, 2)


def test_a_link_model_is_built_from_the_same_call() -> None:
    model = build(ModelRecipe(ComponentRecipe("dot"), GCN), {"in_channels": 3, "num_nodes": 5}, 0)
    assert isinstance(model, LinkModel)


def test_a_stack_is_built_from_sizes_and_seed_alone() -> None:
    recipe = ModelRecipe(
        stack=ComponentRecipe("sage", {"hidden_channels": 4, "num_layers": 2, "aggregation": "max"})
    )
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one, two = (build(recipe, {"in_channels": 3, "out_channels": 5}, seed=7) for _ in range(2))
    assert torch.equal(before, torch.get_rng_state())
    assert len(one.layers) == 4
    assert all(map(torch.equal, one.parameters(), two.parameters()))
    edge_index = torch.tensor([[0, 1], [1, 0]])
    assert one(torch.randn(2, 3), edge_index).shape == (2, 5)
