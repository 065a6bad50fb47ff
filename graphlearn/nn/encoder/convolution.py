"""Encoders of stock PyG convolutions, on a graph that may be masked."""

from __future__ import annotations

import inspect
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch_geometric.nn import GCNConv, SAGEConv

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph, as_graph
from graphlearn.nn.conv.propagation import propagate, weighted_edges
from graphlearn.nn.dropout import Dropout
from graphlearn.nn.dtype import check_dtype
from graphlearn.nn.encoder.inputs import JumpingKnowledge, NodeInput
from graphlearn.nn.registries import ENCODERS
from graphlearn.nn.reset import reset
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_flags, check_probability, check_size


class ConvolutionEncoder(nn.Module):
    r"""An input map, then :math:`L` stock PyG convolutions with norm, dropout and ReLU between.

    The last convolution is followed by dropout alone. A subclass names its convolution, any class
    of PyG that is made from (in_channels, out_channels) and called with (x, edge_index). PyG's
    gather-and-scatter needs memory O(E C); a subclass that overrides :meth:`convolve`, as GCN and
    SAGE do, need not. Repeated columns of an ``edge_index`` count once, as in every graph of this
    package (:class:`graphlearn.kernels.CSRGraph`), and not as often as they come.

    Args:
        in_channels (int, optional): Number of features; None where there are none.
        hidden_channels (int): Size of the representations.
        num_layers (int): Number of convolutions. (default: :obj:`2`)
        num_embeddings (int, optional): Number of nodes, for a graph without features.
        feature_dropout (float): Dropout on the features. (default: :obj:`0.0`)
        dropout (float): Dropout after the input map and between convolutions.
            (default: :obj:`0.0`)
        output_dropout (float): Dropout after the last convolution. (default: :obj:`0.0`)
        edge_dropout (float): Chance of each entry of the graph to be left out in training.
            (default: :obj:`0.0`)
        residual (bool): Add each convolution's input to its output. (default: :obj:`False`)
        jumping_knowledge (bool): Return a learned weighted sum of all layers.
            (default: :obj:`False`)
        layer_norm (bool): Layer norm after all but the last convolution. (default: :obj:`False`)
        output_norm (bool): Layer norm after the last convolution, so that products of
            representations keep one scale in wide encoders. (default: :obj:`False`)
        input_map (bool): Map the features before the first convolution; otherwise it takes the
            features themselves. (default: :obj:`True`)
        normalize_features (bool): Divide each node's features by their sum.
            (default: :obj:`False`)
        unit_length (bool): Scale what each convolution gives a node to length 1, as PyG's
            ``SAGEConv(normalize=True)`` does. (default: :obj:`False`)

    Shapes:
        - **x**: ``[N, in_channels]`` dense or sparse CSR, or None with ``num_embeddings``
        - **graph**: a ``CSRGraph`` or an undirected ``edge_index [2, E]``
        - **output**: ``[N, hidden_channels]``

    Raises:
        InputError: If ``num_layers`` is below 1 or ``x`` does not fit.

    Example:
        >>> import torch
        >>> from torch_geometric.nn import GraphConv
        >>> class GraphConvEncoder(ConvolutionEncoder):
        ...     convolution = GraphConv
        >>> GraphConvEncoder(5, 8)(torch.randn(3, 5), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 8])
    """

    convolution: ClassVar[type[nn.Module]]

    def __init__(
        self,
        in_channels: int | None,
        hidden_channels: int,
        num_layers: int = 2,
        *,
        num_embeddings: int | None = None,
        feature_dropout: float = 0.0,
        dropout: float = 0.0,
        output_dropout: float = 0.0,
        edge_dropout: float = 0.0,
        residual: bool = False,
        jumping_knowledge: bool = False,
        layer_norm: bool = False,
        output_norm: bool = False,
        input_map: bool = True,
        normalize_features: bool = False,
        unit_length: bool = False,
    ) -> None:
        super().__init__()
        num_layers = check_size(num_layers, name="num_layers")
        self.out_channels = check_size(hidden_channels, name="hidden_channels")
        for name, value in (("dropout", dropout), ("output_dropout", output_dropout)):
            check_probability(value, name=name)
        check_flags(
            residual=residual,
            jumping_knowledge=jumping_knowledge,
            layer_norm=layer_norm,
            output_norm=output_norm,
            input_map=input_map,
            unit_length=unit_length,
        )
        self.edge_dropout = check_probability(edge_dropout, name="edge_dropout")
        self.residual = residual
        self.input = NodeInput(
            in_channels,
            hidden_channels,
            num_embeddings=num_embeddings,
            feature_dropout=feature_dropout,
            dropout=dropout,
            linear=input_map,
            normalize_features=normalize_features,
        )
        first = hidden_channels if input_map or in_channels is None else in_channels
        if residual and first != hidden_channels:
            raise InputError(
                f"residual with {in_channels} features and {hidden_channels} hidden channels",
                expected="as many of both, for the first convolution to add its input",
                mend="leave the input map on, or residual off",
            )
        self.convolutions = nn.ModuleList(
            self.convolution(hidden_channels if layer else first, hidden_channels)
            for layer in range(num_layers)
        )
        self.unit_length = unit_length
        self.between = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(hidden_channels) if layer_norm else nn.Identity(),
                Dropout(dropout),
                nn.ReLU(),
            )
            for _ in range(num_layers - 1)
        )
        dropped = Dropout(output_dropout)
        self.between.append(
            nn.Sequential(nn.LayerNorm(hidden_channels), dropped) if output_norm else dropped
        )
        self.jumping_knowledge = JumpingKnowledge(num_layers) if jumping_knowledge else None

    def reset_parameters(self) -> None:
        """Draw new weights."""
        reset(self)

    @property
    def reads_message_weights(self) -> bool:
        """Whether the weights of a graph that has them are used."""
        has_form = type(self).convolve is not ConvolutionEncoder.convolve
        return has_form or "edge_weight" in inspect.signature(self.convolution.forward).parameters

    def forward(self, x: Tensor | None, graph: CSRGraph | EdgeIndex) -> Tensor:
        """Return a representation of every node."""
        h: Tensor = self.input(x)
        graph = as_graph(graph, h.size(0))
        if graph.weight is not None and not graph.undirected:
            raise InputError(
                "the graph is directed and has weights",
                expected="an undirected one: weights are of what a row takes from its columns, "
                "and messages go the other way, along the edges",
            )
        check_dtype(h, next(self.convolutions.parameters()), name="x")
        if self.training:
            graph = graph.drop_entries(self.edge_dropout)
        layers = []
        for convolution, after in zip(self.convolutions, self.between, strict=True):
            out = self.convolve(convolution, h, graph)
            if self.unit_length:
                out = nn.functional.normalize(out, dim=-1)
            out = after(out)
            if self.residual and h.layout != torch.strided:
                h = h.to_dense()
            h = out + h if self.residual else out
            layers.append(h)
        if self.jumping_knowledge is not None:
            h = self.jumping_knowledge(layers)
        return h

    def convolve(self, convolution: nn.Module, h: Tensor, graph: CSRGraph) -> Tensor:
        """One convolution, with the weights of ``graph``, where it has any, in place of its own.

        Here this is the stock layer. One that takes ``edge_weight`` gets the weights, with
        self-loops; one that would add loops or a normalization of its own needs a form of its own,
        as GCN has.

        Args:
            convolution: One of the layers.
            h: Node representations, or the features, which may be sparse CSR.
            graph: A graph, with weights (:meth:`graphlearn.kernels.CSRGraph.with_weights`) or not.

        Shapes:
            - **h**: ``[N, C]``; **output**: ``[N, hidden_channels]``

        Raises:
            InputError: If the graph has weights and this encoder no form for them.
        """
        if h.layout != torch.strided:
            h = h.to_dense()
        out: Tensor
        if graph.weight is None:
            out = convolution(h, graph.edge_index())
            return out
        if "edge_weight" not in inspect.signature(convolution.forward).parameters:
            raise InputError(
                f"{type(self).__name__} was given a graph with weights",
                expected=f"one without, as {type(convolution).__name__} takes no edge_weight",
                mend="override convolve()",
            )
        edge_index, weight = weighted_edges(graph)
        out = convolution(h, edge_index, edge_weight=weight.to(h.dtype))
        return out


