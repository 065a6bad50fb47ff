"""Which stage was the first to compute what is not finite."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor

from graphlearn.errors import DivergedError
from graphlearn.pipeline.loss_watch import ADVICE


class FiniteWatch:
    """Notes on every process whether its rows and its gradients were finite in an epoch.

    One reduction a chunk, and one a parameter; numbers leave the device at the end of the epoch.

    Args:
        stage: Of this process.
        stages: S.

    Example:
        >>> watch = FiniteWatch(stage=1, stages=2)
        >>> watch.see_rows(torch.tensor([[1.0, float("nan")]]))
        >>> watch.flags()
        [0.0, 1.0, 0.0, 0.0]
        >>> try:
        ...     check_rows(watch.flags(), [range(0, 3), range(3, 5)])
        ... except DivergedError as error:
        ...     print(error.given)
        rows that stage 1 (layers 3 to 4) computed are not finite
    """

    def __init__(self, stage: int, stages: int) -> None:
        self.stage, self.stages = stage, stages
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Forget what was seen."""
        self._rows: list[Tensor] = []
        self._gradients: list[Tensor] = []

    def see_rows(self, rows: Tensor) -> None:
        """Look at what the stage gives for a chunk."""
        self._rows += _largest([rows])

    def see_gradients(self, gradients: Iterable[Tensor | None]) -> None:
        """Look at gradients of parameters, or of what came into the stage."""
        self._gradients += _largest(gradients)

    def flags(self) -> list[float]:
        """For each stage whether its rows, then whether its gradients are not finite.

        To be added up over all processes.
        """
        found = [0.0] * (2 * self.stages)
        for place, seen in ((self.stage, self._rows), (self.stages + self.stage, self._gradients)):
            if seen:
                found[place] = float(not math.isfinite(float(torch.stack(seen).sum())))
        return found


def _largest(tensors: Iterable[Tensor | None]) -> list[Tensor]:
    """The largest magnitude of each, times 0: 0 where it is finite, else NaN, and so is a sum."""
    found = []
    for tensor in tensors:
        if tensor is None or not tensor.numel():
            continue
        values = tensor.detach()
        if values.is_sparse:
            values = values._values()
        found.append((torch.linalg.vector_norm(values, math.inf) * 0.0).float())
    return found


def check_rows(flags: Sequence[float], layers: Sequence[range]) -> None:
    """Raise if a stage's rows are not finite; the first one is named, others got them from it.

    Args:
        flags: What :meth:`FiniteWatch.flags` gives, added up.
        layers: Of every stage.

    Raises:
        DivergedError: If so.
    """
    for stage, flag in enumerate(flags[: len(layers)]):
        if flag:
            raise _error("rows", stage, layers[stage])


def check_gradients(flags: Sequence[float], layers: Sequence[range]) -> None:
    """Raise if a stage's gradients are not finite; the last one is named, which had them first.

    Args:
        flags: What :meth:`FiniteWatch.flags` gives, added up.
        layers: Of every stage.

    Raises:
        DivergedError: If so.
    """
    for stage in reversed(range(len(layers))):
        if flags[len(layers) + stage]:
            raise _error("gradients", stage, layers[stage])


def _error(what: str, stage: int, layers: range) -> DivergedError:
    numbers = f"layer {layers[0]}" if len(layers) == 1 else f"layers {layers[0]} to {layers[-1]}"
    return DivergedError(
        f"{what} that stage {stage} ({numbers}) computed are not finite",
        expected="finite numbers",
        mend=f"look for a division or a logarithm of 0 in these layers; or {ADVICE}",
    )
