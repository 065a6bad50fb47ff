from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import SAGEConv

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.nn import LCMAggregation
from graphlearn.nn.deep import SAGELayer, whole_graph

SMALL = torch.tensor([[0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 2, 2]])
AGGREGATIONS = ["mean", "sum", "max", "std", "gru", "lcm", {"name": "lcm", "project": True}]


def peer(layer: SAGELayer, aggr) -> tuple[SAGEConv, list]:
    conv = SAGEConv(layer.in_channels, layer.out_channels, aggr=aggr).double()
    conv.lin_l.load_state_dict(layer.of_neighbors.state_dict())
    conv.lin_r.load_state_dict(layer.of_node.state_dict())
    return conv, [
        (layer.of_neighbors.weight, conv.lin_l.weight),
        (layer.of_neighbors.bias, conv.lin_l.bias),
        (layer.of_node.weight, conv.lin_r.weight),
    ]


@pytest.mark.parametrize("name", ["mean", "sum", "max"])
def test_it_is_pygs_layer(name, edge_index, graph, x, same_gradients) -> None:
    layer = SAGELayer(5, 4, aggregation=name).double()
    conv, pairs = peer(layer, name)
    same_gradients(lambda x: layer(x, graph), lambda x: conv(x, edge_index), x, pairs)


def test_the_gradient_of_equal_messages_is_given_once() -> None:
    """PyG's maximum gives half of it where the maximum is 0, or all of it to each of them."""
    graph = whole_graph(torch.tensor([[0, 1], [2, 2]]), 3)
    x = torch.zeros(3, 1, requires_grad=True)
    layer = SAGELayer(1, 1, aggregation="max")
    torch.nn.init.ones_(layer.of_neighbors.weight)
    torch.nn.init.zeros_(layer.of_node.weight)
    for sign in (1.0, -1.0):
        (grad,) = torch.autograd.grad(layer(x, graph)[2].sum() * sign, x)
        assert grad.flatten().tolist() == [sign, 0, 0]


def test_lcm_is_pygs_layer_around_our_aggregator(edge_index, graph, x, same_gradients) -> None:
    layer = SAGELayer(5, 4, aggregation="lcm").double()
    assert isinstance(layer.aggregator, LCMAggregation)
    conv, pairs = peer(layer, LCMAggregation(5, 5, project=False))
    conv.aggr_module.load_state_dict(layer.aggregator.state_dict())
    cells = (layer.aggregator.gru_cell.weight_ih, conv.aggr_module.gru_cell.weight_ih)
    order = torch.argsort(edge_index[1], stable=True)
    same_gradients(
        lambda x: layer(x, graph), lambda x: conv(x, edge_index[:, order]), x, [*pairs, cells]
    )


def test_the_aggregator_may_be_given_and_is_not_drawn_anew() -> None:
    given = LCMAggregation(5, 5)
    before = given.gru_cell.weight_ih.clone()
    layer = SAGELayer(5, 4, aggregation=given)
    assert layer.aggregator is given
    assert torch.equal(given.gru_cell.weight_ih, before)
    layer.reset_parameters()
    assert not torch.equal(given.gru_cell.weight_ih, before)


def test_weights_take_the_place_of_the_mean(edge_index, weight, x) -> None:
    layer = SAGELayer(5, 4).double()
    matrix = torch.zeros(x.size(0), x.size(0), dtype=torch.float64)
    matrix.index_put_((edge_index[1], edge_index[0]), weight, accumulate=True)
    expected = layer.of_neighbors(matrix @ x) + layer.of_node(x)
    torch.testing.assert_close(layer(x, whole_graph(edge_index, x.size(0), weight)), expected)


def test_other_aggregators_get_weighted_rows(edge_index, weight, x) -> None:
    layer = SAGELayer(5, 4, aggregation="max").double()
    top = torch.stack(
        [
            (x[edge_index[0, into]] * weight[into, None]).amax(dim=0)
            if (into := edge_index[1] == node).any()
            else x.new_zeros(5)
            for node in range(x.size(0))
        ]
    )
    expected = layer.of_neighbors(top) + layer.of_node(x)
    torch.testing.assert_close(layer(x, whole_graph(edge_index, x.size(0), weight)), expected)


@pytest.mark.parametrize("aggregation", AGGREGATIONS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_equal_the_whole(
    aggregation, weighted, edge_index, weight, x, same_in_parts
) -> None:
    layer = SAGELayer(5, 5, aggregation=aggregation, norm=True, activation=True, residual=True)
    same_in_parts(layer, x, edge_index, weight if weighted else None)


@pytest.mark.parametrize("aggregation", ["mean", "sum", "max"])
def test_names_of_nodes_do_not_matter(aggregation, edge_index, weight, x, permuted) -> None:
    permuted(SAGELayer(5, 4, aggregation=aggregation), x, edge_index)
    permuted(SAGELayer(5, 4, aggregation=aggregation), x, edge_index, weight)


@pytest.mark.parametrize("aggregation", ["mean", "sum", "lcm"])
def test_gradients_are_those_of_differences(aggregation, gradients_are_differences) -> None:
    gradients_are_differences(SAGELayer(2, 3, aggregation=aggregation), SMALL, 4)
    weight = torch.rand(6).double()
    gradients_are_differences(SAGELayer(2, 3, aggregation=aggregation), SMALL, 4, weight)


def test_a_node_without_messages_has_the_mean_0(x) -> None:
    layer = SAGELayer(5, 4, bias=False).double()
    nothing = whole_graph(torch.empty(2, 0, dtype=torch.int64), x.size(0))
    torch.testing.assert_close(layer(x, nothing), layer.of_node(x))


def test_options_are_shown() -> None:
    assert repr(SAGELayer(5, 4)).startswith("SAGELayer(\n  5, 4, aggregation='mean'\n")
    assert "LCMAggregation(5, 5, project=False)" in repr(SAGELayer(5, 4, aggregation="lcm"))


def test_what_does_not_fit_is_refused(graph, x) -> None:
    with pytest.raises(UnknownNameError, match="unknown aggregator 'lmc'.*did you mean 'lcm'"):
        SAGELayer(5, 4, aggregation="lmc")
    with pytest.raises(InputError, match="residual with in_channels 5 and out_channels 4"):
        SAGELayer(5, 4, residual=True)
    with pytest.raises(InputTypeError, match="bias is 1: expected True or False"):
        SAGELayer(5, 4, bias=1)
    with pytest.raises(InputError, match="x has 29 rows: expected 30: the chunk has 30 nodes"):
        SAGELayer(5, 4).double()(x[1:], graph)
