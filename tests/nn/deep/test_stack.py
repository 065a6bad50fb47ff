from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric.nn import DeepGCNLayer, GCN2Conv, GENConv

from graphlearn.errors import InputError, UnknownNameError
from graphlearn.nn.deep import (
    DEEP_STACKS,
    GCNIILayer,
    GCNLayer,
    GENLayer,
    InputLayer,
    OutputLayer,
    SAGELayer,
    WholeGraphStack,
    deep_stack,
    layer_options,
    whole_graph,
)

KINDS = {"gcn": GCNLayer, "sage": SAGELayer, "gcnii": GCNIILayer, "resgcn+": GENLayer}


@pytest.mark.parametrize("name", DEEP_STACKS)
def test_an_input_layer_the_layers_an_output_layer(name) -> None:
    stack = deep_stack(name, 5, 8, 3, num_layers=4, dropout=0.5)
    assert [type(layer) for layer in stack] == [InputLayer, *[KINDS[name]] * 4, OutputLayer]
    assert all(layer.dropout.p == 0.5 for layer in stack[1:])
    assert set(KINDS) == set(DEEP_STACKS)


def test_gcnii_is_the_papers_network(plain_edges, x) -> None:
    stack = deep_stack("gcnii", 5, 8, 3, num_layers=5, alpha=0.2, theta=1.0).double()
    initial = h = stack[0].lin(x).relu()
    for number, layer in enumerate(stack[1:-1], 1):
        conv = GCN2Conv(8, alpha=0.2, theta=1.0, layer=number).double()
        conv.weight1 = layer.weight
        h = conv(h, initial, plain_edges).relu()
    expected = stack[-1].lin(h)
    torch.testing.assert_close(WholeGraphStack(stack)(x, plain_edges), expected, rtol=1e-10, atol=0)


def test_resgcn_is_the_papers_network(edge_index, x) -> None:
    """As in PyG's example of DeepGCNLayer."""
    stack = deep_stack("resgcn+", 5, 8, 3, num_layers=4, message_norm=True).double()
    blocks = []
    for layer in stack[1:-1]:
        conv = GENConv(8, 8, norm="layer", bias=True, msg_norm=True, learn_t=True).double()
        for ours, theirs in zip(layer.mlp.parameters(), conv.mlp.parameters(), strict=True):
            theirs.data.copy_(ours.data)
        norm = layer.norm or nn.LayerNorm(8).double()
        blocks.append(DeepGCNLayer(conv, norm, nn.ReLU(), block="res+"))
    h = blocks[0].conv(stack[0].lin(x), edge_index)
    for block in blocks[1:]:
        h = block(h, edge_index)
    expected = stack[-1].lin(stack[-1].norm(h).relu())
    torch.testing.assert_close(
        WholeGraphStack(stack)(x, edge_index), expected, rtol=1e-10, atol=1e-11
    )


def test_options_reach_every_layer_between_the_ends() -> None:
    sage = deep_stack("sage", 5, 8, 3, 2, aggregation="lcm", residual=True, norm=True)
    assert all(layer.aggregator is not None and layer.residual for layer in sage[1:-1])
    assert sage[1].aggregator is not sage[2].aggregator
    gcn = deep_stack("gcn", 5, 8, 3, 2, activation=False)
    assert not any(layer.activation for layer in gcn[1:-1])
    gen = deep_stack("resgcn+", 5, 8, 3, 3, aggregation="power", power=2.0)
    assert [layer.residual for layer in gen[1:-1]] == [False, True, True]


@pytest.mark.parametrize("name", DEEP_STACKS)
def test_a_stack_runs_by_chunks_layer_after_layer(name, edge_index, weight, x, by_chunks) -> None:
    for given in (None, weight):
        stack = deep_stack(name, 5, 8, 3, num_layers=3).double()
        expected = WholeGraphStack(stack)(x, whole_graph(edge_index, 30, given))
        parts, h, initial = torch.arange(30) % 3, x, None
        for layer in stack:
            h = by_chunks(layer, h, edge_index, parts, given, initial=initial)
            initial = h if layer.sets_initial else initial
        torch.testing.assert_close(h, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("name", DEEP_STACKS)
def test_64_layers_keep_finite_outputs_and_gradients(name, graph, x) -> None:
    stack = deep_stack(name, 5, 16, 3, num_layers=64)
    out = WholeGraphStack(stack)(x.float(), graph)
    out.square().sum().backward()
    assert out.isfinite().all()
    assert all(p.grad.isfinite().all() for p in stack.parameters())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown deep stack 'gcn2'.*did you mean 'gcn"):
        deep_stack("gcn2", 5, 8, 3, 2)
    with pytest.raises(UnknownNameError, match="unknown option of gcnii 'alfa'.*'alpha'"):
        deep_stack("gcnii", 5, 8, 3, 2, alfa=0.1)
    for name, option in (("gcnii", "layer"), ("resgcn+", "residual"), ("gcn", "channels")):
        with pytest.raises(UnknownNameError, match=f"option of .* {option!r}"):
            deep_stack(name, 5, 8, 3, 2, **{option: 1})
    with pytest.raises(InputError, match="num_layers is 0"):
        deep_stack("gcn", 5, 8, 3, 0)
    with pytest.raises(InputError, match="dropout probability is 2"):
        deep_stack("gcn", 5, 8, 3, 1, dropout=2)


@pytest.mark.parametrize("name", DEEP_STACKS)
def test_every_option_of_the_layers_is_taken(name) -> None:
    options = {key: option.default for key, option in layer_options(name).items()}
    assert not {"in_channels", "channels", "layer", "dropout"} & set(options)
    given = deep_stack(name, 5, 8, 3, num_layers=2, **options)
    assert [type(layer) for layer in given] == [
        type(layer) for layer in deep_stack(name, 5, 8, 3, 2)
    ]
    with pytest.raises(UnknownNameError):
        layer_options(name + "x")
