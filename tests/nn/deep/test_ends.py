from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep import InputLayer, OutputLayer


def test_the_input_layer_maps_each_node(graph, x) -> None:
    layer = InputLayer(5, 7).double()
    torch.testing.assert_close(layer(x, graph), layer.lin(x).relu())
    torch.testing.assert_close(layer(x), layer(x, graph))
    plain = InputLayer(5, 7, activation=False, norm=True).double()
    torch.testing.assert_close(plain(x), plain.norm(plain.lin(x)))


def test_the_output_layer_maps_each_node(graph, x) -> None:
    layer = OutputLayer(5, 3).double()
    torch.testing.assert_close(layer(x, graph), layer.lin(x))
    block = OutputLayer(5, 3, norm=True, activation=True).double()
    torch.testing.assert_close(block(x, graph), block.lin(block.norm(x).relu()))


@pytest.mark.parametrize("layer", [InputLayer(5, 4, norm=True), OutputLayer(5, 4, norm=True)])
def test_chunks_equal_the_whole(layer, edge_index, x, same_in_parts, permuted) -> None:
    same_in_parts(layer, x, edge_index)
    permuted(layer, x, edge_index)


@pytest.mark.parametrize("kind", [InputLayer, OutputLayer])
def test_dropout_is_before_the_map(kind, x) -> None:
    layer = kind(5, 4, dropout=1.0).double()
    torch.nn.init.constant_(layer.lin.bias, 2.0)
    assert layer(x).eq(2).all()
    assert not layer.eval()(x).eq(2).all()


def test_what_a_trainer_asks_of_them() -> None:
    assert not InputLayer(5, 4).reads_halo
    assert not OutputLayer(5, 4).reads_halo
    assert not InputLayer(5, 4).sets_initial
    assert InputLayer(5, 4, sets_initial=True).sets_initial
    assert not InputLayer.sets_initial


@pytest.mark.parametrize("kind", [InputLayer, OutputLayer])
def test_new_weights_are_drawn(kind) -> None:
    layer = kind(5, 4, norm=True)
    before = layer.lin.weight.clone()
    torch.nn.init.zeros_(layer.norm.weight)
    layer.reset_parameters()
    assert not torch.equal(before, layer.lin.weight)
    assert layer.norm.weight.eq(1).all()


def test_options_are_shown() -> None:
    layer = InputLayer(5, 4, sets_initial=True)
    assert layer.extra_repr() == "5, 4, activation=True, sets_initial=True"
    assert OutputLayer(5, 4).extra_repr() == "5, 4"


@pytest.mark.parametrize("kind", [InputLayer, OutputLayer])
def test_what_does_not_fit_is_refused(kind, graph, x) -> None:
    layer = kind(5, 4).double()
    with pytest.raises(InputError, match="x has 29 rows: expected 30, one a node"):
        layer(x[1:], graph)
    with pytest.raises(InputError, match="expected 5 channels"):
        layer(x[:, 1:], graph)
    with pytest.raises(InputError, match="out_channels is 0"):
        kind(5, 0)
    with pytest.raises(InputTypeError, match="norm is 'layer': expected True or False"):
        kind(5, 4, norm="layer")


def test_sets_initial_is_a_flag() -> None:
    with pytest.raises(InputTypeError, match="sets_initial is 1"):
        InputLayer(5, 4, sets_initial=1)
