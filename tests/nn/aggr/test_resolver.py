from __future__ import annotations

import pytest
import torch_geometric.nn.aggr as pyg
from torch_geometric.nn import SAGEConv
from torch_geometric.nn.resolver import aggregation_resolver

from graphlearn.nn.aggr import GRUAggregation, LCMAggregation, resolved_by_pyg

SIZES = {"in_channels": 4, "out_channels": 4}


@pytest.mark.parametrize(
    ("name", "ours"),
    [("lcm", LCMAggregation), ("LCMAggregation", LCMAggregation), ("gru", GRUAggregation)],
)
def test_names_mean_ours_inside_and_pygs_outside(name, ours) -> None:
    with resolved_by_pyg():
        conv = SAGEConv(4, 2, aggr=name, aggr_kwargs=SIZES)
        assert type(aggregation_resolver(name, **SIZES)) is ours
    assert type(conv.aggr_module) is ours
    outside = type(aggregation_resolver(name, **SIZES))
    assert outside.__module__.startswith("torch_geometric")


def test_pygs_classes_come_back_after_an_error() -> None:
    with pytest.raises(KeyError), resolved_by_pyg():
        raise KeyError
    assert pyg.LCMAggregation.__module__.startswith("torch_geometric")
