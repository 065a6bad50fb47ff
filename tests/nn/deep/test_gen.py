from __future__ import annotations

import pytest
import torch
from torch import nn
from torch_geometric.nn import DeepGCNLayer, GENConv

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.nn.deep import GENLayer

SMALL = torch.tensor([[0, 1, 1, 2, 3, 3], [1, 0, 2, 1, 2, 2]])
FORMS = [
    {"aggregation": "softmax"},
    {"aggregation": "softmax", "learn": False},
    {"aggregation": "softmax", "message_norm": True, "learn_scale": True, "mlp_layers": 1},
    {"aggregation": "power", "power": 2.0},
    {"aggregation": "power", "learn": False},
    {"aggregation": "power", "message_norm": True, "mlp_layers": 3, "expansion": 3},
]


def peer(layer: GENLayer, given: dict) -> tuple[GENConv, list]:
    """PyG's layer with the same weights, and the pairs of them."""
    softmax = given["aggregation"] == "softmax"
    learn = given.get("learn", True)
    conv = GENConv(
        layer.out_channels,
        layer.out_channels,
        aggr=given["aggregation"],
        t=layer.temperature,
        learn_t=learn,
        p=layer.power,
        learn_p=learn,
        msg_norm=given.get("message_norm", False),
        learn_msg_scale=given.get("learn_scale", False),
        norm="layer",
        num_layers=given.get("mlp_layers", 2),
        expansion=given.get("expansion", 2),
        bias=True,
    ).double()
    pairs = list(
        zip(
            layer.mlp.parameters(),
            (value for _, value in conv.mlp.named_parameters()),
            strict=True,
        )
    )
    if learn:
        pairs.append((layer.number, conv.aggr_module.t if softmax else conv.aggr_module.p))
    if given.get("learn_scale"):
        pairs.append((layer.message_norm.scale, conv.msg_norm.scale))
    with torch.no_grad():
        for ours, theirs in pairs:
            theirs.copy_(ours)
    return conv, pairs


def made(**options) -> GENLayer:
    layer = GENLayer(5, **options).double()
    with torch.no_grad():
        if layer.learn:
            layer.number.mul_(1.3)
        if options.get("learn_scale"):
            layer.message_norm.scale.fill_(0.7)
        for norm in layer.modules():
            if isinstance(norm, nn.LayerNorm):
                norm.weight.normal_()
                norm.bias.normal_()
    return layer


@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_convolution_is_pygs(form, edge_index, graph, x, same_gradients) -> None:
    layer = made(residual=False, **form)
    conv, pairs = peer(layer, form)
    same_gradients(lambda x: layer(x, graph), lambda x: conv(x, edge_index), x, pairs)


@pytest.mark.parametrize("form", FORMS[:4], ids=str)
def test_the_block_is_pygs(form, edge_index, graph, x, same_gradients) -> None:
    layer = made(**form)
    conv, pairs = peer(layer, form)
    norm = nn.LayerNorm(5).double()
    norm.load_state_dict(layer.norm.state_dict())
    pairs += zip(layer.norm.parameters(), norm.parameters(), strict=True)
    block = DeepGCNLayer(conv, norm, nn.ReLU(), block="res+")
    same_gradients(lambda x: layer(x, graph), lambda x: block(x, edge_index), x, pairs)


@pytest.mark.parametrize("form", FORMS, ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_chunks_equal_the_whole(
    form, weighted, edge_index, weight, x, same_in_parts, permuted
) -> None:
    given = weight if weighted else None
    for residual in (True, False):
        layer = made(residual=residual, **form)
        same_in_parts(layer, x, edge_index, given)
        permuted(layer, x, edge_index, given)


@pytest.mark.parametrize("aggregation", ["softmax", "power"])
@pytest.mark.parametrize("residual", [True, False])
def test_gradients_are_those_of_differences(
    aggregation, residual, gradients_are_differences
) -> None:
    options = {"aggregation": aggregation, "power": 2.0, "message_norm": True, "learn_scale": True}
    layer = GENLayer(3, residual=residual, **options)
    gradients_are_differences(layer, SMALL, 4)
    gradients_are_differences(layer, SMALL, 4, torch.rand(6).double())


def test_dropout_is_in_the_block_alone(graph, x) -> None:
    for residual in (True, False):
        layer = made(residual=residual, dropout=0.5)
        same = torch.equal(layer(x, graph), layer.eval()(x, graph))
        assert same is not residual


def test_numbers_start_anew_and_weights_are_drawn() -> None:
    layer = made(aggregation="power", power=3.0, message_norm=True, learn_scale=True)
    before = layer.mlp[0].weight.clone()
    layer.reset_parameters()
    assert layer.number.item() == 3
    assert layer.message_norm.scale.item() == 1
    assert not torch.equal(before, layer.mlp[0].weight)
    assert layer.norm.weight.eq(1).all()


def test_a_fixed_number_is_no_weight_and_is_stored() -> None:
    layer = GENLayer(4, learn=False, temperature=0.1)
    assert "number" not in dict(layer.named_parameters())
    assert layer.state_dict()["number"].item() == pytest.approx(0.1)


def test_options_are_shown() -> None:
    assert repr(GENLayer(4)).startswith("GENLayer(\n  4, 'softmax', temperature=1.0\n")
    layer = GENLayer(4, aggregation="power", power=2, learn=False, residual=False)
    assert layer.extra_repr() == "4, 'power', power=2.0, learn=False, residual=False"


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="unknown aggregation 'softmx'.*'softmax'"):
        GENLayer(4, aggregation="softmx")
    with pytest.raises(InputError, match="power is 0: expected a number other than 0"):
        GENLayer(4, aggregation="power", power=0)
    with pytest.raises(InputError, match="eps is -1"):
        GENLayer(4, eps=-1)
    with pytest.raises(InputError, match="learn_scale=True with message_norm=False"):
        GENLayer(4, learn_scale=True)
    with pytest.raises(InputError, match="mlp_layers is 0"):
        GENLayer(4, mlp_layers=0)
    with pytest.raises(InputError, match="expansion is 0"):
        GENLayer(4, expansion=0)
    with pytest.raises(InputTypeError, match="temperature is '1': expected a number"):
        GENLayer(4, temperature="1")
