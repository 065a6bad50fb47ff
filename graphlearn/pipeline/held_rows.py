"""Which nodes' rows one way of a stage holds, and where among them each chunk finds its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, pairwise
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
    """The nodes that another chunk or another way reads, numbered compactly.

    Chunk after chunk, so that the rows of a chunk are written and read in one piece; behind them
    the nodes that other ways compute. A node that its own chunk alone reads needs no memory: those
    are 59 % of email-Enron's in 16 chunks, and all where there is one chunk.

    Args:
        chunks: The way's part of every chunk.
        chunk_of: The chunk of every node of the graph.
        sent: Nodes of these chunks that other ways read; None if there are no other ways.

    Attributes:
        nodes: Ids of the nodes held, in the order of their rows.

    Shapes:
        - **chunk_of**: ``[N]``; **nodes**: ``[M]``

    Example:
        >>> def part(number, nodes, halo):
        ...     none = torch.empty(0, dtype=torch.int64)
        ...     rowptr = torch.zeros(len(nodes) + 1, dtype=torch.int64)
        ...     nodes, halo = torch.tensor(nodes), torch.tensor(halo)
        ...     return GraphChunk(number, nodes, halo, rowptr, none, none, None, none)
        >>> held = HeldRows([part(0, [0, 6], [9]), part(1, [4], [0])], torch.zeros(10).long())
        >>> held.nodes.tolist(), held.own(0), held.halo(0).tolist(), held.halo(1).tolist()
        ([0, 9], slice(0, 1, None), [1], [0])
        >>> held.border(0).tolist(), held.border(1).tolist()
        ([0], [])
    """

    def __init__(
        self, chunks: Sequence[GraphChunk], chunk_of: Tensor, sent: Tensor | None = None
    ) -> None:
        own = torch.cat([chunk.nodes for chunk in chunks])
        halo = torch.cat([chunk.halo for chunk in chunks])
        of_others = torch.unique(halo[~torch.isin(halo, own)])
        read = halo if sent is None else torch.cat([halo, sent])
        borders = [torch.isin(chunk.nodes, read).nonzero().flatten() for chunk in chunks]
        pairs = list(zip(chunks, borders, strict=True))
        self.nodes: Tensor = torch.cat([*(c.nodes[border] for c, border in pairs), of_others])
        self._sorted, self._row = self.nodes.sort()
        # Where all nodes are read there is nothing to choose.
        self._border = [None if len(b) == c.num_nodes else b for c, b in pairs]
        ends = list(accumulate(border.numel() for border in borders))
        self._own = [slice(begin, end) for begin, end in pairwise([0, *ends])]
        # Of all halos, one behind the other.
        self._sizes = [chunk.halo.numel() for chunk in chunks]
        self._where, self._of = self.find(halo), chunk_of[halo].long()
        self._halo = torch.split_with_sizes(self._where, self._sizes)
        self._halo_chunk = torch.split_with_sizes(self._of, self._sizes)
        self._order: tuple[int, ...] = ()
        self._readings: list[HaloReading] = []

    @property
    def num_rows(self) -> int:
        """How many rows are held."""
        return self.nodes.numel()

    @property
    def num_chunks(self) -> int:
        """K."""
        return len(self._own)

    def own(self, chunk: int) -> slice:
        """Where the rows of a chunk's own nodes are, of those that are held."""
        return self._own[chunk]

    def border(self, chunk: int) -> Tensor | None:
        """Which of a chunk's own nodes are held, by their places in the chunk; None for all."""
        return self._border[chunk]

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
        if order != self._order or not self._readings:
            self._order, self._readings = order, self._all_readings(order)
        return self._readings[chunk]

    def _all_readings(self, order: tuple[int, ...]) -> list[HaloReading]:
        """Those of all chunks at once: ten calls an epoch, where there are small chunks."""
        device = self._of.device
        place = torch.empty(self.num_chunks, dtype=torch.int64)
        place[list(order)] = torch.arange(len(order))
        sizes = torch.tensor(self._sizes)
        reader = torch.repeat_interleave(torch.arange(self.num_chunks), sizes).to(device)
        place, begin = place.to(device), (sizes.cumsum(0) - sizes).to(device)
        is_fresh = place[self._of] <= place[reader]
        source = torch.where(is_fresh, self._where, self._where + self.num_rows)
        fresh = is_fresh.nonzero().flatten()
        by = reader[fresh]
        counts = by.bincount(minlength=self.num_chunks).tolist()
        same = self._of[fresh] == by
        any_same = bool(same.any())
        parts = zip(
            torch.split_with_sizes(source, self._sizes),
            torch.split_with_sizes(fresh - begin[by], counts),
            torch.split_with_sizes(self._where[fresh], counts),
            torch.split_with_sizes(same, counts),
            strict=True,
        )
        return [
            HaloReading(of, some, held, mine if any_same and bool(mine.any()) else None)
            for of, some, held, mine in parts
        ]

    def find(self, nodes: Tensor) -> Tensor:
        """Where the rows of nodes are that are held."""
        return self._row[torch.searchsorted(self._sorted, nodes)]
