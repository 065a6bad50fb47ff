from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric import nn as pyg

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep.conv_checks import check_conv

FIT = [
    pyg.SAGEConv(5, 4),
    pyg.SAGEConv(5, 4, normalize=True),  # the length of a row, not degrees
    pyg.GCNConv(5, 4, normalize=False),
    pyg.GATConv(5, 4),
    pyg.GATv2Conv(5, 4),
    pyg.TransformerConv(5, 4),
    pyg.GINConv(nn.Sequential(nn.Linear(5, 4), nn.LayerNorm(4))),
    pyg.GINConv(nn.Sequential(nn.Linear(5, 4), pyg.LayerNorm(4, mode="node"))),
    pyg.GENConv(5, 4, norm="layer"),
    pyg.ClusterGCNConv(5, 4),
    pyg.TAGConv(5, 4, K=1, normalize=False),
]
UNFIT = [
    (pyg.GCNConv(5, 4), r"GCNConv normalizes by degrees.*pass GCNConv\(..., normalize=False\)"),
    (pyg.SGConv(5, 4), "SGConv normalizes by degrees.*use GCNLayer"),
    (pyg.LGConv(), "LGConv normalizes by degrees"),
    (pyg.ARMAConv(5, 4), "ARMAConv normalizes by degrees"),
    (pyg.ChebConv(5, 4, K=2), "ChebConv normalizes by degrees"),
    (pyg.TAGConv(5, 4), "TAGConv has K=3: it reaches further than one hop"),
    (pyg.APPNP(10, 0.1), "APPNP has K=10: it reaches further"),
    (pyg.GatedGraphConv(5, 3), "GatedGraphConv has num_layers=3"),
    (pyg.GCN2Conv(5, 0.1), r"GCN2Conv is called with \(x, x_0, edge_index.*use GCNIILayer"),
    (pyg.RGCNConv(5, 4, 3), "RGCNConv is called with .*edge_type"),
    (pyg.PointNetConv(), "PointNetConv is called with"),
    (pyg.HypergraphConv(5, 4), "HypergraphConv is called with"),
    (pyg.GATConv(5, 4, edge_dim=3), "GATConv has edge_dim=3: expected none"),
    (pyg.SAGEConv(5, 4, flow="target_to_source"), "SAGEConv has flow='target_to_source'"),
    (pyg.GINConv(nn.Sequential(nn.Linear(5, 4), nn.BatchNorm1d(4))), "GINConv holds a BatchNorm1d"),
    (pyg.GENConv(5, 4), "GENConv holds a BatchNorm1d.*use torch.nn.LayerNorm"),
    (pyg.GINConv(nn.Sequential(nn.Linear(5, 4), pyg.PairNorm())), "GINConv holds a PairNorm"),
    (pyg.GINConv(nn.Sequential(nn.Linear(5, 4), pyg.LayerNorm(4))), "GINConv holds a LayerNorm"),
]


@pytest.mark.parametrize("conv", FIT, ids=repr)
def test_what_needs_a_part_alone_passes(conv) -> None:
    check_conv(conv)


@pytest.mark.parametrize(("conv", "message"), UNFIT, ids=lambda each: type(each).__name__)
def test_what_needs_more_is_refused(conv, message) -> None:
    with pytest.raises(InputError, match=message):
        check_conv(conv)


def test_ones_own_convolution_is_looked_at_too() -> None:
    class Mine(pyg.MessagePassing):
        def forward(self, x, edge_index):
            return self.scaled(x, edge_index)

        def scaled(self, x, edge_index):
            edge_index, weight = pyg.conv.gcn_conv.gcn_norm(edge_index)
            return self.propagate(edge_index, x=x, weight=weight)

    with pytest.raises(InputError, match="Mine normalizes by degrees.*use GCNLayer"):
        check_conv(Mine())


def test_what_is_no_convolution_is_refused() -> None:
    for given in (nn.Linear(5, 4), torch.ones(1), pyg.SAGEConv):
        with pytest.raises(InputTypeError, match=r"conv is a .*: expected a convolution of PyG"):
            check_conv(given)
