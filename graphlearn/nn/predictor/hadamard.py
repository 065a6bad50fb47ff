"""A multilayer perceptron on the Hadamard product: NCN without its common neighbors."""

from __future__ import annotations

from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.nn.predictor.arguments import check_call, check_channels
from graphlearn.nn.predictor.branches import DeepBranch, pair_branch, score_head
from graphlearn.nn.registries import PREDICTORS
from graphlearn.nn.reset import reset
from graphlearn.typing import EdgeIndex, Pairs, Scores
from graphlearn.validate import check_flags, check_probability, check_size


@PREDICTORS.register("hadamard")
class HadamardPredictor(nn.Module):
    r"""Scores a pair by :math:`\mathrm{head}(k(\mathbf{x}_i \odot \mathbf{x}_j))`.

    With a tuned encoder this is the tuned graph autoencoder, a strong baseline; it is exactly
    :class:`NCN` without the common-neighbor branch, so the two compare. With several layers and
    ``residual`` it is the predictor of Refined GAE, see
    :class:`graphlearn.nn.predictor.branches.DeepBranch`.

    Args:
        channels (int): Size of the representations.
        hidden_channels (int, optional): Size of the hidden layers; ``channels`` if None.
        dropout (float): Dropout in every hidden layer. (default: :obj:`0.0`)
        layer_norm (bool): Layer norm in every hidden layer. (default: :obj:`True`)
        final_linear (bool): End the branch with a linear map. (default: :obj:`False`)
        two_layer_head (bool): Two hidden layers in the head. (default: :obj:`False`)
        linear_head (bool): No hidden layer in the head, so that the branch's are the only ones.
            (default: :obj:`False`)
        num_layers (int): Hidden layers of the branch. (default: :obj:`1`)
        residual (bool): Add the Hadamard product to each of their outputs, which then have its
            size. (default: :obj:`False`)

    Shapes:
        - **x**: ``[N, channels]``; **graph**: ``CSRGraph`` or ``edge_index``, not used
        - **pairs**: ``[2, B]``; **output**: ``[B]``

    Raises:
        InputError: If a shape does not fit or an id is out of range.

    Example:
        >>> import torch
        >>> pairs = torch.tensor([[0, 1], [1, 2]])
        >>> HadamardPredictor(4)(torch.randn(3, 4), pairs, pairs).shape
        torch.Size([2])
    """

    def __init__(
        self,
        channels: int,
        hidden_channels: int | None = None,
        *,
        dropout: float = 0.0,
        layer_norm: bool = True,
        final_linear: bool = False,
        two_layer_head: bool = False,
        linear_head: bool = False,
        num_layers: int = 1,
        residual: bool = False,
    ) -> None:
        super().__init__()
        channels, hidden = check_channels(channels, hidden_channels)
        dropout = check_probability(dropout, name="dropout")
        check_flags(
            layer_norm=layer_norm,
            final_linear=final_linear,
            two_layer_head=two_layer_head,
            linear_head=linear_head,
            residual=residual,
        )
        if linear_head and two_layer_head:
            raise InputError(
                "linear_head and two_layer_head are both on", expected="at most one of them"
            )
        num_layers = check_size(num_layers, name="num_layers")
        deep = num_layers > 1 or residual
        if deep and final_linear:
            raise InputError(
                f"final_linear is on with num_layers {num_layers} and residual {residual}",
                expected="one layer without residual",
                mend="leave final_linear off: the head begins with a linear map",
            )
        self.channels = channels
        self.pair_branch: nn.Module = (
            DeepBranch(
                channels,
                hidden,
                num_layers=num_layers,
                dropout=dropout,
                layer_norm=layer_norm,
                residual=residual,
            )
            if deep
            else pair_branch(
                channels, hidden, dropout=dropout, layer_norm=layer_norm, final_linear=final_linear
            )
        )
        self.head = (
            nn.Sequential(nn.Linear(hidden, 1))
            if linear_head
            else score_head(
                hidden, dropout=dropout, layer_norm=layer_norm, two_layers=two_layer_head
            )
        )
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw new weights."""
        reset(self)

    def forward(self, x: Tensor, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        check_call(x, graph, pairs, self.channels, weight=next(self.parameters()))
        pairs = pairs.long()
        return self.score_vectors(x.index_select(0, pairs[0]), x.index_select(0, pairs[1]))

    def score_vectors(self, left: Tensor, right: Tensor) -> Scores:
        """Return one score for two rows of representations each, whoever's they are.

        Shapes:
            - **left**, **right**: ``[B, channels]``; **output**: ``[B]``
        """
        scores: Tensor = self.head(self.pair_branch(left * right)).squeeze(-1)
        return scores
