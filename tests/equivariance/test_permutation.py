"""Nodes numbered otherwise: encoders give the same rows in that order, predictors the same."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from graphlearn.kernels import CSRGraph
from graphlearn.nn import NCNC, LinkModel

TOLERANCE = {"atol": 1e-9, "rtol": 1e-9}


@pytest.fixture
def order() -> Tensor:
    """``order[new] = old``."""
    return torch.randperm(180, generator=torch.Generator().manual_seed(3))


@pytest.fixture
def renumbered(graph: CSRGraph, order: Tensor) -> CSRGraph:
    """The same graph with node ``order[i]`` called ``i``, its edges in another order too."""
    edges = order.argsort()[graph.edge_index()]
    shuffled = torch.randperm(edges.size(1), generator=torch.Generator().manual_seed(4))
    return CSRGraph.from_edge_index(edges[:, shuffled], graph.num_nodes)


def renumber_embeddings(encoder: nn.Module, order: Tensor) -> None:
    with torch.no_grad():
        weight = encoder.input.embedding.weight
        weight.copy_(weight[order].clone())


@pytest.mark.parametrize("sparse", [False, True])
def test_encoders(
    encoder: nn.Module, sparse: bool, graph: CSRGraph, renumbered: CSRGraph, order: Tensor
) -> None:
    if encoder.input.embedding is not None:
        before = encoder(None, graph)
        renumber_embeddings(encoder, order)
        after = encoder(None, renumbered)
    else:
        features = torch.randn(180, 8, dtype=torch.float64)
        features[torch.rand(180, 8) < 0.6] = 0.0
        turned = features[order]
        before = encoder(features.to_sparse_csr() if sparse else features, graph)
        after = encoder(turned.to_sparse_csr() if sparse else turned, renumbered)
    assert float(before.std()) > 0.01
    torch.testing.assert_close(after, before[order], **TOLERANCE)


def test_predictors(
    equivariant_predictor: nn.Module,
    graph: CSRGraph,
    renumbered: CSRGraph,
    order: Tensor,
    x: Tensor,
    pairs: Tensor,
) -> None:
    before = equivariant_predictor(x, graph, pairs)
    after = equivariant_predictor(x[order], renumbered, order.argsort()[pairs])
    torch.testing.assert_close(after, before, **TOLERANCE)


def test_encoder_and_predictor_together(
    encoder: nn.Module,
    graph: CSRGraph,
    renumbered: CSRGraph,
    order: Tensor,
    pairs: Tensor,
) -> None:
    model = LinkModel(encoder, NCNC(5, scale=2.0, offset=0.0)).double().eval()
    features = None
    if encoder.input.embedding is None:
        features = torch.randn(180, 8, dtype=torch.float64)
    before = model(features, graph, pairs)
    if features is None:
        renumber_embeddings(encoder, order)
    after = model(None if features is None else features[order], renumbered, order.argsort()[pairs])
    torch.testing.assert_close(after, before, **TOLERANCE)
