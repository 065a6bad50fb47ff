"""The losses of an epoch: their mean, and an end to the run where one is not finite."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from graphlearn.errors import DivergedError

CHECK_EVERY = {"cpu": 1, "cuda": 64}
"""Batches between two looks at the losses: on a CUDA device a look makes the CPU wait for it."""


def widened(scores: Tensor) -> Tensor:
    """Half precision as float32, anything else as it is: a mean over a batch wants the bits.

    Shapes:
        - **scores**, **output**: any, the same

    Example:
        >>> widened(torch.ones(2, dtype=torch.bfloat16)).dtype
        torch.float32
    """
    return scores.float() if scores.dtype in (torch.bfloat16, torch.float16) else scores


class EpochLosses:
    """The losses of an epoch's batches, looked at a few at a time.

    Args:
        device: Where they are computed.
        epoch: The epoch's number, for the error text.
        seed: The run's seed, likewise.
        batches: How many batches the epoch has, likewise.

    Example:
        >>> losses = EpochLosses(torch.device("cpu"), epoch=1, seed=0, batches=2)
        >>> losses.add(torch.tensor(1.0))
        >>> losses.add(torch.tensor(3.0))
        >>> losses.mean()
        2.0
    """

    def __init__(self, device: torch.device, *, epoch: int, seed: int, batches: int) -> None:
        self.check_every = CHECK_EVERY[device.type]
        self.epoch, self.seed, self.batches = epoch, seed, batches
        self.pending: list[Tensor] = []
        self.values: list[float] = []

    def add(self, loss: Tensor) -> None:
        """Take in a batch's loss.

        Raises:
            DivergedError: If one of those looked at is NaN or infinite.
        """
        self.pending.append(loss.detach())
        if len(self.pending) == self.check_every:
            self._look()

    def _look(self) -> None:
        for value in torch.stack(self.pending).tolist():
            self.values.append(value)
            if not math.isfinite(value):
                raise DivergedError(
                    f"the loss is {value} in epoch {self.epoch}, batch {len(self.values)} of "
                    f"{self.batches}, seed {self.seed}",
                    expected="a finite loss",
                    mend="lower the learning rates, or set clip_gradient_norm",
                )
        self.pending.clear()

    def mean(self) -> float:
        """Mean over the batches.

        Raises:
            DivergedError: As :meth:`add`.
        """
        if self.pending:
            self._look()
        return sum(self.values) / len(self.values)
