"""Vectors without training: like where the surroundings are, of the seed, zero for the isolated."""

from __future__ import annotations

import torch

from graphlearn.serve.snapshot import Snapshot, link_graph
from graphlearn.serve.vectors import node_vectors, standardized

# Two cliques of five, and a node alone.
CLIQUES = torch.cat(
    [torch.combinations(torch.arange(5)).t(), torch.combinations(torch.arange(5, 10)).t()], dim=1
)


def test_communities_and_the_isolated() -> None:
    graph = link_graph(CLIQUES, 11)
    state = Snapshot(graph.rowptr, graph.col)
    vectors = node_vectors(graph, state, None, dim=64, seed=0)
    similarity = vectors @ vectors.t()
    assert similarity[:5, :5].min() > 0.9
    assert similarity[:5, 5:10].max() < 0.6
    assert vectors[10].abs().max() == 0
    assert torch.equal(vectors, node_vectors(graph, state, None, dim=64, seed=0))


def test_features_join_in() -> None:
    graph = link_graph(CLIQUES, 11)
    features = torch.zeros(11, 3)
    features[10], features[0] = 1.0, 1.0
    vectors = node_vectors(graph, Snapshot(graph.rowptr, graph.col), features, dim=8, seed=0)
    assert vectors.shape == (11, 16)
    assert float(vectors[10] @ vectors[0]) > 0.5


def test_a_mask_is_respected() -> None:
    graph = link_graph(CLIQUES, 11)
    keep = graph.without_edges(torch.arange(10)).keep
    state = Snapshot(graph.rowptr, graph.col, keep)
    vectors = node_vectors(graph, state, None, dim=8, seed=0)
    assert vectors[:5].abs().max() == 0
    assert vectors[5:10].norm(dim=1).min() > 0.99


def test_standardized() -> None:
    columns = standardized(torch.tensor([[1e9, 2.0], [1e9 + 64, 2.0]]))
    assert columns.tolist() == [[-1.0, 0.0], [1.0, 0.0]]
