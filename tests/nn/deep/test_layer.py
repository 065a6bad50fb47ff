from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep import DeepLayer, Neighborhoods


class Doubling(DeepLayer):
    def aggregate(self, x: Tensor, chunk: Neighborhoods) -> Tensor:
        return 2 * x[: chunk.num_nodes]


def test_norm_then_activation_then_residual(graph, x) -> None:
    layer = Doubling(5, 5, norm=True, activation=True, residual=True).double()
    with torch.no_grad():
        layer.norm.weight.normal_()
    torch.testing.assert_close(layer(x, graph), layer.norm(2 * x).relu() + x)
    torch.testing.assert_close(Doubling(5, 5)(x, graph), 2 * x)


def test_the_residual_is_not_dropped(graph, x) -> None:
    layer = Doubling(5, 5, dropout=1.0, residual=True).double()
    torch.testing.assert_close(layer(x, graph), x)
    torch.testing.assert_close(layer.eval()(x, graph), 3 * x)


def test_what_a_trainer_asks_of_a_layer() -> None:
    layer = Doubling(5, 5)
    assert (layer.reads_halo, layer.sets_initial, layer.takes_initial) == (True, False, False)


def test_autocast_mixes_precisions(graph, x) -> None:
    layer = Doubling(5, 5, norm=True)
    with pytest.raises(InputTypeError, match="x has dtype torch.float64: expected torch.float32"):
        layer(x, graph)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        layer(x.bfloat16(), graph)


def test_new_norms_start_at_1() -> None:
    layer = Doubling(5, 5, norm=True)
    torch.nn.init.zeros_(layer.norm.weight)
    layer.reset_parameters()
    assert layer.norm.weight.eq(1).all()
    Doubling(5, 5).reset_parameters()


def test_a_subclass_has_to_say_what_it_computes(graph, x) -> None:
    with pytest.raises(NotImplementedError, match=r"DeepLayer has no aggregate\(\)"):
        DeepLayer(5, 5)(x, graph)


def test_what_does_not_fit_is_refused(graph, x) -> None:
    with pytest.raises(InputError, match="residual with in_channels 5 and out_channels 4"):
        Doubling(5, 4, residual=True)
    with pytest.raises(InputTypeError, match="norm is 1: expected True or False"):
        Doubling(5, 5, norm=1)
    with pytest.raises(InputError, match=r"x has shape \[30, 4\]: expected 5 channels, \[N, C\]"):
        Doubling(5, 5)(x[:, 1:], graph)
    with pytest.raises(InputError, match="x has 29 rows"):
        Doubling(5, 5)(x[1:], graph)
