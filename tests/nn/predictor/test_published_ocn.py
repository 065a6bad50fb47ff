from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph, NeighborLists, common_neighbors, second_order_neighbors
from graphlearn.nn.predictor.published_ocn import PublishedWeights


def dense(lists: NeighborLists, weight: Tensor, nodes: int) -> Tensor:
    whole = torch.zeros(len(lists), nodes, dtype=weight.dtype)
    return whole.index_put((lists.rows(), lists.node.long()), weight, accumulate=True)


def call(weights: PublishedWeights, graph: CSRGraph, pairs: Tensor) -> tuple[Tensor, Tensor]:
    first = common_neighbors(graph, pairs)
    second, paths = second_order_neighbors(graph, pairs)
    orders = weights(first, second, paths, graph.num_nodes, torch.float64)
    one, two = (dense(*order, graph.num_nodes) for order in orders)
    return one, two


@pytest.mark.parametrize("single", [0.0, 2.5])
def test_against_the_reference_s_matrices(
    single: float, graph: CSRGraph, pairs: Tensor, adjacency
) -> None:
    pairs = pairs[:, pairs[0] != pairs[1]]
    # The pairs' own links are not in the graph, as in training with target removal.
    found = graph.find_edges(pairs)
    graph = graph.without_edges(found[found >= 0].unique())
    matrix = adjacency(graph)
    weights = PublishedWeights(single).double()
    running = 0.0
    for number, some in enumerate((pairs, pairs[:, :20], pairs[:, 5:]), start=1):
        first = matrix[some[0]] * matrix[some[1]]
        count = first.sum(0)
        first = first * torch.where(count > 1, 1 / count.clamp(min=1), single)
        second = matrix[some[0]] * (matrix @ matrix)[some[1]]
        running += (float((first * second).sum()) - running) / number
        second = second - running / float(first.abs().max()) * first
        total = second.sum(0)
        second = second / torch.where(total == 0, 1.0, total)
        one, two = call(weights, graph, some)
        torch.testing.assert_close(one, first)
        torch.testing.assert_close(two, second)
    # In evaluation the running mean stands still.
    before = weights.inner.clone()
    weights.eval()
    call(weights, graph, pairs[:, :7])
    assert torch.equal(weights.inner, before)
    weights.reset_parameters()
    assert float(weights.inner) == int(weights.calls) == 0


def test_the_running_mean_is_kept_with_the_weights() -> None:
    assert set(PublishedWeights(0.0).state_dict()) == {"inner", "calls"}
