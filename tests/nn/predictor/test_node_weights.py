from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import UnknownNameError
from graphlearn.kernels import CSRGraph, common_neighbors
from graphlearn.nn.predictor.node_weights import (
    NODE_WEIGHTS,
    check_node_weight,
    inverse_degree,
    inverse_log_degree,
    node_weight,
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
