from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph
from graphlearn.nn import NCN, LinkModel, PropagationEncoder


def test_scores_are_those_of_the_parts(graph: CSRGraph, pairs: Tensor, features: Tensor) -> None:
    model = LinkModel(PropagationEncoder(15, 6), NCN(6)).double().eval()
    h = model.encode(features, graph)
    assert torch.equal(h, model.encoder(features, graph))
    expected = model.predictor(h, graph, pairs)
    assert torch.equal(model(features, graph, pairs), expected)
    torch.testing.assert_close(model(features, graph.edge_index(), pairs), expected)


def test_gradients_reach_both_parts(graph: CSRGraph, pairs: Tensor, features: Tensor) -> None:
    model = LinkModel(PropagationEncoder(15, 6, jumping_knowledge=True), NCN(6)).double()
    model(features, graph, pairs).sum().backward()
    assert {name.split(".")[0] for name, _ in model.named_parameters()} == {"encoder", "predictor"}
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.abs().sum() > 0, name


def test_both_parts_see_the_masked_graph(graph: CSRGraph, features: Tensor) -> None:
    model = LinkModel(PropagationEncoder(15, 6), NCN(6)).double().eval()
    ids = torch.arange(0, graph.num_edges, 4)
    links = graph.edge_pairs()[:, ids]
    others = torch.ones(graph.num_edges, dtype=torch.bool)
    others[ids] = False
    rebuilt = CSRGraph.from_edge_index(graph.edge_pairs()[:, others], graph.num_nodes)
    masked = model(features, graph.without_edges(ids), links)
    torch.testing.assert_close(masked, model(features, rebuilt, links))
    assert not torch.allclose(masked, model(features, graph, links))


def test_an_embedding_model_takes_no_features(graph: CSRGraph, pairs: Tensor) -> None:
    model = LinkModel(PropagationEncoder(None, 6, num_embeddings=24), NCN(6))
    assert model(None, graph, pairs).shape == (pairs.size(1),)


def test_state_dict_keys_and_repr() -> None:
    model = LinkModel(PropagationEncoder(4, 6), NCN(6))
    assert "encoder.input.linear.weight" in model.state_dict()
    assert "predictor.beta" in model.state_dict()
    assert repr(model).startswith("LinkModel(\n  (encoder): PropagationEncoder(")
