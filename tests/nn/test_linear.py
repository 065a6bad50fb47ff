from __future__ import annotations

import copy
import gc
import pickle
import re
import weakref

import pytest
import torch
from torch import Tensor

from graphlearn.errors import GraphLearnError, InputError
from graphlearn.kernels.dropout import hashed_dropout
from graphlearn.nn import SparseLinear
from graphlearn.nn import linear as module
from graphlearn.nn.linear import transpose_csr


def test_transpose_against_a_dense_matrix(features: Tensor) -> None:
    sparse = features.to_sparse_csr()
    turned = transpose_csr(sparse)
    expected = features.t().to_sparse_csr()
    assert torch.equal(turned.rowptr, expected.crow_indices())
    assert torch.equal(turned.col, expected.col_indices())
    assert torch.equal(sparse.values()[turned.entry], expected.values())


@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (4, 5)])
def test_transpose_of_nothing(shape: tuple[int, int]) -> None:
    turned = transpose_csr(torch.zeros(shape).to_sparse_csr())
    assert turned.rowptr.tolist() == [0] * (shape[1] + 1)
    assert turned.col.numel() == 0


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sparse_equals_dense_in_value_and_gradient(
    features: Tensor, bias: bool, dtype: torch.dtype
) -> None:
    layer = SparseLinear(15, 7, bias=bias).to(dtype)
    features = features.to(dtype)
    sparse = features.to_sparse_csr()
    grad = torch.randn(24, 7, dtype=dtype)
    outs, grads = [], []
    for x in (features, sparse, sparse):  # the second time the transpose is there already
        out = layer(x)
        outs.append(out)
        grads.append(torch.autograd.grad(out, list(layer.parameters()), grad))
    torch.testing.assert_close(outs[0], features @ layer.weight + (layer.bias if bias else 0))
    for out, of_out in zip(outs[1:], grads[1:], strict=True):
        torch.testing.assert_close(out, outs[0])
        torch.testing.assert_close(of_out, grads[0])


def test_gradcheck_of_the_weight(features: Tensor) -> None:
    layer = SparseLinear(15, 3).double()
    sparse = features.to_sparse_csr()

    def mapped(weight: Tensor, bias: Tensor) -> Tensor:
        return torch.func.functional_call(layer, {"weight": weight, "bias": bias}, (sparse,))

    parameters = (
        layer.weight.detach().clone().requires_grad_(),
        layer.bias.detach().clone().requires_grad_(),
    )
    assert torch.autograd.gradcheck(mapped, parameters)


def test_dropout_is_drawn_on_the_stored_values(features: Tensor) -> None:
    layer = SparseLinear(15, 4, input_dropout=0.4).double()
    sparse = features.to_sparse_csr()
    torch.manual_seed(2)
    out = layer(sparse)
    grad = torch.autograd.grad(out.sum(), layer.weight)[0]
    torch.manual_seed(2)
    seed = int(torch.empty((), dtype=torch.int64).random_())
    dropped = features.clone()
    dropped[features != 0] = hashed_dropout(sparse.values(), 0.4, seed)
    assert (dropped == 0).sum() > (features == 0).sum()
    torch.testing.assert_close(out, dropped @ layer.weight + layer.bias)
    torch.testing.assert_close(grad, dropped.sum(dim=0)[:, None].expand(15, 4))
    assert torch.equal(sparse.values(), features[features != 0])  # the input is left alone


@pytest.mark.parametrize("sparse", [False, True])
def test_dropout_keeps_the_expectation_and_stops_in_evaluation(
    features: Tensor, sparse: bool
) -> None:
    layer = SparseLinear(15, 4, input_dropout=0.3).double()
    x = features.to_sparse_csr() if sparse else features
    exact = features @ layer.weight + layer.bias
    with torch.no_grad():
        draws = torch.stack([layer(x) for _ in range(1500)])
    spread = draws.std(dim=0) / 1500**0.5
    assert ((draws.mean(dim=0) - exact).abs() <= 5 * spread + 1e-12).all()
    assert float(draws.std(dim=0).max()) > 0
    torch.testing.assert_close(layer.eval()(x), exact)


