from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import NCN, HadamardPredictor

OPTIONS = [
    {},
    {"hidden_channels": 9, "layer_norm": False},
    {"final_linear": True, "two_layer_head": True, "hidden_channels": 4},
]


@pytest.mark.parametrize("options", OPTIONS)
def test_is_ncn_without_its_set_branch(
    options: dict, graph: CSRGraph, x: Tensor, pairs: Tensor
) -> None:
    ncn = NCN(6, beta=0.0, **options).double()
    predictor = HadamardPredictor(6, **options).double()
    shared = {k: v for k, v in ncn.state_dict().items() if k.startswith(("pair_branch", "head"))}
    predictor.load_state_dict(shared, strict=True)
    found, expected = predictor(x, graph, pairs), ncn(x, graph, pairs)
    torch.testing.assert_close(found, expected)
    with torch.no_grad():
        ncn.beta.fill_(1.0)
    assert not torch.allclose(found, ncn(x, graph, pairs))


@pytest.mark.parametrize("options", OPTIONS)
def test_against_the_equation(options: dict, graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    predictor = HadamardPredictor(6, **options).double()
    expected = predictor.head(predictor.pair_branch(x[pairs[0]] * x[pairs[1]])).squeeze(-1)
    torch.testing.assert_close(predictor(x, graph, pairs), expected)


def test_dropout_in_training_alone(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    predictor = HadamardPredictor(6, dropout=0.5).double()
    assert not torch.equal(predictor(x, graph, pairs), predictor(x, graph, pairs))
    predictor.eval()
    assert torch.equal(predictor(x, graph, pairs), predictor(x, graph, pairs))


def test_hidden_channels_default_to_channels() -> None:
    assert HadamardPredictor(6).head[-1].in_features == 6
    assert HadamardPredictor(6, 9).head[-1].in_features == 9


def test_a_linear_head_leaves_one_hidden_layer(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    predictor = HadamardPredictor(6, 8, layer_norm=False, linear_head=True).double()
    first, last = predictor.pair_branch[0], predictor.head[0]
    hidden = (x[pairs[0]] * x[pairs[1]]) @ first.weight.t() + first.bias
    expected = hidden.relu() @ last.weight.t() + last.bias
    torch.testing.assert_close(predictor(x, graph, pairs), expected.flatten())
    assert len(list(predictor.parameters())) == 4
    with pytest.raises(InputError, match="^linear_head and two_layer_head are both on"):
        HadamardPredictor(8, linear_head=True, two_layer_head=True)


def test_a_deep_residual_branch(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    predictor = HadamardPredictor(6, num_layers=3, residual=True, linear_head=True).double()
    product = x[pairs[0]] * x[pairs[1]]
    hidden = product
    for layer in predictor.pair_branch.layers:
        hidden = layer(hidden) + product
    expected = predictor.head[0](hidden).flatten()
    torch.testing.assert_close(predictor(x, graph, pairs), expected)
    with pytest.raises(InputError, match="^final_linear is on with num_layers 2"):
        HadamardPredictor(6, num_layers=2, final_linear=True)
    with pytest.raises(InputError, match="^hidden_channels is 9 and channels 6: expected one size"):
        HadamardPredictor(6, 9, residual=True)
    with pytest.raises(InputError, match="^num_layers is 0"):
        HadamardPredictor(6, num_layers=0)


@pytest.mark.parametrize(
    "name", ["linear_head", "residual", "layer_norm", "final_linear", "two_layer_head"]
)
def test_switches_are_true_or_false(name: str) -> None:
    with pytest.raises(InputTypeError, match=f"^{name} is 'no': expected True or False$"):
        HadamardPredictor(4, **{name: "no"})
