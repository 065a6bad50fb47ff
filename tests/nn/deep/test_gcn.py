from __future__ import annotations

import pytest
import torch
from torch_geometric.nn import GCNConv
from torch_geometric.nn.conv.gcn_conv import gcn_norm

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep import GCNLayer, whole_graph

SMALL = torch.tensor([[0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 2, 2]])


def peer(layer: GCNLayer, **options) -> tuple[GCNConv, list]:
    conv = GCNConv(layer.in_channels, layer.out_channels, **options).double()
    conv.load_state_dict({"lin.weight": layer.lin.weight, "bias": layer.lin.bias})
    return conv, [(layer.lin.weight, conv.lin.weight), (layer.lin.bias, conv.bias)]


def made(**options) -> GCNLayer:
    layer = GCNLayer(5, 4, **options).double()
    torch.nn.init.normal_(layer.lin.bias)
    return layer


def test_it_is_pygs_layer_without_loops_of_the_graph(plain_edges, x, same_gradients) -> None:
    layer = made()
    conv, pairs = peer(layer)
    whole = whole_graph(plain_edges, x.size(0))
    same_gradients(lambda x: layer(x, whole), lambda x: conv(x, plain_edges), x, pairs)


def test_it_is_pygs_layer_on_a_graph_with_its_loops(edge_index, x, same_gradients) -> None:
    layer = made(add_self_loops=False)
    conv, pairs = peer(layer, add_self_loops=False)
    whole = whole_graph(edge_index, x.size(0))
    same_gradients(lambda x: layer(x, whole), lambda x: conv(x, edge_index), x, pairs)


def test_weights_take_the_place_of_the_matrix(edge_index, weight, x, same_gradients) -> None:
    layer = made()
    conv, pairs = peer(layer)
    normal = gcn_norm(edge_index, weight, x.size(0))
    whole = whole_graph(normal[0], x.size(0), normal[1])
    same_gradients(lambda x: layer(x, whole), lambda x: conv(x, edge_index, weight), x, pairs)


def test_loops_of_the_graph_are_messages_on_top_of_the_added_ones(edge_index, x) -> None:
    layer = made()
    matrix = torch.eye(x.size(0), dtype=torch.float64)
    matrix.index_put_((edge_index[1], edge_index[0]), torch.tensor(1.0).double(), accumulate=True)
    scale = matrix.sum(dim=1).rsqrt()
    expected = layer.lin(scale[:, None] * matrix * scale @ x)
    torch.testing.assert_close(layer(x, whole_graph(edge_index, x.size(0))), expected)


@pytest.mark.parametrize("options", [{}, {"add_self_loops": False}, {"norm": True, "bias": False}])
@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_equal_the_whole(
    options, weighted, edge_index, weight, x, same_in_parts, permuted
) -> None:
    layer = GCNLayer(5, 5, activation=True, residual=True, **options)
    given = weight if weighted else None
    same_in_parts(layer, x, edge_index, given)
    permuted(layer, x, edge_index, given)


def test_gradients_are_those_of_differences(gradients_are_differences) -> None:
    gradients_are_differences(GCNLayer(2, 3), SMALL, 4)
    gradients_are_differences(GCNLayer(2, 2, residual=True), SMALL, 4, torch.rand(6).double())


def test_weights_of_messages_can_be_learned(edge_index, weight, x) -> None:
    layer = made()
    given = weight.clone().requires_grad_()
    layer(x, whole_graph(edge_index, x.size(0), given)).sum().backward()
    assert given.grad.abs().min() > 0


def test_a_graph_without_edges(x) -> None:
    layer = made()
    nothing = whole_graph(torch.empty(2, 0, dtype=torch.int64), x.size(0))
    torch.testing.assert_close(layer(x, nothing), layer.lin(x))
    empty = whole_graph(torch.empty(2, 0, dtype=torch.int64), 0)
    assert layer(x[:0], empty).shape == (0, 4)


def test_half_precision_counts_degrees_of_a_hub(x) -> None:
    edges = torch.stack([torch.arange(1, 3000), torch.zeros(2999, dtype=torch.int64)])
    hub = whole_graph(edges, 3000)
    layer = GCNLayer(1, 1).bfloat16()
    rows = torch.ones(3000, 1)
    exact = GCNLayer(1, 1)
    exact.load_state_dict(layer.state_dict())
    torch.testing.assert_close(
        layer(rows.bfloat16(), hub).float(), exact(rows, hub), rtol=0.05, atol=0.05
    )


def test_dropout_is_drawn_from_torchs_generator_and_off_in_evaluation(graph, x) -> None:
    layer = made(dropout=0.5)
    results = []
    for _ in range(2):
        torch.manual_seed(1)
        results.append(layer(x, graph))
    assert torch.equal(*results)
    layer.eval()
    assert not torch.equal(layer(x, graph), results[0])
    assert torch.equal(layer(x, graph), layer(x, graph))


def test_new_weights_are_drawn() -> None:
    layer = made(norm=True)
    before = layer.lin.weight.clone()
    torch.nn.init.zeros_(layer.norm.weight)
    layer.reset_parameters()
    assert not torch.equal(before, layer.lin.weight)
    assert not layer.lin.bias.any()
    assert layer.norm.weight.all()


def test_options_are_shown() -> None:
    assert repr(GCNLayer(5, 4)).startswith("GCNLayer(\n  5, 4\n")
    layer = GCNLayer(4, 4, activation=True, residual=True, add_self_loops=False)
    assert layer.extra_repr() == "4, 4, activation=True, residual=True, add_self_loops=False"


def test_what_does_not_fit_is_refused(graph, x) -> None:
    with pytest.raises(InputError, match="in_channels is 0"):
        GCNLayer(0, 4)
    with pytest.raises(InputError, match=r"dropout probability is 1.5: expected a number in \[0"):
        GCNLayer(5, 4, dropout=1.5)
    for name in ("bias", "add_self_loops", "norm", "activation", "residual"):
        with pytest.raises(InputTypeError, match=f"{name} is 'no': expected True or False"):
            GCNLayer(5, 4, **{name: "no"})
    with pytest.raises(InputTypeError, match="x has dtype torch.float64: expected torch.float32"):
        GCNLayer(5, 4)(x, graph)
