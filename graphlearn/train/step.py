"""One step of the optimizer, the same in every loop."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from graphlearn.train.config import LoopConfig


def take_step(
    model: nn.Module,
    loss: Tensor,
    optimizer: torch.optim.Optimizer,
    config: LoopConfig,
    average: AveragedModel | None = None,
) -> None:
    """Differentiate a loss, clip the gradient if asked to, and update weights and their average.

    Args:
        model: What is trained.
        loss: The batch's loss.
        optimizer: Updates the model.
        config: Gradient clipping.
        average: A moving average that takes in the weights after the step.

    Shapes:
        - **loss**: ``[]``

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> _ = nn.init.ones_(layer.weight)
        >>> optimizer = torch.optim.SGD(layer.parameters(), lr=0.5)
        >>> take_step(layer, layer(torch.ones(1, 1)).sum(), optimizer, LoopConfig())
        >>> layer.weight.item()
        0.5
    """
    optimizer.zero_grad(set_to_none=True)
    torch.autograd.backward(loss)
    if config.clip_gradient_norm is not None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, config.clip_gradient_norm)
    optimizer.step()
    if average is not None:
        average.update_parameters(model)
