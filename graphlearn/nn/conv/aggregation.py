"""A plain message-passing layer around any aggregator, to compare aggregators by."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch_geometric.nn import MessagePassing

from graphlearn.errors import InputError
from graphlearn.nn.aggr import AggregatorLike, make_aggregator
from graphlearn.nn.reset import reset
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_size


class AggregationConv(MessagePassing):  # type: ignore[misc]  # PyG is untyped here
    r"""Message passing in its plain form, with the aggregator left open:

    .. math::
        \mathbf{x}'_i = U\Bigl(\mathbf{x}_i, \bigoplus_{j \in N(i)}
        M(\mathbf{x}_i, \mathbf{x}_j, \mathbf{e}_{ji})\Bigr)

    with a linear map and ReLU for M, and a linear map for U. M is applied to nodes and edges before
    they are gathered, so it costs N C^2 and not E C^2.

    Args:
        channels (int): Size of nodes' representations, in and out.
        aggregator (Aggregation, str or dict): :math:`\bigoplus`; see
            :func:`graphlearn.nn.make_aggregator`. (default: :obj:`"sum"`)
        edge_channels (int, optional): Size of edges' representations; None if there are none.

    Shapes:
        - **x**: ``[N, channels]``; **edge_index**: ``[2, E]``
        - **edge_attr**: ``[E, edge_channels]``; **output**: ``[N, channels]``

    Raises:
        InputError: If edges' representations are missing or not wanted.

    Example:
        >>> import torch
        >>> conv = AggregationConv(8, "lcm")
        >>> conv(torch.randn(4, 8), torch.tensor([[0, 1, 2], [1, 2, 2]])).shape
        torch.Size([4, 8])
    """

    def __init__(
        self,
        channels: int,
        aggregator: AggregatorLike = "sum",
        *,
        edge_channels: int | None = None,
    ) -> None:
        super().__init__(aggr=make_aggregator(aggregator, check_size(channels, name="channels")))
        if edge_channels is not None:
            check_size(edge_channels, name="edge_channels")
        self.channels, self.edge_channels = channels, edge_channels
        self.of_target = nn.Linear(channels, channels)
        self.of_source = nn.Linear(channels, channels, bias=False)
        self.of_edge = (
            None if edge_channels is None else nn.Linear(edge_channels, channels, bias=False)
        )
        self.update_map = nn.Linear(2 * channels, channels)

    def reset_parameters(self) -> None:
        """Draw new weights."""
        reset(self)

    def forward(self, x: Tensor, edge_index: EdgeIndex, edge_attr: Tensor | None = None) -> Tensor:
        """Return the nodes' new representations."""
        if (edge_attr is None) != (self.of_edge is None):
            given = "missing" if edge_attr is None else "given"
            wanted = "none" if self.of_edge is None else f"[E, {self.edge_channels}]"
            raise InputError(f"edge_attr is {given}", expected=wanted)
        if x.dim() != 2 or x.size(1) != self.channels:
            raise InputError(f"x has shape {list(x.shape)}", expected=f"[N, {self.channels}]")
        if edge_attr is not None and edge_attr.shape != (edge_index.size(1), self.edge_channels):
            raise InputError(
                f"edge_attr has shape {list(edge_attr.shape)}",
                expected=f"{[edge_index.size(1), self.edge_channels]}",
            )
        edge = None if self.of_edge is None else self.of_edge(edge_attr)
        gathered = self.propagate(
            edge_index, target=self.of_target(x), source=self.of_source(x), edge=edge
        )
        updated: Tensor = self.update_map(torch.cat([x, gathered], dim=-1))
        return updated

    def message(self, target_i: Tensor, source_j: Tensor, edge: Tensor | None) -> Tensor:
        """One row an edge, ``[E, channels]``."""
        message = target_i + source_j
        return torch.relu(message if edge is None else message + edge)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.channels}, {self.aggr_module})"