def test_the_transpose_is_made_once_a_matrix(
    features: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Tensor] = []
    monkeypatch.setattr(module, "transpose_csr", lambda x: made.append(x) or transpose_csr(x))
    layer = SparseLinear(15, 2).double()
    one, two = features.to_sparse_csr(), (2 * features).to_sparse_csr()
    for x in (one, one, two, two, one):
        layer(x)
    assert [x is y for x, y in zip(made, (one, two, one), strict=True)] == [True] * 3


def test_the_features_are_not_kept_alive(features: Tensor) -> None:
    layer = SparseLinear(15, 2).double()
    sparse = features.to_sparse_csr()
    watched = weakref.ref(sparse)
    layer(sparse).sum().backward()
    del sparse
    gc.collect()
    assert watched() is None


def test_sparse_values_take_the_weight_s_dtype(features: Tensor) -> None:
    layer = SparseLinear(15, 2)
    assert layer(features.to_sparse_csr()).dtype == torch.float32


def test_no_rows() -> None:
    layer = SparseLinear(3, 2)
    assert layer(torch.ones(0, 3)).shape == (0, 2)
    assert layer(torch.ones(0, 3).to_sparse_csr()).shape == (0, 2)


def test_copies_and_pickles_after_use(features: Tensor) -> None:
    layer, sparse = SparseLinear(15, 2).double(), features.to_sparse_csr()
    out = layer(sparse)
    assert torch.equal(copy.deepcopy(layer)(sparse), out)
    # As a process that is spawned gets it.
    assert torch.equal(pickle.loads(pickle.dumps(layer))(sparse), out)


def test_state_dict_holds_the_parameters_alone(features: Tensor) -> None:
    layer = SparseLinear(15, 2).double()
    layer(features.to_sparse_csr())
    assert list(layer.state_dict()) == ["weight", "bias"]
    assert list(SparseLinear(3, 2, bias=False).state_dict()) == ["weight"]


def test_weights_are_drawn_as_those_of_torch() -> None:
    layer = SparseLinear(400, 300)
    bound = 400**-0.5
    for parameter in (layer.weight, layer.bias):
        assert float(parameter.detach().abs().max()) <= bound
        assert float(parameter.detach().std()) == pytest.approx(bound / 3**0.5, rel=0.1)
    before = layer.weight.clone()
    layer.reset_parameters()
    assert not torch.equal(layer.weight, before)


@pytest.mark.parametrize("sparse", [False, True])
@pytest.mark.parametrize("shape", [(3, 4), (3, 6)])
def test_wrong_width(sparse: bool, shape: tuple[int, int]) -> None:
    x = torch.ones(shape)
    message = f"x has shape {list(shape)}: expected shape [N, 5]"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        SparseLinear(5, 2)(x.to_sparse_csr() if sparse else x)


def test_wrong_number_of_axes() -> None:
    with pytest.raises(InputError, match=r"^x has shape \[5\]: expected shape \[N, 5\]$"):
        SparseLinear(5, 2)(torch.ones(5))


@pytest.mark.parametrize(
    "x",
    [
        torch.ones(2, 5, dtype=torch.int64),
        torch.ones(2, 5, dtype=torch.float64),
        torch.ones(2, 5).to_sparse_coo(),
        [[1.0] * 5],
        None,
    ],
    ids=["integers", "other-width", "coo", "list", "none"],
)
def test_what_is_no_feature_matrix_is_refused_in_our_words(x) -> None:
    with pytest.raises(GraphLearnError, match="^x "):
        SparseLinear(5, 2, input_dropout=0.5)(x)


@pytest.mark.parametrize("probability", [-0.5, 1.5])
def test_bad_dropout_is_refused_when_the_layer_is_made(probability: float) -> None:
    with pytest.raises(InputError, match="dropout"):
        SparseLinear(5, 2, input_dropout=probability)


def test_repr() -> None:
    layer = SparseLinear(5, 2, bias=False, input_dropout=0.5)
    assert repr(layer) == "SparseLinear(5, 2, bias=False, input_dropout=0.5)"
