"""A part of a graph as a layer sees it: its own nodes, and the halo of nodes that it reads."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graphlearn.typing import EdgeIndex


@dataclass(frozen=True, eq=False)
class GraphChunk:
    """Nodes and the edges that reach them, with sources numbered compactly.

    A layer that is called as ``layer(x, chunk)`` gets a row for each node of the chunk, then one
    for each node of its halo, and returns a row for each node of the chunk. Entry ``k`` of row
    ``i`` is a message from row ``col[k]`` of ``x`` to node ``i``.

    Args:
        number: Which chunk it is.
        nodes: Ids of its nodes, ascending.
        halo: Ids of the nodes outside that its nodes receive messages from, ascending.
        rowptr: Where the entries of each of its nodes begin.
        col: The row of ``x`` that each entry's message comes from.
        edge: Which edge of the graph each entry is.
        weight: The factor of each message; None where a layer has its own rule.
        degree: In-degree of every node of ``x`` in the whole graph, the halo's too.

    Shapes:
        - **nodes**: ``[n]``; **halo**: ``[h]``; **rowptr**: ``[n + 1]``; **col**, **edge**,
          **weight**: ``[m]``; **degree**: ``[n + h]``

    Example:
        >>> chunk = GraphChunk(
        ...     number=0,
        ...     nodes=torch.tensor([0, 1]),
        ...     halo=torch.tensor([5]),
        ...     rowptr=torch.tensor([0, 2, 3]),
        ...     col=torch.tensor([1, 2, 0]),
        ...     edge=torch.tensor([0, 1, 2]),
        ...     weight=None,
        ...     degree=torch.tensor([2, 1, 4]),
        ... )
        >>> chunk.edge_index.tolist()
        [[1, 2, 0], [0, 0, 1]]
        >>> chunk
        GraphChunk(0: 2 nodes, halo of 1, 3 edges)
    """

    number: int
    nodes: Tensor
    halo: Tensor
    rowptr: Tensor
    col: Tensor
    edge: Tensor
    weight: Tensor | None
    degree: Tensor

    @property
    def num_nodes(self) -> int:
        """Number of its own nodes."""
        return self.nodes.numel()

    @property
    def num_rows(self) -> int:
        """Number of rows that a layer is given: its own nodes and the halo."""
        return self.nodes.numel() + self.halo.numel()

    @property
    def num_edges(self) -> int:
        """Number of edges that reach its nodes."""
        return self.col.numel()

    @cached_property
    def edge_index(self) -> EdgeIndex:
        """PyG's form, from rows of ``x`` to nodes of the chunk, ``[2, m]``, sorted by target."""
        target = torch.repeat_interleave(
            torch.arange(self.num_nodes, device=self.col.device),
            self.rowptr.diff(),
            output_size=self.num_edges,
        )
        return torch.stack([self.col.long(), target])

    def to(self, device: torch.device | str) -> GraphChunk:
        """The same chunk with its tensors on ``device``."""
        names = ("nodes", "halo", "rowptr", "col", "edge", "weight", "degree")
        moved: dict[str, Any] = {}
        for name in names:
            part = getattr(self, name)
            moved[name] = None if part is None else part.to(device)
        return replace(self, **moved)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.number}: {self.num_nodes} nodes, "
            f"halo of {self.halo.numel()}, {self.num_edges} edges)"
        )
