from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.topology import (
    approximate_concentration,
    random_surroundings,
    topological_concentration,
)


def random_graph(seed: int = 0, nodes: int = 60, edges: int = 240) -> CSRGraph:
    generator = torch.Generator().manual_seed(seed)
    return CSRGraph.from_edge_index(
        torch.randint(nodes - 2, (2, edges), generator=generator), nodes
    )


def expectation(
    graph: CSRGraph, neighbors: Tensor, weights: list[float], symmetric: bool
) -> Tensor:
    """Mean of ``M_i . M_j`` over the neighbors, by dense matrices."""
    nodes = graph.num_nodes
    dense = torch.zeros(nodes, nodes, dtype=torch.float64)
    dense[tuple(graph.edge_index())] = 1
    inverse = torch.where(dense.sum(1) > 0, 1 / dense.sum(1), 0.0)
    step = (
        inverse.sqrt()[:, None] * dense * inverse.sqrt() if symmetric else inverse[:, None] * dense
    )
    power, total = torch.eye(nodes, dtype=torch.float64), torch.zeros_like(dense)
    for weight in weights:
        power = step @ power
        total = total + weight * power
    near = torch.zeros_like(dense)
    near[tuple(neighbors)] = 1
    near[tuple(neighbors.flip(0))] = 1
    near.fill_diagonal_(0)
    return (near * (total @ total.t())).sum(1) / near.sum(1).clamp(min=1)


@pytest.mark.parametrize("normalization", ["random-walk", "symmetric"])
@pytest.mark.parametrize("hops", [1, 2])
def test_the_mean_of_two_hundred_projections_is_the_expectation(normalization, hops) -> None:
    graph = random_graph()
    others = torch.randint(60, (2, 100), generator=torch.Generator().manual_seed(1))
    weights = [1.0, 0.5][:hops]
    for neighbors in (None, others):
        drawn = torch.stack(
            [
                approximate_concentration(
                    graph,
                    neighbors,
                    hops=hops,
                    alpha=weights,
                    dim=32,
                    normalization=normalization,
                    seed=seed,
                    dtype=torch.float64,
                )
                for seed in range(200)
            ]
        )
        pairs = graph.edge_index() if neighbors is None else neighbors
        expected = expectation(graph, pairs, weights, normalization == "symmetric")
        error = drawn.std(0) / 200**0.5
        # 60 nodes: beyond four standard errors by chance in 1 of 260 runs; the seeds are fixed.
        assert ((drawn.mean(0) - expected).abs() <= 4 * error + 1e-12).all()
        assert error.max() < 0.2 * expected.max()  # else the line above says little


def test_for_one_hop_the_expectation_is_tc_by_the_product_of_degrees() -> None:
    graph = random_graph()
    exact = topological_concentration(graph, normalizer="product")
    torch.testing.assert_close(expectation(graph, graph.edge_index(), [1.0], False), exact)


def test_cosines_of_many_dimensions_are_tc_by_the_geometric_mean() -> None:
    graph = random_graph()
    exact = topological_concentration(graph, normalizer="geometric")
    found = approximate_concentration(
        graph, dim=20_000, similarity="cosine", seed=0, dtype=torch.float64
    )
    assert (found - exact).abs().max() < 0.02


def test_the_error_falls_with_the_root_of_the_dimension() -> None:
    graph = random_graph()
    exact = topological_concentration(graph, normalizer="product")

    def error(dim: int) -> float:
        squares = [
            (approximate_concentration(graph, dim=dim, seed=seed) - exact).square().mean()
            for seed in range(20)
        ]
        return float(torch.stack(squares).mean().sqrt())

    for dim in (16, 64):
        assert 1.6 < error(dim) / error(4 * dim) < 2.4


def test_seeds_decide_and_precision_and_threads_do_not(one_and_two_threads) -> None:
    graph = random_graph(nodes=2000, edges=40_000)
    one, two = one_and_two_threads(lambda: approximate_concentration(graph, hops=2, seed=3))
    assert torch.equal(one, two)
    assert not torch.equal(one, approximate_concentration(graph, hops=2, seed=4))
    double = approximate_concentration(graph, hops=2, seed=3, dtype=torch.float64)
    assert (one.dtype, double.dtype) == (torch.float32, torch.float64)
    torch.testing.assert_close(one.double(), double, rtol=1e-3, atol=1e-6)


def test_masked_edges_do_not_count() -> None:
    masked = random_graph().without_edges(torch.arange(0, 200, 3))
    rebuilt = CSRGraph.from_edge_index(masked.edge_index(), 60)
    torch.testing.assert_close(
        approximate_concentration(masked, hops=2, seed=0),
        approximate_concentration(rebuilt, hops=2, seed=0),
    )


def test_directed_graphs_are_refused() -> None:
    graph = random_graph()
    keep = torch.ones(graph.col.numel(), dtype=torch.bool)
    keep[0] = False
    directed = CSRGraph.from_edge_index(graph.edge_index(), 60, undirected=False)
    for wrong in (directed, graph.with_mask(keep)):
        with pytest.raises(InputError, match="directed"):
            approximate_concentration(wrong, seed=0)
        with pytest.raises(InputError, match="directed"):
            random_surroundings(wrong, seed=0)


def test_isolated_nodes_and_empty_graphs_are_zero() -> None:
    assert approximate_concentration(random_graph(), seed=0)[-2:].tolist() == [0, 0]
    none = torch.empty(2, 0, dtype=torch.int64)
    for similarity in ("dot", "cosine"):
        found = approximate_concentration(none, num_nodes=3, similarity=similarity, seed=0)
        assert found.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"dim": 0}, InputError, "dim is 0"),
        ({"hops": 0}, InputError, "hops is 0"),
        ({"hops": 2, "alpha": [1.0]}, InputError, "1 weights"),
        ({"similarity": "euclid"}, InputError, "similarity"),
        ({"normalization": "none"}, InputError, "normalization"),
        ({"dtype": torch.float16}, InputError, "dtype is torch.float16"),
        ({"seed": -1}, InputError, "seed"),
        ({"seed": 1.5}, InputTypeError, "seed"),
    ],
)
def test_bad_options(options, error, text) -> None:
    with pytest.raises(error, match=text):
        approximate_concentration(random_graph(), **{"seed": 0, **options})
