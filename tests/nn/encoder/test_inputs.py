from __future__ import annotations

import copy
import re

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.transforms import NormalizeFeatures

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn import JumpingKnowledge, NodeInput
from graphlearn.nn.encoder.inputs import normalize_rows


def test_features_are_mapped(features: Tensor) -> None:
    layer = NodeInput(15, 4).double()
    expected = features @ layer.linear.weight + layer.linear.bias
    torch.testing.assert_close(layer(features), expected)
    torch.testing.assert_close(layer(features.to_sparse_csr()), expected)
    assert layer.embedding is None


def test_without_a_map_features_stay_as_they_are(features: Tensor) -> None:
    layer = NodeInput(15, 4, linear=False, dropout=0.5)
    sparse = features.to_sparse_csr()
    assert layer.eval()(features) is features
    assert layer(sparse) is sparse
    assert not list(layer.parameters())
    with pytest.raises(InputError, match=r"^x has shape \[3, 2\]: expected shape \[N, 15\]$"):
        layer(torch.ones(3, 2))
    out = layer.train()(torch.ones(200, 15).to_sparse_csr())
    assert out.layout == torch.sparse_csr
    assert sorted(out.values().unique().tolist()) == [0.0, 2.0]
    assert float(out.values().mean()) == pytest.approx(1.0, abs=0.1)


def test_rows_are_normalized_as_pyg_does(features: Tensor) -> None:
    x = features.abs()
    x[3] = 0
    expected = NormalizeFeatures()(Data(x=x.clone())).x
    # PyG divides by no less than 1.
    small = x.sum(1) < 1
    expected[small] = (x / x.sum(1, keepdim=True).clamp(min=1e-12))[small]
    torch.testing.assert_close(normalize_rows(x), expected)
    torch.testing.assert_close(normalize_rows(x.to_sparse_csr()).to_dense(), expected)
    layer = NodeInput(15, 4, normalize_features=True).double()
    torch.testing.assert_close(layer(x), layer.linear(expected))
    torch.testing.assert_close(layer(x.to_sparse_csr()), layer.linear(expected))


def test_normalized_features_are_kept_and_follow_changes_in_place() -> None:
    layer = NodeInput(2, 4, normalize_features=True, linear=False)
    x = torch.tensor([[1.0, 3.0]])
    assert layer(x) is layer(x)
    x[0, 0] = 3.0
    assert layer(x).tolist() == [[0.5, 0.5]]
    other = copy.deepcopy(layer)
    assert other(x).tolist() == [[0.5, 0.5]]


def test_embeddings_are_orthogonal_and_learned() -> None:
    layer = NodeInput(None, 6, num_embeddings=5)
    weight = layer(None)
    assert weight.shape == (5, 6)
    torch.testing.assert_close(weight @ weight.t(), torch.eye(5))
    weight.sum().backward()
    assert torch.equal(layer.embedding.weight.grad, torch.ones(5, 6))
    before = layer.embedding.weight.detach().clone()
    layer.reset_parameters()
    assert not torch.equal(layer.embedding.weight, before)


def test_dropout_before_and_after_the_map(features: Tensor) -> None:
    layer = NodeInput(15, 40, feature_dropout=0.5, dropout=0.25).double()
    exact = layer.eval()(features)
    layer.train()
    out = layer(features)
    assert float((out == 0).double().mean()) == pytest.approx(0.25, abs=0.05)
    kept = out != 0
    assert not torch.allclose(out[kept], exact[kept] / 0.75)  # the features were dropped too
    only_after = NodeInput(15, 40, dropout=0.25).double()
    only_after.load_state_dict(layer.state_dict())
    out = only_after(features)
    torch.testing.assert_close(out[out != 0], (exact / 0.75)[out != 0])


def test_dropout_of_embeddings() -> None:
    layer = NodeInput(None, 50, num_embeddings=20, dropout=0.5)
    assert float((layer(None) == 0).float().mean()) == pytest.approx(0.5, abs=0.08)
    assert torch.equal(layer.eval()(None), layer.embedding.weight)


@pytest.mark.parametrize(("in_channels", "num_embeddings"), [(None, None), (3, 3)])
def test_one_of_features_and_embeddings(
    in_channels: int | None, num_embeddings: int | None
) -> None:
    message = (
        f"in_channels is {in_channels} and num_embeddings is {num_embeddings}: expected one of "
        "them, and the other None; pass num_embeddings=data.num_nodes for a graph without features"
        ", or embedding_channels for learned vectors beside the features"
    )
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        NodeInput(in_channels, 4, num_embeddings=num_embeddings)


