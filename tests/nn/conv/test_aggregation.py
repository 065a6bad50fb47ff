from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.nn import AggregationConv


def literal(conv: AggregationConv, x: Tensor, edge_index: Tensor, edge: Tensor | None) -> Tensor:
    """One edge and one node at a time, the sum as the aggregator."""
    rows = []
    for node in range(len(x)):
        total = torch.zeros(conv.channels, dtype=x.dtype)
        for number, (source, target) in enumerate(edge_index.t().tolist()):
            if target == node:
                message = conv.of_target(x[node]) + conv.of_source(x[source])
                total = total + torch.relu(
                    message + (0 if edge is None else conv.of_edge(edge[number]))
                )
        rows.append(conv.update_map(torch.cat([x[node], total])))
    return torch.stack(rows)


@pytest.mark.parametrize("edge_channels", [None, 3])
def test_against_one_edge_at_a_time(edge_channels) -> None:
    conv = AggregationConv(4, "sum", edge_channels=edge_channels).double()
    x = torch.randn(7, 4, dtype=torch.float64)
    edge_index = torch.randint(6, (2, 15))  # one node is isolated; repeated edges and self-loops
    edge = None if edge_channels is None else torch.randn(15, 3, dtype=torch.float64)
    torch.testing.assert_close(conv(x, edge_index, edge), literal(conv, x, edge_index, edge))


@pytest.mark.parametrize("aggregator", ["sum", "mean", "max"])
def test_permutation_equivariance(aggregator) -> None:
    conv = AggregationConv(4, aggregator).double()
    x, edge_index = torch.randn(9, 4, dtype=torch.float64), torch.randint(9, (2, 30))
    order = torch.randperm(9)
    place = torch.argsort(order)
    moved = conv(x[order], place[edge_index])
    torch.testing.assert_close(moved, conv(x, edge_index)[order])


def test_edge_features_are_wanted_or_not() -> None:
    x, edge_index = torch.randn(3, 4), torch.tensor([[0], [1]])
    with pytest.raises(InputError, match=r"edge_attr is missing: expected \[E, 3\]"):
        AggregationConv(4, edge_channels=3)(x, edge_index)
    with pytest.raises(InputError, match="edge_attr is given: expected none"):
        AggregationConv(4)(x, edge_index, torch.randn(1, 3))


def test_sizes_that_do_not_fit_are_refused() -> None:
    edge_index = torch.tensor([[0], [1]])
    with pytest.raises(InputError, match=r"x has shape \[3, 5\]: expected \[N, 4\]"):
        AggregationConv(4)(torch.randn(3, 5), edge_index)
    with pytest.raises(InputError, match=r"edge_attr has shape \[2, 3\]: expected \[1, 3\]"):
        AggregationConv(4, edge_channels=3)(torch.randn(3, 4), edge_index, torch.randn(2, 3))
    with pytest.raises(InputError, match="edge_channels is -2"):
        AggregationConv(4, edge_channels=-2)
