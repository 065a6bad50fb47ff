"""Small graphs with a hub, isolated nodes and triangles, and how each registered module is made."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn

from graphlearn.kernels import CSRGraph
from graphlearn.nn import ENCODERS, PREDICTORS

NUM_NODES, CHANNELS = 24, 6
HEURISTICS = ("aa", "cn", "katz", "ppr", "ra")


@pytest.fixture(autouse=True)
def _own_draws() -> Iterator[None]:
    """Every test starts from the same state of the default generator, and leaves none behind."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        yield


@pytest.fixture
def graph() -> CSRGraph:
    """24 nodes: a hub, triangles, two nodes without neighbors."""
    generator = torch.Generator().manual_seed(3)
    edges = torch.randint(1, NUM_NODES - 2, (2, 45), generator=generator)
    hub = torch.stack([torch.zeros(14, dtype=torch.int64), torch.arange(1, 15)])
    return CSRGraph.from_edge_index(torch.cat([hub, edges], dim=1), NUM_NODES)


@pytest.fixture
def adjacency() -> Callable[[CSRGraph], Tensor]:
    """``adjacency(graph)``: the kept entries as a dense float64 matrix."""

    def dense(graph: CSRGraph) -> Tensor:
        matrix = torch.zeros(graph.num_nodes, graph.num_nodes, dtype=torch.float64)
        matrix[tuple(graph.edge_index())] = 1.0
        return matrix

    return dense


@pytest.fixture
def pairs(graph: CSRGraph) -> Tensor:
    """Links, random pairs (some without a common neighbor), (u, u), and isolated nodes."""
    generator = torch.Generator().manual_seed(4)
    drawn = torch.randint(NUM_NODES, (2, 30), generator=generator)
    special = torch.tensor([[5, 0, 22, 22], [5, 22, 23, 22]])
    return torch.cat([graph.edge_pairs()[:, ::4], drawn, special], dim=1)


@pytest.fixture
def x() -> Tensor:
    """Representations in float64, so that comparisons are sharp."""
    generator = torch.Generator().manual_seed(5)
    return torch.randn(NUM_NODES, CHANNELS, dtype=torch.float64, generator=generator)


@pytest.fixture
def features() -> Tensor:
    """A bag of words as dense float64, one row of it empty."""
    generator = torch.Generator().manual_seed(6)
    words = torch.rand(NUM_NODES, 15, dtype=torch.float64, generator=generator)
    words[torch.rand(NUM_NODES, 15, generator=generator) < 0.7] = 0.0
    words[4] = 0.0
    return words


@pytest.fixture
def make_predictor() -> Callable[..., nn.Module]:
    """``make_predictor(name, **options)``: heuristics take no channels."""

    def make(name: str, **options: object) -> nn.Module:
        kind = PREDICTORS.get(name)
        return kind(**options) if name in HEURISTICS else kind(CHANNELS, **options)

    return make


@pytest.fixture(params=list(PREDICTORS))
def predictor_name(request: pytest.FixtureRequest) -> str:
    """Every registered predictor's name."""
    return request.param


@pytest.fixture(params=[name for name in ENCODERS if name != "reweighted"])
def encoder_name(request: pytest.FixtureRequest) -> str:
    """The name of every registered encoder that wraps no other."""
    return request.param


@pytest.fixture
def states_for(x: Tensor) -> Callable[[str], Tensor | None]:
    """``states_for(name)``: what a predictor of this name reads; nothing for a heuristic."""
    return lambda name: None if name in HEURISTICS else x
