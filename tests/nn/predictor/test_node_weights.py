from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import UnknownNameError
from graphlearn.kernels import CSRGraph, common_neighbors
from graphlearn.nn.predictor.node_weights import (
    NODE_WEIGHTS,
    check_node_weight,
    first_order_rarity,
    inverse_degree,
    inverse_log_degree,
    node_weight,
    second_order_rarity,
)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("masked", [False, True])
def test_factors_follow_the_degree_that_is_left(
    dtype: torch.dtype, masked: bool, graph: CSRGraph
) -> None:
    if masked:
        graph = graph.without_edges(torch.arange(0, graph.num_edges, 2))
    degree = graph.degree().double()
    assert {0.0, 1.0} <= set(degree.tolist())
    by_degree, by_log = inverse_degree(graph, dtype), inverse_log_degree(graph, dtype)
    assert by_degree.dtype == by_log.dtype == dtype
    expected = torch.where(degree > 0, 1 / degree, 0.0)
    torch.testing.assert_close(by_degree, expected.to(dtype))
    expected = torch.where(degree > 1, 1 / degree.log(), 0.0)
    torch.testing.assert_close(by_log, expected.to(dtype))
    assert by_degree.isfinite().all()
    assert by_log.isfinite().all()


def test_by_name(graph: CSRGraph, pairs: Tensor, x: Tensor) -> None:
    common = common_neighbors(graph, pairs)
    assert node_weight("none", graph, common, x) is None
    assert torch.equal(
        node_weight("adamic-adar", graph, common, x), inverse_log_degree(graph, x.dtype)
    )
    assert torch.equal(
        node_weight("resource-allocation", graph, common, x), inverse_degree(graph, x.dtype)
    )


def test_batch_frequency_counts_the_batch(graph: CSRGraph, pairs: Tensor, x: Tensor) -> None:
    common = common_neighbors(graph, pairs)
    found = node_weight("batch-frequency", graph, common, x)
    for node in range(graph.num_nodes):
        count = sum(node in of_pair for of_pair in common.tolist())
        assert float(found[node]) == (1 / count if count else 0.0)
    fewer = common_neighbors(graph, pairs[:, ::2])
    assert not torch.equal(found, node_weight("batch-frequency", graph, fewer, x))


def test_unknown_names() -> None:
    assert [check_node_weight(name) for name in NODE_WEIGHTS] == list(NODE_WEIGHTS)
    with pytest.raises(UnknownNameError, match="unknown node weight 'adamic'.*did you mean 'adam"):
        check_node_weight("adamic")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("masked", [False, True])
def test_rarities_are_one_over_counts_of_the_graph(
    dtype: torch.dtype, masked: bool, graph: CSRGraph, adjacency
) -> None:
    if masked:
        graph = graph.without_edges(torch.arange(0, graph.num_edges, 2))
    matrix = adjacency(graph)
    pairs = torch.combinations(torch.arange(graph.num_nodes)).t()
    count = (matrix[pairs[0]] * matrix[pairs[1]]).sum(0)
    neighbors = [set(row.nonzero().flatten().tolist()) for row in matrix]
    walks = [
        sum(1 for i in own for w in own - {i} for j in neighbors[w] - {u})
        for u, own in enumerate(neighbors)
    ]
    found = first_order_rarity(graph, dtype), second_order_rarity(graph, dtype)
    for rarity, frequency in zip(found, (count, torch.tensor(walks).double()), strict=True):
        inverse = torch.where(frequency > 0, 1 / frequency, 0.0)
        expected = inverse / inverse[frequency > 0].mean()
        assert rarity.dtype == dtype
        torch.testing.assert_close(rarity, expected.to(dtype))


def test_rarities_of_a_graph_without_edges_are_zero() -> None:
    bare = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 3)
    assert first_order_rarity(bare, torch.float32).tolist() == [0.0, 0.0, 0.0]
    assert second_order_rarity(bare, torch.float32).tolist() == [0.0, 0.0, 0.0]
