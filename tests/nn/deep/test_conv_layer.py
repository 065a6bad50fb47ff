from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric import nn as pyg
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.aggr import LCMAggregation
from graphlearn.nn.deep import ConvLayer, GCNLayer, whole_graph

PAIRS = {
    "sage": lambda: pyg.SAGEConv(5, 5),
    "sage max": lambda: pyg.SAGEConv(5, 5, aggr="max"),
    "sage lcm": lambda: pyg.SAGEConv(5, 5, aggr=LCMAggregation(5, 5)),
    "gat": lambda: pyg.GATConv(5, 5, heads=2, concat=False),
    "gat without loops": lambda: pyg.GATConv(5, 5, add_self_loops=False, residual=True),
    "gatv2": lambda: pyg.GATv2Conv(5, 5),
    "graph": lambda: pyg.GraphConv(5, 5),
    "gin": lambda: pyg.GINConv(nn.Sequential(nn.Linear(5, 5), nn.LayerNorm(5)), train_eps=True),
    "transformer": lambda: pyg.TransformerConv(5, 5, heads=2, concat=False, beta=True),
    "gen": lambda: pyg.GENConv(5, 5, norm="layer"),
    "le": lambda: pyg.LEConv(5, 5),
}
SQUARE = {
    "gcn": lambda: pyg.GCNConv(5, 5, normalize=False),
    "cluster": lambda: pyg.ClusterGCNConv(5, 5),
    "agnn": lambda: pyg.AGNNConv(),
    "tag": lambda: pyg.TAGConv(5, 5, K=1, normalize=False),
}
WEIGHTED = ("graph", "gcn", "le", "tag")


@pytest.mark.parametrize("name", [*PAIRS, *SQUARE])
def test_chunks_equal_the_whole(name, edge_index, x, same_in_parts) -> None:
    layer = ConvLayer({**PAIRS, **SQUARE}[name](), activation=True, residual=True)
    assert layer.bipartite is (name in PAIRS)
    same_in_parts(layer, x, edge_index)


@pytest.mark.parametrize("name", WEIGHTED)
def test_weights_reach_the_convolution(name, edge_index, weight, x, same_in_parts) -> None:
    layer = ConvLayer({**PAIRS, **SQUARE}[name]())
    same_in_parts(layer, x, edge_index, weight)
    weighted = layer(x, whole_graph(edge_index, 30, weight))
    torch.testing.assert_close(weighted, layer.conv(x, edge_index, weight))
    assert not torch.allclose(weighted, layer(x, whole_graph(edge_index, 30)))


@pytest.mark.parametrize("name", ["sage", "gat", "graph", "gin", "transformer"])
def test_it_is_the_convolution_on_a_whole_graph(name, edge_index, graph, x, permuted) -> None:
    layer = ConvLayer(PAIRS[name]())
    permuted(layer, x, edge_index)
    torch.testing.assert_close(layer(x, graph), layer.conv(x, edge_index))


def test_gcn_with_given_factors_is_gcn(edge_index, x) -> None:
    conv = pyg.GCNConv(5, 4, normalize=False).double()
    ours = GCNLayer(5, 4).double()
    ours.load_state_dict({"lin.weight": conv.lin.weight, "lin.bias": conv.bias})
    factors = whole_graph(*_ordered(gcn_norm(edge_index, None, 30, dtype=x.dtype)))
    torch.testing.assert_close(ConvLayer(conv)(x, factors), ours(x, factors))
    torch.testing.assert_close(
        ours(x, factors), conv(x, factors.edge_index, factors.weight), rtol=1e-10, atol=1e-11
    )


def _ordered(normal):
    return normal[0], 30, normal[1]


def test_the_form_can_be_told(graph, x) -> None:
    conv = pyg.SAGEConv(5, 4).double()
    as_square = ConvLayer(conv, bipartite=False)
    assert not as_square.bipartite
    torch.testing.assert_close(as_square(x, graph), ConvLayer(conv)(x, graph))


def test_types_written_as_text_are_read(graph, x) -> None:
    class Mine(pyg.MessagePassing):
        def forward(self, x: torch.Tensor | tuple[torch.Tensor, torch.Tensor], edge_index):
            return self.propagate(edge_index, x=x)

    class Untyped(pyg.MessagePassing):
        def forward(self, x, edge_index):
            return self.propagate(edge_index, x=x)

    assert ConvLayer(Mine()).bipartite
    assert not ConvLayer(Untyped()).bipartite
    torch.testing.assert_close(ConvLayer(Mine())(x, graph), ConvLayer(Untyped())(x, graph))


def test_dropout_is_on_what_it_reads_and_not_on_the_residual(graph, x) -> None:
    layer = ConvLayer(pyg.GraphConv(5, 5, bias=False), dropout=1.0, residual=True).double()
    torch.testing.assert_close(layer(x, graph), x)
    assert not torch.equal(layer.eval()(x, graph), x)


def test_a_chunk_without_messages_has_no_weights_to_lose(x) -> None:
    layer = ConvLayer(pyg.GATConv(5, 4)).double()
    edges = torch.empty(2, 0, dtype=torch.int64)
    weighted = whole_graph(edges, 30, torch.empty(0, dtype=torch.float64))
    torch.testing.assert_close(layer(x, weighted), layer(x, whole_graph(edges, 30)))


def test_new_weights_are_drawn_only_when_asked() -> None:
    conv = pyg.SAGEConv(5, 4)
    before = conv.lin_l.weight.clone()
    layer = ConvLayer(conv)
    assert torch.equal(before, conv.lin_l.weight)
    layer.reset_parameters()
    assert not torch.equal(before, conv.lin_l.weight)


def test_options_are_shown() -> None:
    layer = ConvLayer(pyg.SAGEConv(5, 5), activation=True, residual=True)
    assert layer.extra_repr() == "bipartite=True, activation=True, residual=True"
    assert "SAGEConv(5, 5, aggr=mean)" in repr(layer)


def test_what_does_not_fit_is_refused(edge_index, weight, graph, x) -> None:
    weighted = whole_graph(edge_index, 30, weight)
    with pytest.raises(InputError, match="the chunk has weights and GATConv takes none"):
        ConvLayer(pyg.GATConv(5, 4)).double()(x, weighted)
    with pytest.raises(InputError, match="GCNConv normalizes by degrees"):
        ConvLayer(pyg.GCNConv(5, 4))
    with pytest.raises(InputError, match="residual with 5 channels in and 4 out"):
        ConvLayer(pyg.GraphConv(5, 4), residual=True).double()(x, graph)
    with pytest.raises(InputError, match="x has 29 rows"):
        ConvLayer(pyg.GraphConv(5, 4)).double()(x[1:], graph)
    with pytest.raises(InputTypeError, match="bipartite is 'yes'"):
        ConvLayer(pyg.GraphConv(5, 4), bipartite="yes")

    class Pooled(pyg.MessagePassing):
        def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
            return x.sum()

    with pytest.raises(InputError, match=r"Pooled returned .*expected a tensor of 30 rows"):
        ConvLayer(Pooled())(x, graph)
