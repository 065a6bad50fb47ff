"""Graphs with what is awkward in them, and a chunker of a few lines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor, nn

from graphlearn.nn.deep import Neighborhoods, WholeGraph, whole_graph
from graphlearn.pipeline import GraphChunk

NUM_NODES, CHANNELS = 30, 5


@dataclass(frozen=True, eq=False)
class Chunk:
    """The least that a layer asks of a chunk."""

    nodes: Tensor
    halo: Tensor
    rowptr: Tensor
    col: Tensor
    weight: Tensor | None
    degree: Tensor
    edge_index: Tensor

    @property
    def num_nodes(self) -> int:
        return self.nodes.numel()


def cut(edge_index: Tensor, part: Tensor, number: int, weight: Tensor | None = None) -> Chunk:
    """One chunk of the graph, edge by edge."""
    edges = edge_index.t().tolist()
    nodes = [node for node, of in enumerate(part.tolist()) if of == number]
    halo = sorted({source for source, target in edges if target in nodes} - set(nodes))
    row = {node: place for place, node in enumerate(nodes + halo)}
    entries = [
        (row[target], row[source], edge)
        for edge, (source, target) in enumerate(edges)
        if target in nodes
    ]
    entries.sort(key=lambda entry: entry[0])
    target, col, edge = torch.tensor(entries, dtype=torch.int64).reshape(-1, 3).unbind(1)
    count = torch.bincount(target, minlength=len(nodes))
    return Chunk(
        nodes=torch.tensor(nodes, dtype=torch.int64),
        halo=torch.tensor(halo, dtype=torch.int64),
        rowptr=torch.cat([torch.zeros(1, dtype=torch.int64), count.cumsum(0)]),
        col=col.contiguous(),
        weight=None if weight is None else weight[edge],
        degree=torch.bincount(edge_index[1], minlength=part.numel())[nodes + halo],
        edge_index=torch.stack([col, target]),
    )


def as_graph_chunk(chunk: Chunk) -> GraphChunk:
    """The same as the trainer's own class."""
    return GraphChunk(
        number=0,
        nodes=chunk.nodes,
        halo=chunk.halo,
        rowptr=chunk.rowptr,
        col=chunk.col,
        edge=torch.arange(chunk.col.numel()),
        weight=chunk.weight,
        degree=chunk.degree,
    )


@pytest.fixture
def edge_index() -> Tensor:
    """A directed graph: a hub, repeated edges, self-loops, isolated nodes (the last three)."""
    generator = torch.Generator().manual_seed(3)
    drawn = torch.randint(NUM_NODES - 3, (2, 70), generator=generator)
    hub = torch.stack([torch.arange(1, 14), torch.zeros(13, dtype=torch.int64)])
    loops = torch.tensor([[4, 9], [4, 9]])
    return torch.cat([drawn, hub, drawn[:, :6], loops], dim=1)


@pytest.fixture
def plain_edges(edge_index: Tensor) -> Tensor:
    """The same without self-loops."""
    return edge_index[:, edge_index[0] != edge_index[1]]


@pytest.fixture
def weight(edge_index: Tensor) -> Tensor:
    """A positive factor for each edge of ``edge_index``."""
    generator = torch.Generator().manual_seed(4)
    return torch.rand(edge_index.size(1), generator=generator, dtype=torch.float64) + 0.1


@pytest.fixture
def graph(edge_index: Tensor) -> WholeGraph:
    """The whole graph."""
    return whole_graph(edge_index, NUM_NODES)


@pytest.fixture
def x() -> Tensor:
    """A row for each node."""
    generator = torch.Generator().manual_seed(5)
    return torch.randn(NUM_NODES, CHANNELS, generator=generator, dtype=torch.float64)


def _run(
    layer: nn.Module, x: Tensor, chunk: Neighborhoods, initial: Tensor | None = None
) -> Tensor:
    """A layer on given rows; what takes an initial representation gets the sine of x for one."""
    if getattr(layer, "takes_initial", False):
        return layer(x, chunk, x[: chunk.num_nodes].sin() if initial is None else initial)
    return layer(x, chunk)


def _by_chunks(
    layer: nn.Module,
    x: Tensor,
    edge_index: Tensor,
    part: Tensor,
    weight: Tensor | None = None,
    convert: Callable[[Chunk], Neighborhoods] = lambda chunk: chunk,
    initial: Tensor | None = None,
) -> Tensor:
    out: Tensor | None = None
    for number in range(int(part.max()) + 2):  # the last has no nodes
        chunk = cut(edge_index, part, number, weight)
        rows = torch.cat([chunk.nodes, chunk.halo] if layer.reads_halo else [chunk.nodes])
        start = None if initial is None else initial[chunk.nodes]
        result = _run(layer, x[rows], convert(chunk), start)
        assert result.size(0) == chunk.num_nodes
        if out is None:
            out = result.new_zeros(x.size(0), result.size(1))
        out = out.index_copy(0, chunk.nodes, result)
    return out