def _map(linear: nn.Module, h: Tensor) -> Tensor:
    """A linear map; of sparse features in their own precision, as there is no other product."""
    if h.layout == torch.strided:
        dense: Tensor = linear(h)
        return dense
    with torch.autocast(h.device.type, enabled=False):
        mapped: Tensor = linear(h)
    return mapped


@ENCODERS.register("gcn")
class GCNEncoder(ConvolutionEncoder):
    r"""Stack of PyG's ``GCNConv``; see :class:`ConvolutionEncoder` for the options.

    From `"Semi-Supervised Classification with Graph Convolutional Networks"
    <https://arxiv.org/abs/1609.02907>`_.

    Shapes:
        - **x**: ``[N, in_channels]`` or None; **graph**: ``CSRGraph`` or ``edge_index [2, E]``
        - **output**: ``[N, hidden_channels]``

    Example:
        >>> import torch
        >>> encoder = GCNEncoder(5, 8, num_layers=2)
        >>> encoder(torch.randn(3, 5), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 8])
    """

    convolution = GCNConv

    def convolve(self, convolution: nn.Module, h: Tensor, graph: CSRGraph) -> Tensor:
        """Linear map, weighted sum, bias: what ``GCNConv`` computes, without its ``[E, C]``.

        Shapes:
            - **h**: ``[N, C]``; **output**: ``[N, hidden_channels]``
        """
        assert isinstance(convolution, GCNConv)
        if graph.weight is None and not graph.undirected:
            return super().convolve(convolution, h, graph)  # messages go along the edges
        out: Tensor = propagate(_map(convolution.lin, h), graph) + convolution.bias
        return out


