"""The encoder of NCN's and Refined GAE's recipes: one linear map, then weightless propagation."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph, as_graph
from graphlearn.nn.conv.propagation import check_normalization, propagate
from graphlearn.nn.dropout import Dropout
from graphlearn.nn.encoder.inputs import JumpingKnowledge, NodeInput
from graphlearn.nn.registries import ENCODERS
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_flag, check_flags, check_number, check_probability, check_size


@ENCODERS.register("propagation")
class PropagationEncoder(nn.Module):
    r"""Dropout, linear map, dropout, then :math:`L` steps of weightless propagation.

    The encoder of `"Neural Common Neighbor with Completion for Link Prediction"
    <https://arxiv.org/abs/2302.00890>`_ ("pure GCN", "pure sum"); with a wide map, several steps,
    ``initial_residual`` and ``embedding_channels`` that of `"Reconsidering the Performance of GAE
    in Link Prediction" <https://arxiv.org/abs/2411.03845>`_ (Refined GAE).

    Args:
        in_channels (int, optional): Number of features; None where there are none.
        hidden_channels (int): Size of the representations.
        num_layers (int): Propagation steps. (default: :obj:`1`)
        num_embeddings (int, optional): Number of nodes, for a graph without features.
        embedding_channels (int): Size of learned vectors beside the features, for
            ``num_embeddings`` nodes; 0 for none. (default: :obj:`0`)
        normalization (str): ``"gcn"``, ``"sum"`` or ``"mean"``. (default: :obj:`"gcn"`)
        feature_dropout (float): Dropout on the features. (default: :obj:`0.0`)
        dropout (float): Dropout after the linear map. (default: :obj:`0.0`)
        output_dropout (float): Dropout after the last step. (default: :obj:`0.0`)
        edge_dropout (float): Chance of each entry of the graph to be left out of a step in
            training; the normalization is that of what remains. (default: :obj:`0.0`)
        residual (bool): Add each step's input to its output. (default: :obj:`False`)
        initial_residual (float): Factor of the first representation, the linear map's, that is
            added after each step. (default: :obj:`0.0`)
        layer_norm (bool): Layer norm after each step, before what is added.
            (default: :obj:`False`)
        jumping_knowledge (bool): Return a learned weighted sum of all steps.
            (default: :obj:`False`)
        jumping_knowledge_input (bool): Let the first representation be one of them, as in
            LightGCN. (default: :obj:`False`)
        jumping_knowledge_initial (str): ``"ones"`` or, as published, ``"normal"``.
            (default: :obj:`"ones"`)

    Shapes:
        - **x**: ``[N, in_channels]`` dense or sparse CSR, or None with ``num_embeddings``
        - **graph**: a ``CSRGraph`` or an undirected ``edge_index [2, E]``
        - **output**: ``[N, hidden_channels]``

    Raises:
        InputError: If ``num_layers`` is below 1 or ``x`` does not fit.

    Example:
        >>> import torch
        >>> encoder = PropagationEncoder(5, 8)
        >>> encoder(torch.randn(3, 5), torch.tensor([[0, 1], [1, 2]])).shape
        torch.Size([3, 8])
    """

    reads_message_weights: ClassVar[bool] = True

    def __init__(
        self,
        in_channels: int | None,
        hidden_channels: int,
        num_layers: int = 1,
        *,
        num_embeddings: int | None = None,
        embedding_channels: int = 0,
        normalization: str = "gcn",
        feature_dropout: float = 0.0,
        dropout: float = 0.0,
        output_dropout: float = 0.0,
        edge_dropout: float = 0.0,
        residual: bool = False,
        initial_residual: float = 0.0,
        layer_norm: bool = False,
        jumping_knowledge: bool = False,
        jumping_knowledge_initial: str = "ones",
        jumping_knowledge_input: bool = False,
    ) -> None:
        super().__init__()
        num_layers = check_size(num_layers, name="num_layers")
        self.out_channels = check_size(hidden_channels, name="hidden_channels")
        for name, value in (("dropout", dropout), ("output_dropout", output_dropout)):
            check_probability(value, name=name)
        self.num_layers = num_layers
        self.normalization = check_normalization(normalization)
        self.edge_dropout = check_probability(edge_dropout, name="edge_dropout")
        self.residual = residual
        self.initial_residual = check_number(initial_residual, name="initial_residual")
        check_flags(
            residual=residual,
            jumping_knowledge=jumping_knowledge,
            jumping_knowledge_input=jumping_knowledge_input,
        )
        if jumping_knowledge_input and not jumping_knowledge:
            raise InputError(
                "jumping_knowledge_input is on and jumping_knowledge off",
                expected="a weighted sum of steps for the first representation to be in",
                mend="pass jumping_knowledge=True",
            )
        self.jumping_knowledge_input = jumping_knowledge_input
        self.input = NodeInput(
            in_channels,
            hidden_channels,
            num_embeddings=num_embeddings,
            embedding_channels=embedding_channels,
            feature_dropout=feature_dropout,
            dropout=dropout,
        )
        self.output_dropout = Dropout(output_dropout)
        self.norms = nn.ModuleList(
            nn.LayerNorm(hidden_channels)
            for _ in range(num_layers if check_flag(layer_norm, name="layer_norm") else 0)
        )
        summands = num_layers + int(jumping_knowledge_input)
        self.jumping_knowledge = (
            JumpingKnowledge(summands, jumping_knowledge_initial) if jumping_knowledge else None
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        self.input.reset_parameters()
        for norm in self.norms:
            norm.reset_parameters()  # type: ignore[operator]
        if self.jumping_knowledge is not None:
            self.jumping_knowledge.reset_parameters()

    def forward(self, x: Tensor | None, graph: CSRGraph | EdgeIndex) -> Tensor:
        """Return a representation of every node."""
        first: Tensor = self.input(x)
        h = first
        graph = as_graph(graph, h.size(0))
        layers = [first] if self.jumping_knowledge_input else []
        for layer in range(self.num_layers):
            seen = graph.drop_entries(self.edge_dropout) if self.training else graph
            out = propagate(h, seen, self.normalization)
            if self.norms:
                out = self.norms[layer](out)
            if layer == self.num_layers - 1:
                out = self.output_dropout(out)
            h = out + h if self.residual else out
            if self.initial_residual:
                h = torch.add(h, first, alpha=self.initial_residual)
            layers.append(h)
        if self.jumping_knowledge is not None:
            h = self.jumping_knowledge(layers)
        return h

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return (
            f"normalization={self.normalization!r}, num_layers={self.num_layers}, "
            f"residual={self.residual}, edge_dropout={self.edge_dropout}, "
            f"initial_residual={self.initial_residual}"
        )
