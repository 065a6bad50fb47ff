from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph
from graphlearn.nn import DotPredictor


def test_dot_products(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    scores = DotPredictor(6)(x, graph, pairs)
    torch.testing.assert_close(scores, (x @ x.t())[pairs[0], pairs[1]])


def test_gradcheck(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    x.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: DotPredictor(6)(x, graph, pairs[:, :8]), (x,))


def test_the_graph_does_not_matter(graph: CSRGraph, x: Tensor, pairs: Tensor) -> None:
    predictor = DotPredictor(6)
    removed = graph.without_edges(torch.arange(graph.num_edges))
    assert torch.equal(predictor(x, graph, pairs), predictor(x, removed, pairs))


def test_repr_and_state() -> None:
    assert repr(DotPredictor(6)) == "DotPredictor(6)"
    assert DotPredictor(6).state_dict() == {}
