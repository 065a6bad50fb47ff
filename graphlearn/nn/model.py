"""An encoder and a predictor as one module."""

from __future__ import annotations

from torch import Tensor, nn

from graphlearn.kernels import CSRGraph
from graphlearn.typing import EdgeIndex, Pairs, Scores


class LinkModel(nn.Module):
    r"""Encodes all nodes, then scores pairs.

    Args:
        encoder (torch.nn.Module): ``encoder(x, graph)`` gives ``[N, C]``.
        predictor (torch.nn.Module): ``predictor(h, graph, pairs)`` gives ``[B]``.

    Shapes:
        - **x**: what the encoder takes; **graph**: a ``CSRGraph`` or an ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]``

    Example:
        >>> import torch
        >>> from graphlearn.nn import NCN, PropagationEncoder
        >>> model = LinkModel(PropagationEncoder(5, 8), NCN(8))
        >>> edge_index = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> model(torch.randn(4, 5), edge_index, torch.tensor([[0, 0], [2, 3]])).shape
        torch.Size([2])
    """

    def __init__(self, encoder: nn.Module, predictor: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.predictor = predictor

    def encode(self, x: Tensor | None, graph: CSRGraph | EdgeIndex) -> Tensor:
        """Return the representations ``[N, C]`` that the predictor reads."""
        h: Tensor = self.encoder(x, graph)
        return h

    def forward(self, x: Tensor | None, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        scores: Scores = self.predictor(self.encode(x, graph), graph, pairs)
        return scores
