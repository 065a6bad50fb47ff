"""The small multilayer maps that link predictors are made of."""

from __future__ import annotations

from torch import nn

from graphlearn.nn.dropout import Dropout


def _norm(channels: int, layer_norm: bool) -> list[nn.Module]:
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
        *_norm(channels, layer_norm),
        Dropout(dropout),
        nn.ReLU(inplace=True),
    ]
    if final_linear:
        layers.append(nn.Linear(channels, channels))
    return nn.Sequential(*layers)


def set_branch(
    in_channels: int, channels: int, *, dropout: float, layer_norm: bool, final_linear: bool
) -> nn.Sequential:
    """The two-layer map of nodes and of pooled neighborhoods; norm in the second layer only.

    Example:
        >>> len(set_branch(4, 8, dropout=0.1, layer_norm=True, final_linear=False))
        7
    """
    layers = [
        nn.Linear(in_channels, channels),
        Dropout(dropout),
        nn.ReLU(inplace=True),
        nn.Linear(channels, channels),
        *_norm(channels, layer_norm),
        Dropout(dropout),
        nn.ReLU(inplace=True),
    ]
    if final_linear:
        layers.append(nn.Linear(channels, channels))
    return nn.Sequential(*layers)


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
            *_norm(channels, layer_norm),
            Dropout(dropout),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.Linear(channels, 1))
