from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, UnknownNameError
from graphlearn.kernels import CSRGraph
from graphlearn.nn import PropagationEncoder, propagate
from graphlearn.nn.encoder import propagation as module

OPTIONS = [
    {},
    {"num_layers": 3},
    {"num_layers": 2, "residual": True},
    {"num_layers": 3, "jumping_knowledge": True},
    {"num_layers": 2, "residual": True, "jumping_knowledge": True, "normalization": "mean"},
    {"normalization": "sum", "jumping_knowledge": True, "jumping_knowledge_initial": "normal"},
    {"num_layers": 2, "initial_residual": 0.3},
    {"num_layers": 2, "layer_norm": True, "initial_residual": -0.5, "residual": True},
    {"num_layers": 2, "jumping_knowledge": True, "jumping_knowledge_input": True},
]


def dense_step(matrix: Tensor, normalization: str) -> Tensor:
    if normalization == "sum":
        return matrix
    if normalization == "mean":
        return matrix / matrix.sum(dim=1, keepdim=True).clamp(min=1)
    scale = (matrix.sum(dim=1) + 1).pow(-0.5)
    return scale[:, None] * (matrix + torch.eye(len(matrix), dtype=matrix.dtype)) * scale


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("sparse", [False, True])
def test_against_dense_matrices(
    options: dict, masked: bool, sparse: bool, graph: CSRGraph, features: Tensor, adjacency
) -> None:
    encoder = PropagationEncoder(15, 5, **options).double().eval()
    if masked:
        graph = graph.without_edges(torch.arange(0, graph.num_edges, 3))
    step = dense_step(adjacency(graph), options.get("normalization", "gcn"))
    h = features @ encoder.input.linear.weight + encoder.input.linear.bias
    first = h
    layers = [h] if options.get("jumping_knowledge_input") else []
    for layer in range(options.get("num_layers", 1)):
        out = step @ h
        if options.get("layer_norm"):
            out = encoder.norms[layer](out)
        h = out + (h if options.get("residual") else 0)
        h = h + options.get("initial_residual", 0.0) * first
        layers.append(h)
    if options.get("jumping_knowledge"):
        weights = encoder.jumping_knowledge.weight
        h = sum(weight * layer for weight, layer in zip(weights, layers, strict=True))
    found = encoder(features.to_sparse_csr() if sparse else features, graph)
    torch.testing.assert_close(found, h)
    parameters = list(encoder.parameters())
    grad = torch.randn_like(h)
    torch.testing.assert_close(
        torch.autograd.grad(found, parameters, grad), torch.autograd.grad(h, parameters, grad)
    )


def test_the_first_representation_needs_a_sum_to_be_in() -> None:
    with pytest.raises(InputError, match="^jumping_knowledge_input is on and jumping_knowledge"):
        PropagationEncoder(15, 5, jumping_knowledge_input=True)


def test_without_features(graph: CSRGraph) -> None:
    encoder = PropagationEncoder(None, 5, num_embeddings=24, normalization="sum")
    expected = propagate(encoder.input.embedding.weight, graph, "sum")
    assert torch.equal(encoder(None, graph), expected)


def test_edge_dropout_draws_anew_for_each_step_in_training_alone(
    graph: CSRGraph, features: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[CSRGraph] = []
    monkeypatch.setattr(
        module, "propagate", lambda x, graph, name: seen.append(graph) or propagate(x, graph, name)
    )
    encoder = PropagationEncoder(15, 5, 3, edge_dropout=0.5).double()
    encoder(features, graph)
    masks = [view.keep for view in seen]
    assert not torch.equal(masks[0], masks[1])
    assert not torch.equal(masks[1], masks[2])
    seen.clear()
    encoder.eval()(features, graph)
    assert all(view is graph for view in seen)


def test_edge_dropout_normalizes_what_remains(graph: CSRGraph, features: Tensor, adjacency) -> None:
    encoder = PropagationEncoder(15, 5, edge_dropout=0.5).double()
    torch.manual_seed(1)
    found = encoder(features, graph)
    torch.manual_seed(1)
    matrix = adjacency(graph.drop_entries(0.5))
    assert not torch.equal(matrix, matrix.t())
    h = features @ encoder.input.linear.weight + encoder.input.linear.bias
    torch.testing.assert_close(found, dense_step(matrix, "gcn") @ h)


def test_output_dropout_comes_after_the_last_step_alone(graph: CSRGraph, features: Tensor) -> None:
    encoder = PropagationEncoder(15, 50, 2, output_dropout=0.5).double()
    exact = encoder.eval()(features, graph)
    out = encoder.train()(features, graph)
    assert float((out == 0).double().mean()) == pytest.approx(0.5, abs=0.06)
    torch.testing.assert_close(out[out != 0], 2 * exact[out != 0])


@pytest.mark.parametrize("num_layers", [0, -1])
def test_bad_depth(num_layers: int) -> None:
    with pytest.raises(InputError, match=f"^num_layers is {num_layers}: expected an integer >= 1$"):
        PropagationEncoder(4, 4, num_layers)


def test_bad_options() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'mean'"):
        PropagationEncoder(4, 4, normalization="meen")
    with pytest.raises(InputError, match="output_dropout is 2.0"):
        PropagationEncoder(4, 4, output_dropout=2.0)
    with pytest.raises(InputError, match="^initial is 'zeros'"):
        PropagationEncoder(4, 4, jumping_knowledge=True, jumping_knowledge_initial="zeros")


@pytest.mark.parametrize("edge_dropout", [-0.1, 1.5])
def test_bad_edge_dropout_is_refused_when_the_encoder_is_made(edge_dropout: float) -> None:
    with pytest.raises(InputError, match="edge_dropout"):
        PropagationEncoder(4, 4, edge_dropout=edge_dropout)


def test_bad_features(graph: CSRGraph) -> None:
    encoder = PropagationEncoder(4, 4)
    with pytest.raises(InputError, match=r"^x has shape \[24, 3\]: expected shape \[N, 4\]$"):
        encoder(torch.ones(24, 3), graph)
    with pytest.raises(InputError, match="^x has 9 rows: expected 24, one for each node of"):
        encoder(torch.ones(9, 4), graph)
    with pytest.raises(InputError, match="^x is None"):
        encoder(None, graph)


def test_repr() -> None:
    text = repr(PropagationEncoder(4, 5, 2, residual=True, edge_dropout=0.25))
    assert "normalization='gcn', num_layers=2, residual=True, edge_dropout=0.25" in text
