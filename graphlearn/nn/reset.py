"""Draws new weights in all parts of a module."""

from __future__ import annotations

from torch import nn


def reset(module: nn.Module) -> None:
    """Draw new weights in every part of ``module`` that has ``reset_parameters``.

    Example:
        >>> reset(nn.Sequential(nn.Linear(2, 2), nn.ReLU()))
    """
    for part in module.children():
        if callable(again := getattr(part, "reset_parameters", None)):
            again()
        else:
            reset(part)
