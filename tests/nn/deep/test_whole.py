from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric.nn import GATConv

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep import ConvLayer, GCNIILayer, InputLayer, WholeGraphStack, deep_stack
from graphlearn.nn.deep.chunk import whole_graph
from graphlearn.pipeline import GraphChunk


def test_an_edge_index_is_as_good_as_the_graph(edge_index, weight, x) -> None:
    network = WholeGraphStack(deep_stack("gcn", 5, 8, 3, num_layers=2)).double()
    torch.testing.assert_close(network(x, edge_index), network(x, whole_graph(edge_index, 30)))
    torch.testing.assert_close(
        network(x, edge_index, weight), network(x, whole_graph(edge_index, 30, weight))
    )


def test_the_initial_representation_goes_to_those_that_take_it(graph, x) -> None:
    first, second = InputLayer(5, 4, sets_initial=True), GCNIILayer(4, 1)
    network = WholeGraphStack([first, second]).double()
    start = first(x)
    torch.testing.assert_close(network(x, graph), second(start, graph, start))


def test_any_modules_can_be_layers(graph, x) -> None:
    class Plain(nn.Module):
        def forward(self, x, chunk):
            return 2 * x

    stack = [Plain(), ConvLayer(GATConv(5, 3))]
    network = WholeGraphStack(stack).double()
    torch.testing.assert_close(network(x, graph), stack[1](2 * x, graph))


def test_the_trainers_chunk_of_a_whole_graph_is_one(graph, x) -> None:
    chunk = GraphChunk(
        number=0,
        nodes=torch.arange(30),
        halo=torch.arange(0),
        rowptr=graph.rowptr,
        col=graph.col,
        edge=graph.edge,
        weight=None,
        degree=graph.degree,
    )
    network = WholeGraphStack(deep_stack("resgcn+", 5, 8, 3, num_layers=2)).double()
    assert torch.equal(network(x, chunk), network(x, graph))


def test_training_learns(edge_index, x) -> None:
    torch.manual_seed(0)
    network = WholeGraphStack(deep_stack("gcnii", 5, 16, 2, num_layers=8, dropout=0.1)).double()
    target = (x[:, 0] > 0).long()
    graph = whole_graph(edge_index, 30)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        loss = nn.functional.cross_entropy(network(x, graph), target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] / 2


def test_new_weights_are_drawn_in_every_layer() -> None:
    network = WholeGraphStack(deep_stack("sage", 5, 8, 3, num_layers=2))
    before = [value.clone() for value in network.parameters()]
    network.reset_parameters()
    assert not any(torch.equal(*pair) for pair in zip(before, network.parameters(), strict=True))


def test_layers_are_counted() -> None:
    assert "4 layers" in repr(WholeGraphStack(deep_stack("gcn", 5, 8, 3, num_layers=2)))


def test_what_does_not_fit_is_refused(edge_index, weight, graph, x) -> None:
    with pytest.raises(InputError, match="the stack is empty"):
        WholeGraphStack([])
    with pytest.raises(InputTypeError, match="layer 1 is a str"):
        WholeGraphStack([InputLayer(5, 4), "gcn"])
    with pytest.raises(InputError, match="layer 1, a GCNIILayer, takes an initial.*sets_initial"):
        WholeGraphStack([InputLayer(5, 4), GCNIILayer(4, 1)])
    network = WholeGraphStack([InputLayer(5, 4)]).double()
    with pytest.raises(InputTypeError, match="graph is a NoneType"):
        network(x, None)
    with pytest.raises(InputError, match="weight is given beside a graph"):
        network(x, graph, weight)
    with pytest.raises(InputError, match=r"x is of shape \[5\]"):
        network(x[0], edge_index)
    with pytest.raises(InputError, match="x is list"):
        network([1.0], edge_index)
    chunk = GraphChunk(
        number=0,
        nodes=torch.tensor([0]),
        halo=torch.tensor([1]),
        rowptr=torch.tensor([0, 1]),
        col=torch.tensor([1]),
        edge=torch.tensor([0]),
        weight=None,
        degree=torch.tensor([1, 1]),
    )
    with pytest.raises(InputError, match="the graph has 1 nodes and a halo of 1"):
        network(x[:1], chunk)
