from __future__ import annotations

import math

import pytest
import torch
from torch_geometric.nn import GCN2Conv
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep import GCNIILayer, whole_graph

SMALL = torch.tensor([[0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 2, 2]])


def peer(layer: GCNIILayer, **options) -> tuple[GCN2Conv, list]:
    shared = layer.initial_weight is None
    conv = GCN2Conv(
        layer.out_channels,
        alpha=layer.alpha,
        theta=layer.theta,
        layer=layer.layer,
        shared_weights=shared,
        **options,
    ).double()
    pairs = [(layer.weight, conv.weight1)]
    if not shared:
        pairs.append((layer.initial_weight, conv.weight2))
    with torch.no_grad():
        for ours, theirs in pairs:
            theirs.copy_(ours)
    return conv, pairs


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("number", [1, 32])
def test_it_is_pygs_layer(shared, number, plain_edges, x, same_gradients) -> None:
    layer = GCNIILayer(5, number, alpha=0.2, theta=1.5, shared_weights=shared).double()
    conv, pairs = peer(layer)
    whole = whole_graph(plain_edges, x.size(0))
    same_gradients(
        lambda x: layer(x, whole, x.sin()), lambda x: conv(x, x.sin(), plain_edges), x, pairs
    )


def test_it_is_pygs_layer_on_a_graph_with_its_loops(edge_index, x, same_gradients) -> None:
    layer = GCNIILayer(5, 2, add_self_loops=False).double()
    conv, pairs = peer(layer, add_self_loops=False)
    whole = whole_graph(edge_index, x.size(0))
    same_gradients(
        lambda x: layer(x, whole, x.sin()), lambda x: conv(x, x.sin(), edge_index), x, pairs
    )


def test_weights_take_the_place_of_the_matrix(edge_index, weight, x, same_gradients) -> None:
    layer = GCNIILayer(5, 2).double()
    conv, pairs = peer(layer)
    normal = gcn_norm(edge_index, weight, x.size(0))
    whole = whole_graph(normal[0], x.size(0), normal[1])
    same_gradients(
        lambda x: layer(x, whole, x.sin()), lambda x: conv(x, x.sin(), edge_index, weight), x, pairs
    )


@pytest.mark.parametrize("options", [{}, {"shared_weights": False}, {"residual": True}])
@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_equal_the_whole(
    options, weighted, edge_index, weight, x, same_in_parts, permuted
) -> None:
    layer = GCNIILayer(5, 3, activation=True, **options)
    given = weight if weighted else None
    same_in_parts(layer, x, edge_index, given)
    permuted(layer, x, edge_index, given)


@pytest.mark.parametrize("shared", [True, False])
def test_gradients_are_those_of_differences(shared, gradients_are_differences) -> None:
    gradients_are_differences(GCNIILayer(2, 1, shared_weights=shared), SMALL, 4)


def test_it_nears_the_identity_with_depth() -> None:
    assert GCNIILayer(2, 1, theta=0.5).beta == math.log(1.5)
    assert GCNIILayer(2, 64, theta=0.5).beta < 0.01
    assert GCNIILayer(2, 4, theta=0).beta == 0


def test_new_weights_are_drawn() -> None:
    layer = GCNIILayer(4, 1, shared_weights=False)
    before = [value.clone() for value in layer.parameters()]
    layer.reset_parameters()
    assert not any(torch.equal(*pair) for pair in zip(before, layer.parameters(), strict=True))


def test_options_are_shown() -> None:
    text = "4, layer=2, alpha=0.1, theta=0.5"
    assert GCNIILayer(4, 2).extra_repr() == text
    layer = GCNIILayer(4, 2, shared_weights=False, add_self_loops=False, activation=True)
    assert layer.extra_repr() == (
        text + ", activation=True, shared_weights=False, add_self_loops=False"
    )


def test_what_does_not_fit_is_refused(graph, x) -> None:
    layer = GCNIILayer(5, 1).double()
    with pytest.raises(InputTypeError, match="initial is NoneType.*sets_initial=True"):
        layer(x, graph, None)
    with pytest.raises(InputError, match=r"initial has shape \[30, 4\]: expected \[30, 5\]"):
        layer(x, graph, x[:, 1:])
    with pytest.raises(InputError, match="layer is 0: expected an integer >= 1"):
        GCNIILayer(5, 0)
    with pytest.raises(InputError, match=r"alpha is 1.2: expected a number in \[0, 1\]"):
        GCNIILayer(5, 1, alpha=1.2)
    with pytest.raises(InputError, match="theta is -1: expected a number >= 0"):
        GCNIILayer(5, 1, theta=-1)
    with pytest.raises(InputTypeError, match="shared_weights is None"):
        GCNIILayer(5, 1, shared_weights=None)
