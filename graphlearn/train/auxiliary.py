"""What a model's own modules add to the loop: losses, and work after an epoch."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from graphlearn.kernels import CSRGraph

EpochHook = Callable[[int, nn.Module, Tensor | None, CSRGraph], None]
"""Called with the epoch that is done, the model, the features and the training graph."""


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


def epoch_hooks(model: nn.Module) -> list[EpochHook]:
    """Return the ``after_epoch`` method of every module that has one.

    A module that changes between epochs rather than by gradients, such as an encoder that weighs
    its messages by the model's scores, does so there: after the epoch was evaluated and its weights
    maybe kept. What it changes must be buffers, so that a checkpoint has them. The loop over links
    calls them; that over graphs has no one graph to give.

    Args:
        model: The model.

    Example:
        >>> class Counting(nn.Linear):
        ...     def after_epoch(self, epoch, model, x, graph):
        ...         print("epoch", epoch)
        >>> (hook,) = epoch_hooks(nn.Sequential(Counting(1, 1)))
        >>> hook(1, None, None, None)
        epoch 1
    """
    found = (getattr(module, "after_epoch", None) for module in model.modules())
    return [hook for hook in found if callable(hook)]
