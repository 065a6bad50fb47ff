"""Dropout that does not cost as much as the linear map before it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from graphlearn.kernels.dropout import hashed_dropout
from graphlearn.validate import check_probability


def dropout(x: Tensor, probability: float, *, training: bool) -> Tensor:
    """As :func:`torch.nn.functional.dropout`, by a hash on the CPU.

    One number is drawn from torch's default generator and seeds the mask, so ``torch.manual_seed``
    governs it as it does ``nn.Dropout``. Tensors elsewhere than on the CPU use torch's own dropout.

    Shapes:
        - **x**, **output**: any, the same

    Example:
        >>> import torch
        >>> dropout(torch.ones(3), 0.5, training=False).tolist()
        [1.0, 1.0, 1.0]
    """
    if not training or probability == 0.0:
        return x
    if x.device.type != "cpu" or not x.is_floating_point():
        return F.dropout(x, probability, training=True)
    if probability == 1.0:
        return x * 0.0
    seed = int(torch.empty((), dtype=torch.int64).random_())
    return hashed_dropout(x, probability, seed)


class Dropout(nn.Module):
    r"""Zeroes entries with probability ``p`` in training and scales the others by 1 / (1 - p).

    A drop-in for :class:`torch.nn.Dropout` whose CPU masks come from a counter-based hash: about
    sixteen times faster on one thread, and nothing is stored for the backward pass.

    Args:
        p (float): Chance of an entry to become 0. (default: :obj:`0.5`)

    Shapes:
        - **input**, **output**: any, the same

    Raises:
        InputError: If ``p`` is outside [0, 1].

    Example:
        >>> import torch
        >>> layer = Dropout(0.5)
        >>> sorted(layer(torch.ones(1000)).unique().tolist())
        [0.0, 2.0]
        >>> layer.eval()(torch.ones(2)).tolist()
        [1.0, 1.0]
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__()
        self.p = check_probability(p, name="dropout probability")

    def forward(self, x: Tensor) -> Tensor:
        """Return ``x`` with the mask applied; ``x`` itself in evaluation."""
        return dropout(x, self.p, training=self.training)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return f"p={self.p}"
