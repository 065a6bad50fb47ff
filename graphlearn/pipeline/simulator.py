"""The same training in one piece: slow, plain, and what the pipeline has to agree with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from graphlearn.pipeline.chunk import GraphChunk
from graphlearn.pipeline.stage import apply_layer, reads_halo, seeded


class _ScaleGradient(torch.autograd.Function):
    """The rows themselves; their gradient is multiplied."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, factor: float) -> Tensor:
        ctx.factor = factor
        return rows.view_as(rows)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        return gradients[0] * ctx.factor, None


@dataclass(frozen=True, eq=False)
class SimulatedEpoch:
    """What an epoch gave.

    Args:
        loss: The sum of the chunks' losses; call ``backward()`` on it.
        inputs: The rows that went into every layer, ``[N, C]``; None where a layer reads no halo.
        output: What the last layer gave, ``[N, C]``.
    """

    loss: Tensor
    inputs: list[Tensor | None]
    output: Tensor


def simulate_epoch(
    stack: Sequence[nn.Module],
    chunks: Sequence[GraphChunk],
    x: Tensor,
    loss: Callable[[Tensor, Tensor], Tensor],
    *,
    order: Sequence[int] | None = None,
    history: Sequence[Tensor | None] | None = None,
    gamma: float = 2.0,
    seed: int = 0,
    epoch: int = 0,
) -> SimulatedEpoch:
    """One epoch of GNNPipe's algorithm without stages, buffers or messages: autograd does it all.

    Chunks pass through the whole stack one after another. A layer reads rows of chunks that passed
    before as they are, and their gradients flow back ``gamma`` times; rows of the others come from
    the history, without gradients. Takes O(K N) memory a layer: an oracle for debugging, not a
    trainer.

    Args:
        stack: The layers.
        chunks: The graph's chunks, of one way.
        x: Features of all nodes.
        loss: Of the output of some nodes and their ids, summed over them.
        order: In which order chunks pass; by their numbers if None.
        history: For each layer the rows of all nodes that stand for those that have not passed;
            zeros if None.
        gamma: The factor of gradients that flow to other chunks.
        seed: Of what layers draw.
        epoch: Likewise.

    Shapes:
        - **x**: ``[N, C]``

    Example:
        >>> from graphlearn.pipeline.layout import Layout
        >>> class Sum(nn.Module):
        ...     def forward(self, x, chunk):
        ...         source, target = chunk.edge_index
        ...         return torch.zeros(chunk.num_nodes, 1).index_add(0, target, x[source])
        >>> layout = Layout(torch.tensor([[0, 1], [1, 0]]), 2, 2, chunk_of=torch.tensor([0, 1]))
        >>> chunks, x = [layout.chunk(0), layout.chunk(1)], torch.tensor([[1.0], [2.0]])
        >>> out = simulate_epoch([Sum()], chunks, x, lambda out, nodes: out.sum())
        >>> out.output.flatten().tolist()  # node 0 reads a history of zeros
        [0.0, 1.0]
    """
    order = list(range(len(chunks))) if order is None else list(order)
    passed: list[list[tuple[Tensor, Tensor]]] = [[] for _ in stack]
    total = x.new_zeros(())
    outputs: list[tuple[Tensor, Tensor]] = []
    for number in order:
        chunk = chunks[number]
        rows, initial = x[chunk.nodes], None
        for i, layer in enumerate(stack):
            given = rows
            if reads_halo(layer):
                given = torch.cat([rows, _read(passed[i], history, i, x, rows, chunk, gamma)])
                passed[i].append((chunk.nodes, rows))
            with seeded(seed, epoch, i, number, 0, device=x.device):
                out = apply_layer(layer, given, chunk, initial)
            rows, initial = out.rows, out.initial
        total = total + loss(rows, chunk.nodes)
        outputs.append((chunk.nodes, rows))
    inputs = [_whole(parts, x.size(0)) if parts else None for parts in passed]
    output = _whole(outputs, x.size(0))
    assert output is not None
    return SimulatedEpoch(total, inputs, output)


def _read(
    passed: list[tuple[Tensor, Tensor]],
    history: Sequence[Tensor | None] | None,
    layer: int,
    x: Tensor,
    rows: Tensor,
    chunk: GraphChunk,
    gamma: float,
) -> Tensor:
    old = None if history is None else history[layer]
    every = x.new_zeros(x.size(0), rows.size(1)) if old is None else old.detach()
    for nodes, fresh in passed:
        scaled: Tensor = _ScaleGradient.apply(fresh, gamma)  # type: ignore[no-untyped-call]
        every = every.index_copy(0, nodes, scaled)
    return every[chunk.halo]


def _whole(parts: list[tuple[Tensor, Tensor]], num_nodes: int) -> Tensor:
    first = parts[0][1]
    out = first.new_zeros(num_nodes, *first.shape[1:])
    for nodes, rows in parts:
        out[nodes] = rows.detach()
    return out
