"""Every encoder and predictor in the forms that recipes use, and graphs that send them all ways."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import pytest
import torch
from torch import Tensor, nn

from graphlearn.kernels import CSRGraph
from graphlearn.nn import ENCODERS, NCN, NCNC, PREDICTORS, HadamardPredictor

CHANNELS = 5
completed = partial(NCNC, CHANNELS, scale=2.0, offset=0.0)
VARIANTS = {
    "ncn without node map": partial(NCN, CHANNELS, node_map=False),
    "ncn with all layers": partial(NCN, CHANNELS, 7, two_layer_head=True, final_linear=True),
    "ncn adamic-adar": partial(NCN, CHANNELS, node_weight="adamic-adar"),
    "ncn resource-allocation": partial(NCN, CHANNELS, node_weight="resource-allocation"),
    "ncn with dropouts": partial(NCN, CHANNELS, dropout=0.5, edge_dropout=0.5),
    "ncnc depth 2": partial(completed, depth=2),
    "ncnc with a prior": partial(completed, learn_prior=True),
    "ncnc as published": partial(completed, as_published=True, dropout=0.5, edge_dropout=0.5),
    "ncnc adamic-adar": partial(completed, node_weight="adamic-adar"),
    "hadamard with all layers": partial(
        HadamardPredictor, CHANNELS, 7, two_layer_head=True, final_linear=True
    ),
}
SAMPLED = {
    "ncnc sampled": partial(completed, max_residual=3),
    "ncnc sampled, depth 2": partial(completed, max_residual=2, depth=2),
}
HEURISTICS = ("aa", "cn", "katz", "ppr", "ra")


def _predictors() -> dict[str, object]:
    made = {name: PREDICTORS.get(name) for name in PREDICTORS}
    named = {
        name: kind if name in HEURISTICS else partial(kind, CHANNELS) for name, kind in made.items()
    }
    return {**named, "ncnc": completed, **VARIANTS}


def _spread(module: nn.Module) -> nn.Module:
    """Weights that are not what they start from, so that nothing is hidden by a norm's identity."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter), alpha=0.2)
    return module.double().eval()


@pytest.fixture(autouse=True)
def _own_draws() -> Iterator[None]:
    with torch.random.fork_rng([]), torch.no_grad():
        torch.manual_seed(0)
        yield


@pytest.fixture(params=_predictors())
def equivariant_predictor(request: pytest.FixtureRequest) -> nn.Module:
    """A predictor whose scores do not depend on how nodes are numbered."""
    return _spread(_predictors()[request.param]())


@pytest.fixture(params={**_predictors(), **SAMPLED})
def predictor(request: pytest.FixtureRequest) -> nn.Module:
    """Any predictor; those that sample choose by a hash of node ids."""
    return _spread({**_predictors(), **SAMPLED}[request.param]())


_SOURCES = ("features", "ids")


@pytest.fixture(
    params=[(name, source) for name in ENCODERS if name != "reweighted" for source in _SOURCES]
)
def encoder(request: pytest.FixtureRequest) -> nn.Module:
    """Any encoder that wraps no other, of features or of node ids, with deterministic options."""
    name, source = request.param
    options = {"residual": True, "jumping_knowledge": True, "feature_dropout": 0.5, "dropout": 0.5}
    kind = ENCODERS.get(name)
    if source == "ids":
        return _spread(kind(None, CHANNELS, 2, num_embeddings=180, **options))
    return _spread(kind(8, CHANNELS, 2, edge_dropout=0.5, **options))


def _graph(kind: str) -> CSRGraph:
    generator = torch.Generator().manual_seed(1)
    edges = torch.randint(180, (2, 300), generator=generator)
    if kind == "dense":  # pooled by matrix products
        edges = torch.randint(60, (2, 2500), generator=generator)
    if kind == "hubs":
        others = torch.arange(1, 172)
        edges = torch.cat(
            [edges, torch.stack([torch.zeros_like(others), others]),
             torch.stack([torch.full_like(others, 3), others.roll(9)])[:, :150]], dim=1
        )  # fmt: skip
    graph = CSRGraph.from_edge_index(edges % 178, 180)  # two nodes without neighbors
    if kind == "masked":
        return graph.without_edges(torch.arange(0, graph.num_edges, 4))
    return graph


@pytest.fixture(params=["sparse", "dense", "hubs", "masked"])
def graph(request: pytest.FixtureRequest) -> CSRGraph:
    """180 nodes."""
    return _graph(request.param)


@pytest.fixture
def x() -> Tensor:
    """Representations ``[180, 5]``."""
    return torch.randn(180, CHANNELS, dtype=torch.float64)


@pytest.fixture
def pairs(graph: CSRGraph) -> Tensor:
    """Links, pairs of hubs, random pairs, (u, u), and isolated nodes."""
    drawn = torch.randint(180, (2, 20), generator=torch.Generator().manual_seed(2))
    special = torch.tensor([[0, 3, 0, 0, 5, 178, 178, 3], [3, 0, 0, 178, 5, 179, 178, 40]])
    links = graph.edge_pairs()[:, :: max(1, graph.num_edges // 20)]
    return torch.cat([links, drawn, special], dim=1)
