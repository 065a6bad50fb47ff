"""What a layer is told about the graph: a part of it, or the whole of it as one part."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.segment import Segments
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_node_pairs, check_num_nodes


class Neighborhoods(Protocol):
    """The nodes of a part of a graph, and the messages that reach them.

    A layer is given a row for each node of the part, then one for each node of its *halo*: the
    nodes outside that its nodes receive messages from. Entry ``k`` of node ``i``, with ``rowptr[i]
    <= k < rowptr[i + 1]``, is a message from row ``col[k]`` to node ``i``.
    ``graphlearn.pipeline.GraphChunk`` and :class:`WholeGraph` are such.

    Shapes:
        - **rowptr**: ``[n + 1]``; **col**, **weight**: ``[m]``; **edge_index**: ``[2, m]``, from
          rows to nodes and sorted by node; **degree**: ``[n + h]``
    """

    @property
    def num_nodes(self) -> int:
        """Number of its own nodes, n; there are h more in the halo."""

    @property
    def rowptr(self) -> Tensor:
        """Where the entries of each of its nodes begin."""

    @property
    def col(self) -> Tensor:
        """The row that each entry's message comes from."""

    @property
    def weight(self) -> Tensor | None:
        """The factor of each message; None where a layer has its own rule."""

    @property
    def degree(self) -> Tensor:
        """In-degree of every row in the whole graph, the halo's too."""

    @property
    def edge_index(self) -> EdgeIndex:
        """The entries as PyG's layers take them."""


@dataclass(frozen=True, eq=False)
class WholeGraph:
    """A whole graph as one part without a halo; :func:`whole_graph` makes one.

    Args:
        rowptr: Where the entries of each node begin.
        col: The node that each entry's message comes from.
        edge: Which edge each entry is.
        weight: The factor of each message, or None.

    Shapes:
        - **rowptr**: ``[N + 1]``; **col**, **edge**, **weight**: ``[E]``

    Example:
        >>> graph = whole_graph(torch.tensor([[1, 0, 2], [2, 1, 1]]), num_nodes=3)
        >>> graph
        WholeGraph(3 nodes, 3 edges)
        >>> graph.degree.tolist(), graph.edge_index.tolist()
        ([0, 2, 1], [[0, 2, 1], [1, 1, 2]])
    """

    rowptr: Tensor
    col: Tensor
    edge: Tensor
    weight: Tensor | None = None

    @property
    def num_nodes(self) -> int:
        """Number of nodes."""
        return self.rowptr.numel() - 1

    @cached_property
    def degree(self) -> Tensor:
        """In-degree of every node, ``[N]``."""
        return self.rowptr.diff()

    @cached_property
    def edge_index(self) -> EdgeIndex:
        """The edges sorted by target, ``[2, E]``."""
        return torch.stack([self.col, entry_rows(self)])

    def to(self, device: torch.device | str) -> WholeGraph:
        """The same graph with its tensors on ``device``."""
        weight = None if self.weight is None else self.weight.to(device)
        rowptr, col, edge = (each.to(device) for each in (self.rowptr, self.col, self.edge))
        return WholeGraph(rowptr, col, edge, weight)

    def __repr__(self) -> str:
        weights = "" if self.weight is None else ", with weights"
        name = type(self).__name__
        return f"{name}({self.num_nodes} nodes, {self.col.numel()} edges{weights})"


def whole_graph(edge_index: Any, num_nodes: int, weight: Any = None) -> WholeGraph:
    """Sort the edges of a graph by target, stably; O(E + N). Make it once for a fixed graph.

    Edges are taken as they are: repeated ones count as often as they come, none is turned round.

    Args:
        edge_index: From source to target.
        num_nodes: N.
        weight: The factor of each message, in the order of the edges; None to let each layer weigh
            by its own rule.

    Shapes:
        - **edge_index**: ``[2, E]``; **weight**: ``[E]``

    Raises:
        InputTypeError: If ``edge_index`` is no integer tensor, or ``weight`` no floating-point one.
        InputError: If an id is out of range, or a shape does not fit.

    Example:
        >>> whole_graph(torch.tensor([[0], [1]]), 2, torch.tensor([0.5]))
        WholeGraph(2 nodes, 1 edges, with weights)
    """
    num_nodes = check_num_nodes(num_nodes)
    source, target = check_node_pairs(edge_index, num_nodes).long()
    segments = Segments.from_index(target, num_nodes)
    edge = segments.order
    if edge is None:
        edge = torch.arange(source.numel(), device=source.device)
    if weight is not None:
        if not isinstance(weight, Tensor) or not weight.is_floating_point():
            kind = weight.dtype if isinstance(weight, Tensor) else type(weight).__name__
            raise InputTypeError(f"weight is {kind}", expected="a floating-point tensor [E]")
        if weight.shape != source.shape:
            raise InputError(
                f"weight has shape {list(weight.shape)}",
                expected=f"{[source.numel()]}, one an edge",
            )
        weight = weight[edge]
    return WholeGraph(segments.rowptr, source[edge].contiguous(), edge, weight)


def entry_rows(chunk: Neighborhoods) -> Tensor:
    """The node that each entry reaches, ``[m]``.

    Example:
        >>> entry_rows(whole_graph(torch.tensor([[0, 0, 1], [1, 0, 1]]), 2)).tolist()
        [0, 1, 1]
    """
    nodes = torch.arange(chunk.num_nodes, device=chunk.rowptr.device)
    return torch.repeat_interleave(nodes, chunk.rowptr.diff(), output_size=chunk.col.numel())


def check_chunk_rows(x: Any, chunk: Neighborhoods | None, *, halo: bool = True) -> None:
    """Raise unless ``x`` has a row for each node of the chunk, and of its halo.

    Args:
        x: What a layer was given.
        chunk: The chunk; None if the number of rows is free.
        halo: Whether the halo's rows are there too.

    Raises:
        InputTypeError: If ``x`` is no dense floating-point tensor.
        InputError: If its shape does not fit.

    Example:
        >>> check_chunk_rows(torch.ones(2, 5), whole_graph(torch.tensor([[0], [1]]), 2))
    """
    if not isinstance(x, Tensor) or x.layout != torch.strided or not x.is_floating_point():
        kind = f"{x.layout} of {x.dtype}" if isinstance(x, Tensor) else type(x).__name__
        raise InputTypeError(f"x is {kind}", expected="a dense floating-point tensor [N, C]")
    if x.dim() != 2:
        raise InputError(f"x has shape {list(x.shape)}", expected="shape [N, C]")
    if chunk is None:
        return
    own, rows = chunk.num_nodes, chunk.degree.numel()
    if x.size(0) != (rows if halo else own):
        wanted = f"{rows}: the chunk has {own} nodes and {rows - own} in its halo"
        raise InputError(
            f"x has {x.size(0)} rows", expected=wanted if halo else f"{own}, one a node"
        )
