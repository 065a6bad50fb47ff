"""Losses that a model's own modules add to the loop's."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def auxiliary_losses(model: nn.Module) -> list[Callable[[], Tensor]]:
    """Return the ``auxiliary_loss`` method of every module that has one.

    A module that wants something of its own weights, such as an aggregator's operator to be
    associative, says so there: the method gives a number for what the last forward pass met, and
    the loop adds it to the loss of that batch.

    Args:
        model: The model.

    Example:
        >>> class Small(nn.Linear):
        ...     def auxiliary_loss(self):
        ...         return self.weight.square().sum()
        >>> len(auxiliary_losses(nn.Sequential(Small(2, 2), nn.Linear(2, 1))))
        1
    """
    found = (getattr(module, "auxiliary_loss", None) for module in model.modules())
    return [loss for loss in found if callable(loss)]
