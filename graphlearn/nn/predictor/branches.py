"""The small multilayer maps that link predictors are made of: of pairs, and to a score."""

from __future__ import annotations

import itertools

from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.nn.dropout import Dropout


def norm_layers(channels: int, layer_norm: bool) -> list[nn.Module]:
    """Layer norm, or nothing.

    Example:
        >>> norm_layers(4, False)
        []
    """
    return [nn.LayerNorm(channels)] if layer_norm else []


def pair_branch(
    in_channels: int, channels: int, *, dropout: float, layer_norm: bool, final_linear: bool
) -> nn.Sequential:
    """The map of a pair's Hadamard product: linear, norm, dropout, ReLU, optionally linear.

    Example:
        >>> len(pair_branch(4, 8, dropout=0.1, layer_norm=True, final_linear=False))
        4
    """
    layers = [
        nn.Linear(in_channels, channels),
        *norm_layers(channels, layer_norm),
        Dropout(dropout),
        nn.ReLU(inplace=True),
    ]
    if final_linear:
        layers.append(nn.Linear(channels, channels))
    return nn.Sequential(*layers)


class DeepBranch(nn.Module):
    r"""Layers of a pair's Hadamard product :math:`\mathbf{h}`, which each of them may add again.

    .. math::
        \mathbf{z}^{(l)} = \mathrm{ReLU}(\mathrm{norm}(W_l \mathbf{z}^{(l-1)})) + \mathbf{h},
        \quad \mathbf{z}^{(0)} = \mathbf{h}

    The predictor of `"Reconsidering the Performance of GAE in Link Prediction"
    <https://arxiv.org/abs/2411.03845>`_. One layer without residual is :func:`pair_branch`. Costs
    2 B C^2 multiply-adds a layer for B pairs.

    Args:
        in_channels (int): Size of the product.
        channels (int): Size of the layers; as many where ``residual`` is on.
        num_layers (int): Number of layers.
        dropout (float): Dropout in every layer.
        layer_norm (bool): Layer norm in every layer.
        residual (bool): Add the product to each layer's output.

    Shapes:
        - **input**: ``[B, in_channels]``; **output**: ``[B, channels]``

    Raises:
        InputError: If the product is to be added to something of another size.

    Example:
        >>> import torch
        >>> branch = DeepBranch(4, 4, num_layers=3, dropout=0.0, layer_norm=True, residual=True)
        >>> branch(torch.ones(2, 4)).shape
        torch.Size([2, 4])
    """

    def __init__(
        self,
        in_channels: int,
        channels: int,
        *,
        num_layers: int,
        dropout: float,
        layer_norm: bool,
        residual: bool,
    ) -> None:
        super().__init__()
        if residual and in_channels != channels:
            raise InputError(
                f"hidden_channels is {channels} and channels {in_channels}",
                expected="one size, for the product to be added to each layer",
                mend="leave hidden_channels out, or turn the residual off",
            )
        self.residual = residual
        sizes = [in_channels, *[channels] * num_layers]
        self.layers = nn.ModuleList(
            pair_branch(size, following, dropout=dropout, layer_norm=layer_norm, final_linear=False)
            for size, following in itertools.pairwise(sizes)
        )

    def forward(self, product: Tensor) -> Tensor:
        """Return the last layer's output."""
        hidden = product
        for layer in self.layers:
            hidden = layer(hidden)
            if self.residual:
                hidden = hidden + product
        return hidden

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return f"residual={self.residual}"


def score_head(
    channels: int, *, dropout: float, layer_norm: bool, two_layers: bool
) -> nn.Sequential:
    """One or two hidden layers, then a single score.

    Example:
        >>> score_head(4, dropout=0.0, layer_norm=False, two_layers=False)[-1].out_features
        1
    """
    layers: list[nn.Module] = []
    for _ in range(2 if two_layers else 1):
        layers += [
            nn.Linear(channels, channels),
            *norm_layers(channels, layer_norm),
            Dropout(dropout),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.Linear(channels, 1))
