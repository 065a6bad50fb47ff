"""The dot product of two representations: the classic graph autoencoder's decoder."""

from __future__ import annotations

from torch import Tensor, nn

from graphlearn.kernels import CSRGraph
from graphlearn.nn.predictor.arguments import check_call
from graphlearn.nn.registries import PREDICTORS
from graphlearn.typing import EdgeIndex, Pairs, Scores
from graphlearn.validate import check_size


@PREDICTORS.register("dot")
class DotPredictor(nn.Module):
    r"""Scores a pair by :math:`\langle \mathbf{x}_i, \mathbf{x}_j \rangle`.

    From `"Variational Graph Auto-Encoders" <https://arxiv.org/abs/1611.07308>`_.

    Args:
        channels (int): Size of the representations.

    Shapes:
        - **x**: ``[N, channels]``; **graph**: ``CSRGraph`` or ``edge_index``, not used
        - **pairs**: ``[2, B]``; **output**: ``[B]``

    Raises:
        InputError: If a shape does not fit or an id is out of range.

    Example:
        >>> import torch
        >>> pairs = torch.tensor([[0], [1]])
        >>> DotPredictor(2)(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), pairs, pairs).tolist()
        [11.0]
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.channels = check_size(channels, name="channels")

    def forward(self, x: Tensor, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        check_call(x, graph, pairs, self.channels)
        pairs = pairs.long()
        return self.score_vectors(x.index_select(0, pairs[0]), x.index_select(0, pairs[1]))

    def score_vectors(self, left: Tensor, right: Tensor) -> Scores:
        """Return one score for two rows of representations each, whoever's they are.

        Shapes:
            - **left**, **right**: ``[B, channels]``; **output**: ``[B]``
        """
        return (left * right).sum(dim=1)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return f"{self.channels}"
