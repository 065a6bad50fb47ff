"""A small graph and small models: the loop is tested without `graphlearn.nn`."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlearn.data import LinkSplit, random_link_split
from graphlearn.kernels import CSRGraph


class Propagation(nn.Module):
    """Linear map (an embedding where there are no features), dropout, a mean over neighbors."""

    def __init__(self, num_nodes: int, in_channels: int | None, channels: int) -> None:
        super().__init__()
        rows = num_nodes if in_channels is None else in_channels
        self.weight = nn.Parameter(torch.randn(rows, channels) * 0.1)
        self.dropout = nn.Dropout(0.2)

    def forward(self, x: Tensor | None, graph: CSRGraph) -> Tensor:
        h = self.dropout(self.weight if x is None else x @ self.weight)
        row, col = graph.edge_index()
        total = torch.zeros_like(h).index_add(0, row, h.index_select(0, col))
        return h + total / (1 + graph.degree()).unsqueeze(1).to(h.dtype)


class Hadamard(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(channels)  # has buffers, which a checkpoint must hold too
        self.head = nn.Sequential(nn.Dropout(0.1), nn.Linear(channels, 1))

    def forward(self, h: Tensor, graph: CSRGraph, pairs: Tensor) -> Tensor:
        return self.head(self.norm(h[pairs[0]] * h[pairs[1]])).squeeze(-1)


class TinyModel(nn.Module):
    def __init__(self, num_nodes: int, in_channels: int | None = None, channels: int = 8) -> None:
        super().__init__()
        self.encoder = Propagation(num_nodes, in_channels, channels)
        self.predictor = Hadamard(channels)

    def encode(self, x: Tensor | None, graph: CSRGraph) -> Tensor:
        return self.encoder(x, graph)

    def forward(self, x: Tensor | None, graph: CSRGraph, pairs: Tensor) -> Tensor:
        return self.predictor(self.encode(x, graph), graph, pairs)


def clustered_graph(features: str | None = None) -> Data:
    """Six groups of ten nodes with links inside them, so that there is something to learn."""
    generator = torch.Generator().manual_seed(0)
    u, v = torch.triu_indices(60, 60, offset=1)
    chance = torch.where(u // 10 == v // 10, 0.7, 0.02)
    chosen = torch.rand(u.numel(), generator=generator) < chance
    x = None
    if features is not None:
        x = (torch.rand(60, 20, generator=generator) < 0.2).float()
        x[torch.arange(60), torch.arange(60) // 10] = 1.0
    if features == "sparse":
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            x = x.to_sparse_csr()
    return Data(x=x, edge_index=torch.stack([u, v])[:, chosen], num_nodes=60)


@pytest.fixture(scope="session")
def make_split() -> Callable[..., LinkSplit]:
    def make(features: str | None = None, seed: int = 0) -> LinkSplit:
        return random_link_split(clustered_graph(features), seed=seed)

    return make


@pytest.fixture(scope="session")
def make_model() -> Callable[..., TinyModel]:
    def make(in_channels: int | None = None, seed: int = 0) -> TinyModel:
        with torch.random.fork_rng([]):
            torch.manual_seed(seed)
            return TinyModel(60, in_channels)

    return make
