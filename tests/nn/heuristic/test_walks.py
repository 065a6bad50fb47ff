from __future__ import annotations

import networkx as nx
import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import Katz, PersonalizedPageRank
from graphlearn.nn.heuristic import walks


@pytest.fixture(params=["whole", "masked"])
def any_graph(request: pytest.FixtureRequest, graph: CSRGraph) -> CSRGraph:
    if request.param == "masked":
        return graph.without_edges(torch.arange(0, graph.num_edges, 3))
    return graph


@pytest.fixture(params=[1, 5, 32])
def _sources_at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(walks, "_SOURCES_AT_ONCE", request.param)


@pytest.fixture
def every_pair() -> Tensor:
    """All ordered pairs, in no order, some of them twice."""
    pairs = torch.cartesian_prod(torch.arange(24), torch.arange(24)).t()
    order = torch.randint(pairs.size(1), (700,), generator=torch.Generator().manual_seed(0))
    return torch.cat([pairs, pairs[:, order]], dim=1)


@pytest.mark.usefixtures("_sources_at_once")
@pytest.mark.parametrize(("beta", "max_length"), [(0.005, 4), (0.3, 1), (0.3, 7)])
def test_katz_against_matrix_powers(
    beta: float, max_length: int, any_graph: CSRGraph, every_pair: Tensor, adjacency
) -> None:
    matrix = adjacency(any_graph)
    series = sum(
        beta**length * torch.linalg.matrix_power(matrix, length)
        for length in range(1, max_length + 1)
    )
    found = Katz(beta, max_length)(None, any_graph, every_pair)
    torch.testing.assert_close(found, series[every_pair[0], every_pair[1]])


def test_katz_of_a_directed_graph_follows_the_edges(adjacency) -> None:
    generator = torch.Generator().manual_seed(0)
    edge_index = torch.randint(9, (2, 25), generator=generator)
    graph = CSRGraph.from_edge_index(edge_index, 9, undirected=False)
    matrix = adjacency(graph)
    pairs = torch.cartesian_prod(torch.arange(9), torch.arange(9)).t()
    series = sum(0.1**length * torch.linalg.matrix_power(matrix, length) for length in range(1, 5))
    found = Katz(0.1)(None, graph, pairs)
    torch.testing.assert_close(found, series.flatten())


@pytest.mark.usefixtures("_sources_at_once")
@pytest.mark.parametrize("alpha", [0.15, 0.5])
def test_pagerank_against_networkx(alpha: float, any_graph: CSRGraph, every_pair: Tensor) -> None:
    peer = nx.Graph()
    peer.add_nodes_from(range(24))
    peer.add_edges_from(any_graph.edge_index().t().tolist())
    rank = torch.tensor(
        [
            list(
                nx.pagerank(
                    peer, alpha=1 - alpha, personalization={node: 1}, tol=1e-13, max_iter=1000
                ).values()
            )
            for node in range(24)
        ],
        dtype=torch.float64,
    )
    source, target = every_pair
    found = PersonalizedPageRank(alpha, num_iterations=250)(None, any_graph, every_pair)
    torch.testing.assert_close(found, rank[source, target] + rank[target, source])


def test_pagerank_error_falls_with_the_steps(graph: CSRGraph, every_pair: Tensor) -> None:
    exact = PersonalizedPageRank(num_iterations=300)(None, graph, every_pair)
    for steps in (1, 10, 30):
        found = PersonalizedPageRank(num_iterations=steps)(None, graph, every_pair)
        assert float((found - exact).abs().max()) <= 4 * 0.85**steps


def test_pagerank_of_an_isolated_node() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), 3)
    pairs = torch.tensor([[2, 2], [2, 0]])
    assert PersonalizedPageRank()(None, graph, pairs).tolist() == pytest.approx([2.0, 0.0])


def test_pagerank_refuses_a_directed_graph() -> None:
    # Its step moves along rows, which are the columns only where both directions are stored.
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), undirected=False)
    with pytest.raises(InputError, match="undirected"):
        PersonalizedPageRank()(None, graph, torch.tensor([[0], [2]]))


def test_memory_is_that_of_a_few_sources(graph: CSRGraph, every_pair: Tensor) -> None:
    widths: list[int] = []
    inner = walks.spmm
    patch = pytest.MonkeyPatch()
    with patch.context() as at:
        at.setattr(walks, "_SOURCES_AT_ONCE", 7)
        at.setattr(walks, "spmm", lambda r, c, x, w: widths.append(x.size(1)) or inner(r, c, x, w))
        Katz(max_length=1)(None, graph, every_pair)
    assert widths == [7, 7, 7, 3]  # 24 distinct sources, however many pairs


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Katz(beta=0.0), r"^beta is 0\.0: expected a number in \(0, 1\)$"),
        (lambda: Katz(beta=1.0), r"^beta is 1\.0"),
        (lambda: Katz(beta=float("nan")), "^beta is nan"),
        (lambda: Katz(max_length=0), "^max_length is 0: expected an integer >= 1$"),
        (lambda: PersonalizedPageRank(alpha=0.0), r"^alpha is 0\.0: expected a number in"),
        (lambda: PersonalizedPageRank(alpha=1.0), r"^alpha is 1\.0"),
        (lambda: PersonalizedPageRank(num_iterations=0), "^num_iterations is 0: expected"),
    ],
)
def test_bad_options(make, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()


def test_repr() -> None:
    assert repr(Katz(0.1, 3)) == "Katz(beta=0.1, max_length=3)"
    assert repr(PersonalizedPageRank(0.2, 9)) == (
        "PersonalizedPageRank(alpha=0.2, num_iterations=9)"
    )