@ENCODERS.register("sage")
class SAGEEncoder(ConvolutionEncoder):
    r"""Stack of PyG's ``SAGEConv``; see :class:`ConvolutionEncoder` for the options.

    From `"Inductive Representation Learning on Large Graphs"
    <https://arxiv.org/abs/1706.02216>`_.

    Shapes:
        - **x**: ``[N, in_channels]`` or None; **graph**: ``CSRGraph`` or ``edge_index [2, E]``
        - **output**: ``[N, hidden_channels]``

    Example:
        >>> import torch
        >>> encoder = SAGEEncoder(5, 8, num_layers=2)
        >>> encoder(torch.randn(3, 5), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 8])
    """

    convolution = SAGEConv

    def convolve(self, convolution: nn.Module, h: Tensor, graph: CSRGraph) -> Tensor:
        """What ``SAGEConv`` computes, without its ``[E, C]``; weights take the place of the mean.

        Sparse features are mapped before they are summed.

        Shapes:
            - **h**: ``[N, C]``; **output**: ``[N, hidden_channels]``
        """
        assert isinstance(convolution, SAGEConv)
        if graph.weight is None and not graph.undirected:
            return super().convolve(convolution, h, graph)
        own = _map(convolution.lin_r, h)
        if h.layout == torch.strided:
            around: Tensor = convolution.lin_l(propagate(h, graph, "mean"))
        else:
            with torch.autocast(h.device.type, enabled=False):
                mapped = nn.functional.linear(h, convolution.lin_l.weight)
            around = propagate(mapped, graph, "mean") + convolution.lin_l.bias
        return around + own