@pytest.fixture
def by_chunks() -> Callable[..., Tensor]:
    """``by_chunks(layer, x, edge_index, part)``: what it gives part by part, put together."""
    return _by_chunks


def _same_in_parts(
    layer: nn.Module, x: Tensor, edge_index: Tensor, weight: Tensor | None = None
) -> None:
    """Outputs and gradients by chunks equal those of the whole graph, with and without weights."""
    layer = layer.double().eval()
    part = torch.randint(4, (x.size(0),), generator=torch.Generator().manual_seed(6))
    whole = whole_graph(edge_index, x.size(0), weight)
    results = []
    for compute in (
        lambda given: _run(layer, given, whole),
        lambda given: _by_chunks(layer, given, edge_index, part, weight),
        lambda given: _by_chunks(layer, given, edge_index, part, weight, as_graph_chunk),
    ):
        given = x.clone().requires_grad_()
        layer.zero_grad()
        out = compute(given)
        (out * torch.arange(out.numel()).reshape(out.shape).cos()).sum().backward()
        learned = [p.grad.clone() for p in layer.parameters() if p.requires_grad]
        results.append([out.detach(), given.grad, *learned])
    for other in results[1:]:
        torch.testing.assert_close(other, results[0], rtol=1e-10, atol=1e-11)


@pytest.fixture
def same_in_parts() -> Callable[..., None]:
    """``same_in_parts(layer, x, edge_index, weight)``: asserts that chunks equal the whole."""
    return _same_in_parts


def _same_gradients(
    ours: Callable[[Tensor], Tensor],
    theirs: Callable[[Tensor], Tensor],
    x: Tensor,
    pairs: list[tuple[Tensor, Tensor]],
    rows: Tensor | slice = slice(None),
) -> None:
    """Two forms give the same outputs on ``rows``, and gradients of x and of pairs of weights."""
    found = []
    for compute, side in ((ours, 0), (theirs, 1)):
        given = x.clone().requires_grad_()
        out = compute(given)[rows]
        loss = (out * torch.arange(out.numel()).reshape(out.shape).sin()).sum()
        found.append([out, *torch.autograd.grad(loss, [given, *(pair[side] for pair in pairs)])])
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other.reshape(one.shape), rtol=1e-10, atol=1e-10)


@pytest.fixture
def same_gradients() -> Callable[..., None]:
    """``same_gradients(ours, theirs, x, pairs of weights)``."""
    return _same_gradients


def _permuted(
    layer: nn.Module, x: Tensor, edge_index: Tensor, weight: Tensor | None = None
) -> None:
    """Renaming the nodes and shuffling the edges renames the result and changes nothing else."""
    layer = layer.double().eval()
    generator = torch.Generator().manual_seed(7)
    renamed = torch.randperm(x.size(0), generator=generator)  # old node to new
    order = torch.randperm(edge_index.size(1), generator=generator)
    moved = torch.empty_like(x).index_copy(0, renamed, x)
    shuffled = None if weight is None else weight[order]
    before = _run(layer, x, whole_graph(edge_index, x.size(0), weight))
    after = _run(layer, moved, whole_graph(renamed[edge_index][:, order], x.size(0), shuffled))
    torch.testing.assert_close(after[renamed], before, rtol=1e-10, atol=1e-11)


@pytest.fixture
def permuted() -> Callable[..., None]:
    """``permuted(layer, x, edge_index, weight)``: asserts equivariance."""
    return _permuted


def _gradients_are_differences(
    layer: nn.Module, edge_index: Tensor, num_nodes: int, weight: Tensor | None = None
) -> None:
    """``gradcheck`` for x and all weights, on a chunk with a halo."""
    layer = layer.double().eval()
    part = torch.arange(num_nodes) % 2
    chunk = cut(edge_index, part, 0, weight)
    rows = chunk.degree.numel()
    generator = torch.Generator().manual_seed(8)
    x = torch.randn(rows, layer.in_channels, dtype=torch.float64, generator=generator)
    initial = (x[: chunk.num_nodes].clone(),) if layer.takes_initial else ()
    learned = {name: value for name, value in layer.named_parameters() if value.requires_grad}

    def compute(x: Tensor, *rest: Tensor) -> Tensor:
        given, weights = rest[: len(initial)], rest[len(initial) :]
        named = dict(zip(learned, weights, strict=True))
        return torch.func.functional_call(layer, named, (x, chunk, *given))

    inputs = [x, *initial, *(value.detach().clone() for value in learned.values())]
    assert torch.autograd.gradcheck(compute, [each.requires_grad_() for each in inputs])


@pytest.fixture
def gradients_are_differences() -> Callable[..., None]:
    """``gradients_are_differences(layer, edge_index, num_nodes, weight)``."""
    return _gradients_are_differences
