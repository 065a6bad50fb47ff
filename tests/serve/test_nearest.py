"""Nearest nodes: exact, through an index where faiss is installed, and without it."""

from __future__ import annotations

import sys

import pytest
import torch

from graphlearn.errors import MissingExtraError, UnknownNameError
from graphlearn.serve import nearest as module
from graphlearn.serve.nearest import NearestNodes, has_index, unit_vectors


@pytest.fixture
def vectors() -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return unit_vectors(torch.randn(400, 16, generator=generator))


def test_exact(vectors: torch.Tensor) -> None:
    found = NearestNodes(vectors)(torch.arange(400), 5)
    similarity = (vectors @ vectors.t()).fill_diagonal_(-2)
    assert torch.equal(found.sort(dim=1).values, similarity.topk(5).indices.sort(dim=1).values)


def test_fewer_nodes_than_asked_for_and_vectors_of_zeros() -> None:
    vectors = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 0.0]])
    assert NearestNodes(vectors)(torch.tensor([0, 2]), 3).tolist() == [[1, -1, -1], [-1, -1, -1]]


def test_index(vectors: torch.Tensor) -> None:
    pytest.importorskip("faiss", reason="the extra ann is not installed")
    exact = NearestNodes(vectors, search="exact")(torch.arange(400), 5)
    index = NearestNodes(vectors, search="hnsw")
    assert "hnsw" in repr(index)
    found = index(torch.arange(400), 5)
    assert not (found == torch.arange(400)[:, None]).any()
    agreeing = (found[:, :, None] == exact[:, None, :]).any(dim=2).float().mean()
    assert agreeing > 0.95
    assert torch.equal(found, NearestNodes(vectors, search="hnsw")(torch.arange(400), 5))


def test_auto_takes_an_index_where_it_pays(
    vectors: torch.Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    built = []
    monkeypatch.setattr(module, "_build", built.append)
    monkeypatch.setattr(module, "has_index", lambda: True)
    monkeypatch.setattr(module, "_LARGE", 300)
    NearestNodes(vectors, num_sources=10)
    assert not built
    NearestNodes(vectors, num_sources=10**9)
    assert len(built) == 1


def test_without_faiss(vectors: torch.Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    monkeypatch.setattr(module, "has_index", lambda: False)
    monkeypatch.setattr(module, "_LARGE", 300)
    assert "exact" in repr(NearestNodes(vectors, num_sources=10**9))
    with pytest.raises(MissingExtraError, match=r"pyg-graphlearn\[ann\]"):
        NearestNodes(vectors, search="hnsw")
    assert has_index() in (True, False)


def test_unknown_search(vectors: torch.Tensor) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'hnsw'"):
        NearestNodes(vectors, search="hnws")
