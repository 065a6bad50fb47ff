"""Which nodes' rows one way of a stage holds, and where among them each chunk finds its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from graphlearn.pipeline.chunk import GraphChunk


class HaloReading(NamedTuple):
    """Where a chunk's halo is read in an epoch, and where its gradients go.

    Args:
        source: Of every halo row: where it is held, and ``num_rows`` further on if it is old.
        fresh: Which halo rows are fresh.
        held: Where those are held.
        same: Which of those are of this very chunk, on another way; None if none is.

    Shapes:
        - **source**: ``[h]``; **fresh**, **held**: ``[f]``; **same**: ``[f]`` bool
    """

    source: Tensor
    fresh: Tensor
    held: Tensor
    same: Tensor | None


class HeldRows:
    """The nodes of a way's chunks and of their halos, numbered compactly.

    Args:
        chunks: The way's part of every chunk.
        chunk_of: The chunk of every node of the graph.

    Shapes:
        - **chunk_of**: ``[N]``

    Example:
        >>> def part(number, nodes, halo):
        ...     none = torch.empty(0, dtype=torch.int64)
        ...     rowptr = torch.zeros(len(nodes) + 1, dtype=torch.int64)
        ...     nodes, halo = torch.tensor(nodes), torch.tensor(halo)
        ...     return GraphChunk(number, nodes, halo, rowptr, none, none, None, none)
        >>> held = HeldRows([part(0, [0, 4], [9]), part(1, [6], [0])], torch.zeros(10).long())
        >>> held.nodes.tolist(), held.own(1).tolist(), held.halo(0).tolist()
        ([0, 4, 6, 9], [2], [3])
    """

    def __init__(self, chunks: Sequence[GraphChunk], chunk_of: Tensor) -> None:
        parts = [part for chunk in chunks for part in (chunk.nodes, chunk.halo)]
        self.nodes: Tensor = torch.unique(torch.cat(parts))
        self._own = [torch.searchsorted(self.nodes, chunk.nodes) for chunk in chunks]
        self._halo = [torch.searchsorted(self.nodes, chunk.halo) for chunk in chunks]
        self._halo_chunk = [chunk_of[chunk.halo].long() for chunk in chunks]
        self._order: tuple[int, ...] = ()
        self._readings: dict[int, HaloReading] = {}

    @property
    def num_rows(self) -> int:
        """How many rows are held."""
        return self.nodes.numel()

    @property
    def num_chunks(self) -> int:
        """K."""
        return len(self._own)

    def own(self, chunk: int) -> Tensor:
        """Where the rows of a chunk's own nodes are, ``[n]``."""
        return self._own[chunk]

    def halo(self, chunk: int) -> Tensor:
        """Where the rows of a chunk's halo are, ``[h]``."""
        return self._halo[chunk]

    def halo_chunk(self, chunk: int) -> Tensor:
        """Which chunk each node of a chunk's halo belongs to, ``[h]``."""
        return self._halo_chunk[chunk]

    def reading(self, chunk: int, order: tuple[int, ...]) -> HaloReading:
        """How a chunk reads its halo in an epoch; all layers share it until another order comes.

        Args:
            chunk: Which chunk.
            order: Of the epoch's chunks.
        """
        if order != self._order:
            self._order, self._readings = order, {}
        if chunk not in self._readings:
            where, of = self._halo[chunk], self._halo_chunk[chunk]
            place = torch.empty(self.num_chunks, dtype=torch.int64)
            place[list(order)] = torch.arange(len(order))
            is_fresh = place.to(of.device)[of] <= order.index(chunk)
            fresh = is_fresh.nonzero().flatten()
            same = of[fresh] == chunk
            self._readings[chunk] = HaloReading(
                torch.where(is_fresh, where, where + self.num_rows),
                fresh,
                where[fresh],
                same if bool(same.any()) else None,
            )
        return self._readings[chunk]

    def find(self, nodes: Tensor) -> Tensor:
        """Where the rows of nodes are that are held."""
        return torch.searchsorted(self.nodes, nodes)
