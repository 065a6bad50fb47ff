"""OGB's own isomorphism network for graphs whose edges have features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import Data
from torch_geometric.nn import GINEConv, global_add_pool, global_mean_pool

from graphlearn.errors import InputError
from graphlearn.nn.category import category_embedding, embed_categories
from graphlearn.nn.registries import NETWORKS
from graphlearn.nn.reset import reset
from graphlearn.validate import check_flag, check_probability, check_size


@NETWORKS.register("gine")
class GINE(nn.Module):
    r"""What "Open Graph Benchmark" (https://arxiv.org/abs/2005.00687) calls GIN: the network of
    "How Powerful are Graph Neural Networks?" with features of edges.

    .. math::
        \mathbf{h}'_v = \mathrm{BN}\Big(\mathrm{MLP}\Big((1 + \epsilon) \mathbf{h}_v +
        \sum_{w \in \mathcal{N}(v)} \mathrm{ReLU}(\mathbf{h}_w + \mathbf{e}_{wv})\Big)\Big)

    with ReLU (not after the last layer) and dropout; then the mean over a graph's nodes and one
    linear map. The MLP is linear to twice the width, batch norm, ReLU, linear; :math:`\epsilon` is
    learnt, and each layer has a map of edges of its own. With a virtual node, each graph has a
    state that is added to all its nodes before a layer, and takes in their sum after it.

    Args:
        in_channels (int, optional): Number of features a node; None where nodes have categories.
        hidden_channels (int): Size of all representations.
        out_channels (int): Number of targets, or classes, a graph.
        num_layers (int): Number of layers. (default: :obj:`5`)
        dropout (float): Dropout after every layer. (default: :obj:`0.5`)
        virtual_node (bool): Whether each graph has a virtual node. (default: :obj:`False`)
        num_categories (int or sequence of int, optional): Number of categories of nodes, one a
            column of ``x``. (default: :obj:`None`)
        num_edge_categories (int or sequence of int, optional): Number of categories of edges, one
            a column of ``edge_attr``. (default: :obj:`None`)
        edge_channels (int, optional): Number of features an edge, where they are numbers.
            (default: :obj:`None`)

    Shapes:
        - ``data.x``: ``[N, in_channels]``, or integer ``[N, K]``; ``data.edge_index``: ``[2, E]``;
          ``data.edge_attr``: ``[E, D]``; ``data.batch``: ``[N]``
        - **output**: ``[B, out_channels]``

    Raises:
        InputError: If sizes do not fit together.

    Example:
        >>> network = GINE(None, 16, 2, num_categories=[7, 3], num_edge_categories=4)
        >>> data = Data(x=torch.tensor([[0, 1], [3, 2], [6, 0]]), batch=torch.tensor([0, 0, 1]),
        ...     edge_index=torch.tensor([[0, 1], [1, 0]]), edge_attr=torch.tensor([[3], [0]]))
        >>> network(data).shape
        torch.Size([2, 2])
    """

    def __init__(
        self,
        in_channels: int | None,
        hidden_channels: int,
        out_channels: int,
        *,
        num_layers: int = 5,
        dropout: float = 0.5,
        virtual_node: bool = False,
        num_categories: int | Sequence[int] | None = None,
        num_edge_categories: int | Sequence[int] | None = None,
        edge_channels: int | None = None,
    ) -> None:
        super().__init__()
        hidden = check_size(hidden_channels, name="hidden_channels")
        layers = check_size(num_layers, name="num_layers")
        self.dropout = check_probability(dropout, name="dropout")
        self.virtual_node = check_flag(virtual_node, name="virtual_node")
        if (in_channels is None) == (num_categories is None):
            raise InputError(
                f"in_channels is {in_channels} and num_categories {num_categories}",
                expected="one of them",
            )
        if num_edge_categories is not None and edge_channels is not None:
            raise InputError(
                f"num_edge_categories is {num_edge_categories} and edge_channels {edge_channels}",
                expected="one of them, or none",
            )
        self.in_channels = in_channels
        self.edge_channels = edge_channels
        self.has_edge_categories = num_edge_categories is not None
        self.input: nn.Module
        if num_categories is not None:
            self.input = category_embedding(num_categories, hidden, name="num_categories")
        else:
            self.input = nn.Linear(check_size(in_channels, name="in_channels"), hidden)
        self.edge_inputs, self.convs, self.norms = nn.ModuleList(), nn.ModuleList(), nn.ModuleList()
        for _ in range(layers):
            if num_edge_categories is not None:
                edges = category_embedding(num_edge_categories, hidden, name="num_edge_categories")
                self.edge_inputs.append(edges)
            elif edge_channels is not None:
                size = check_size(edge_channels, name="edge_channels")
                self.edge_inputs.append(nn.Linear(size, hidden))
            self.convs.append(GINEConv(_perceptron(hidden), train_eps=True))
            self.norms.append(nn.BatchNorm1d(hidden))
        self.virtual = nn.ModuleList()
        if self.virtual_node:
            self.virtual_start = nn.Parameter(torch.zeros(1, hidden))
            for _ in range(layers - 1):
                last = [nn.BatchNorm1d(hidden), nn.ReLU()]
                self.virtual.append(nn.Sequential(*_perceptron(hidden), *last))
        self.head = nn.Linear(hidden, check_size(out_channels, name="out_channels"))

    def reset_parameters(self) -> None:
        """Draw new weights."""
        reset(self)
        if self.virtual_node:
            nn.init.zeros_(self.virtual_start)

    def forward(self, data: Data) -> Tensor:
        """Return the predictions for a batch of graphs."""
        edge_index, batch = data.get("edge_index"), data.get("batch")
        if edge_index is None:
            raise InputError("the graphs have no edge_index", expected="edges [2, E]")
        x = self._encode(data.get("x"))
        graphs, ptr = data.get("num_graphs"), data.get("ptr")
        if graphs is None and ptr is not None:
            graphs = ptr.numel() - 1
        if batch is None:
            batch, graphs = x.new_zeros(x.size(0), dtype=torch.int64), 1
        if graphs is None:
            graphs = int(batch.max()) + 1
        if self.training and min(x.size(0), graphs if self.virtual else x.size(0)) == 1:
            raise InputError(
                "the batch has one node" if x.size(0) == 1 else "the batch has one graph",
                expected="two or more in training, for batch norm",
                mend="leave a smaller last batch out (drop_last_batch), or use larger batches",
            )
        state = self.virtual_start.expand(graphs, -1) if self.virtual_node else None
        last = len(self.convs) - 1
        for number, (conv, norm) in enumerate(zip(self.convs, self.norms, strict=True)):
            if state is not None:
                x = x + state[batch]
            out = norm(conv(x, edge_index, self._edges(number, data, x)))
            out = out if number == last else out.relu()
            out = functional.dropout(out, self.dropout, self.training)
            if state is not None and number < last:
                taken = self.virtual[number](global_add_pool(x, batch, graphs) + state)
                state = functional.dropout(taken, self.dropout, self.training)
            x = out
        pooled: Tensor = self.head(global_mean_pool(x, batch, graphs))
        return pooled

    def _encode(self, x: Tensor | None) -> Tensor:
        if self.in_channels is None:
            return embed_categories(self.input, x, "x")
        if x is None or x.dim() != 2 or x.size(1) != self.in_channels:
            given = "missing" if x is None else f"of shape {list(x.shape)}"
            raise InputError(f"x is {given}", expected=f"shape [N, {self.in_channels}]")
        encoded: Tensor = self.input(x)
        return encoded

    def _edges(self, number: int, data: Any, x: Tensor) -> Tensor:
        value = data.get("edge_attr")
        if self.has_edge_categories:
            return embed_categories(self.edge_inputs[number], value, "edge_attr")
        if self.edge_channels is None:
            return x.new_zeros(data.edge_index.size(1), x.size(1))
        if value is None or value.dim() != 2 or value.size(1) != self.edge_channels:
            given = "missing" if value is None else f"of shape {list(value.shape)}"
            raise InputError(f"edge_attr is {given}", expected=f"shape [E, {self.edge_channels}]")
        made: Tensor = self.edge_inputs[number](value)
        return made

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        text = f"layers={len(self.convs)}, dropout={self.dropout}"
        return text + (", virtual_node=True" if self.virtual_node else "")


def _perceptron(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(channels, 2 * channels),
        nn.BatchNorm1d(2 * channels),
        nn.ReLU(),
        nn.Linear(2 * channels, channels),
    )