def test_learned_vectors_beside_features_are_mapped_and_added(features: Tensor) -> None:
    module = NodeInput(
        features.size(1), 4, num_embeddings=features.size(0), embedding_channels=3
    ).to(features.dtype)
    linear, mapping, vectors = module.linear, module.embedding_map, module.embedding
    assert linear is not None
    assert mapping is not None
    assert vectors is not None
    assert vectors.weight.shape == (features.size(0), 3)
    expected = linear(features) + vectors.weight @ mapping.weight.t()
    torch.testing.assert_close(module(features), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "embedding_channels is 2 and num_embeddings is None: expected the number of nodes"),
        ({"num_embeddings": 5, "linear": False}, "embedding_channels is 2 and linear is off"),
    ],
)
def test_learned_vectors_that_cannot_be_added(options: dict, message: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(message)}"):
        NodeInput(3, 4, embedding_channels=2, **options)


def test_learned_vectors_beside_no_features_are_refused() -> None:
    message = "embedding_channels is 2 and there are no features"
    with pytest.raises(InputError, match=f"^{message}"):
        NodeInput(None, 4, num_embeddings=5, embedding_channels=2)


def test_learned_vectors_are_one_a_node() -> None:
    module = NodeInput(3, 4, num_embeddings=5, embedding_channels=2)
    with pytest.raises(InputError, match="^x has 6 rows: expected 5, one for each learned vector"):
        module(torch.randn(6, 3))


def test_what_was_asked_for_must_come() -> None:
    message = "x is None: expected features, as the encoder was built for them"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        NodeInput(3, 4)(None)
    message = "x has shape [3, 2]: expected None, because the encoder was built with num_embeddings"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        NodeInput(None, 4, num_embeddings=3)(torch.ones(3, 2))
    with pytest.raises(InputError, match=r"^x has shape \[3, 2\]: expected shape \[N, 3\]$"):
        NodeInput(3, 4)(torch.ones(3, 2))


def test_jumping_knowledge_is_a_weighted_sum() -> None:
    layers = [torch.randn(5, 3, dtype=torch.float64) for _ in range(3)]
    jump = JumpingKnowledge(3).double()
    torch.testing.assert_close(jump(layers), layers[0] + layers[1] + layers[2])
    with torch.no_grad():
        jump.weight.copy_(torch.tensor([0.5, -2.0, 3.0]))
    out = jump(layers)
    torch.testing.assert_close(out, 0.5 * layers[0] - 2 * layers[1] + 3 * layers[2])
    out.sum().backward()
    torch.testing.assert_close(jump.weight.grad, torch.stack([layer.sum() for layer in layers]))
    jump.reset_parameters()
    assert jump.weight.tolist() == [1.0, 1.0, 1.0]


def test_jumping_knowledge_as_published_starts_at_random() -> None:
    jump = JumpingKnowledge(500, "normal")
    weight = jump.weight.detach()
    assert float(weight.mean()) == pytest.approx(0.0, abs=0.2)
    assert float(weight.std()) == pytest.approx(1.0, abs=0.15)
    before = weight.clone()
    jump.reset_parameters()
    assert not torch.equal(jump.weight, before)
    with pytest.raises(InputError, match="^initial is 'one': expected 'ones' or 'normal'$"):
        JumpingKnowledge(2, "one")


@pytest.mark.parametrize("linear", [True, False])
def test_normalized_features_keep_their_gradient(linear: bool) -> None:
    layer = NodeInput(3, 4, linear=linear, normalize_features=True)
    x = torch.rand(4, 3, requires_grad=True)
    with torch.no_grad():
        layer(x)
    first = torch.autograd.grad(layer(x).square().sum(), x)[0]
    second = torch.autograd.grad(layer(x).square().sum(), x)[0]
    assert first.abs().sum() > 0
    assert torch.equal(first, second)


@pytest.mark.parametrize("sparse", [False, True])
def test_normalized_features_after_inference_mode(sparse: bool) -> None:
    layer = NodeInput(3, 4, normalize_features=True)
    x = torch.rand(4, 3)
    x = x.to_sparse_csr() if sparse else x
    with torch.inference_mode():
        expected = layer(x)
        assert torch.equal(layer(torch.clone(x)), expected)
    found = layer(x)
    found.sum().backward()
    torch.testing.assert_close(found.detach(), expected.clone())


@pytest.mark.parametrize("name", ["linear", "normalize_features"])
def test_switches_are_true_or_false(name: str) -> None:
    with pytest.raises(InputTypeError, match=f"^{name} is 'no': expected True or False$"):
        NodeInput(3, 4, **{name: "no"})
