"""Graphs that kernels trip over, and the views of them: index widths, masks, directions."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph

# Around the block of 8, the vector widths, and the limit of 128 between matched and grouped rows.
DEGREES = [0, 1, 2, 7, 8, 9, 15, 16, 17, 24, 25, 63, 64, 65, 127, 128, 129, 130, 200, 300]


def _random_edges(num_nodes: int, num_edges: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(num_nodes, (2, num_edges), generator=generator)


def _bipartite_degrees() -> tuple[Tensor, int]:
    """Two nodes of each degree in ``DEGREES``, linked to random nodes among 320 others."""
    generator = torch.Generator().manual_seed(1)
    parts = []
    for node, degree in enumerate(DEGREES * 2):
        others = torch.randperm(320, generator=generator)[:degree] + 2 * len(DEGREES)
        parts.append(torch.stack([torch.full_like(others, node), others]))
    edge_index = torch.cat(parts, dim=1)
    return edge_index[:, torch.randperm(edge_index.size(1), generator=generator)], 360


def _hubs() -> tuple[Tensor, int]:
    """Four hubs of degree 140 to 330, linked to each other, in a sparse random graph."""
    parts = [_random_edges(400, 600, 2)]
    for hub, degree in ((0, 330), (1, 330), (2, 200), (399, 140)):
        others = torch.randperm(400, generator=torch.Generator().manual_seed(hub))[:degree]
        parts.append(torch.stack([torch.full_like(others, hub), others]))
    return torch.cat(parts, dim=1), 400


def _pairs_of(edge_index: Tensor, num_nodes: int, count: int) -> Tensor:
    """All ordered pairs of a small graph; else links, random pairs, hubs' pairs, and doubles."""
    if num_nodes == 0:
        return torch.empty(2, 0, dtype=torch.int64)
    if num_nodes <= 12:
        return torch.cartesian_prod(torch.arange(num_nodes), torch.arange(num_nodes)).t()
    links = edge_index[:, :: max(1, edge_index.size(1) // count)]
    drawn = _random_edges(num_nodes, count, 5)
    first = torch.arange(40).clamp(max=num_nodes - 1)
    crossed = torch.cartesian_prod(first, first).t()[:, ::7]
    last = torch.arange(num_nodes)[-40:]
    tail = torch.stack([torch.zeros_like(last), last])
    pairs = torch.cat([links, drawn, crossed, tail, drawn[:, :9].flip(0), drawn[:, :9]], dim=1)
    generator = torch.Generator().manual_seed(6)
    return pairs[:, torch.randperm(pairs.size(1), generator=generator)]


_EMPTY = torch.empty(2, 0, dtype=torch.int64)
_CLIQUE = torch.combinations(torch.arange(20)).t()
GRAPHS: dict[str, Callable[[], tuple[Tensor, int]]] = {
    "no-nodes": lambda: (_EMPTY, 0),
    "no-edges": lambda: (_EMPTY, 6),
    "single-node": lambda: (torch.tensor([[0], [0]]), 1),
    "self-loops": lambda: (torch.tensor([[0, 1, 1, 2, 3, 3], [0, 1, 2, 3, 3, 0]]), 5),
    "multi-edges": lambda: (_random_edges(7, 60, 3), 7),
    "isolated-nodes": lambda: (torch.tensor([[0, 1, 2, 5], [1, 2, 5, 0]]), 9),
    "random": lambda: (_random_edges(60, 300, 4), 60),
    "complete": lambda: (_CLIQUE, 20),
    "degrees": _bipartite_degrees,
    "hubs": _hubs,
}
# How a kernel may meet a graph: (index dtype, undirected, mask, self-loops kept).
VIEWS = {
    "int32": (torch.int32, True, "none", False),
    "int64": (torch.int64, True, "none", False),
    "int32-without-edges": (torch.int32, True, "edges", False),
    "int64-dropped-entries": (torch.int64, True, "entries", False),
    "directed-int32-dropped-entries": (torch.int32, False, "entries", False),
    "directed-int64": (torch.int64, False, "none", False),
    "loops-int32-without-edges": (torch.int32, True, "edges", True),
}


def widened(graph: CSRGraph, dtype: torch.dtype) -> CSRGraph:
    """The same graph with its indices in ``dtype``, as a larger graph would have them."""
    names = ("rowptr", "col", "edge_id", "edge_entries")
    return dataclasses.replace(graph, **{name: getattr(graph, name).to(dtype) for name in names})


@pytest.fixture(autouse=True)
def _own_draws() -> Iterator[None]:
    """Every test starts from the same state of the default generator, and leaves none behind."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        yield


@pytest.fixture(params=GRAPHS)
def edges(request: pytest.FixtureRequest) -> tuple[Tensor, int]:
    """An ``edge_index`` and its number of nodes."""
    return GRAPHS[request.param]()


@pytest.fixture(params=VIEWS)
def graph(request: pytest.FixtureRequest, edges: tuple[Tensor, int]) -> CSRGraph:
    """A built graph in one of its views."""
    dtype, undirected, mask, loops = VIEWS[request.param]
    built = widened(
        CSRGraph.from_edge_index(*edges, undirected=undirected, keep_self_loops=loops), dtype
    )
    if mask == "edges":
        return built.without_edges(torch.arange(built.num_edges)[::3])
    if mask == "entries":
        return built.drop_entries(0.3, torch.Generator().manual_seed(7))
    return built


@pytest.fixture
def pairs(edges: tuple[Tensor, int]) -> Tensor:
    """Pairs of the graph: links, random ones, hubs, (u, u), and the same pair twice."""
    return _pairs_of(*edges, count=60)


@pytest.fixture(scope="session")
def hub_graph() -> CSRGraph:
    """The graph "hubs" as it is built."""
    return CSRGraph.from_edge_index(*_hubs())


@pytest.fixture(scope="session")
def degree_graph() -> CSRGraph:
    """The graph "degrees" as it is built: nodes ``i`` and ``i + 20`` have ``DEGREES[i]``."""
    return CSRGraph.from_edge_index(*_bipartite_degrees())


@pytest.fixture(scope="session")
def large_graph() -> CSRGraph:
    """2,000 nodes, 20,000 links, three hubs: enough work for two threads."""
    parts = [_random_edges(2000, 20000, 8)]
    for hub in range(3):
        others = _random_edges(2000, 400, 9 + hub)[0]
        parts.append(torch.stack([torch.full_like(others, hub), others]))
    return CSRGraph.from_edge_index(torch.cat(parts, dim=1), 2000)


@pytest.fixture(scope="session")
def large_pairs() -> Tensor:
    """20,000 pairs of ``large_graph``, its hubs among them."""
    pairs = _random_edges(2000, 20000, 12)
    pairs[0, ::50] %= 3
    return pairs
