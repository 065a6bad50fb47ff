"""Metrics of predictions for whole graphs, sets and nodes, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.registry import unknown_name

Part = tuple[Tensor, Tensor]
"""Predictions and targets of one kind, both ``[rows, columns]``."""


def _error(parts: Sequence[Part], distance: Callable[[Tensor], Tensor]) -> float:
    """Mean over all columns of all parts of each column's mean distance."""
    columns = [distance(made.double() - true.double()).mean(dim=0) for made, true in parts]
    return float(torch.cat(columns).mean())


def _mae(parts: Sequence[Part]) -> float:
    return _error(parts, torch.abs)


def _mse(parts: Sequence[Part]) -> float:
    return _error(parts, torch.square)


def _log10_mse(parts: Sequence[Part]) -> float:
    return math.log10(max(_mse(parts), 1e-300))


def _all_bits(parts: Sequence[Part]) -> float:
    right = [((made > 0) == (true > 0.5)).all(dim=1) for made, true in parts]
    return float(torch.cat(right).double().mean())


_METRICS: dict[str, tuple[Callable[[Sequence[Part]], float], bool]] = {
    # name: (function, whether lower is better)
    "mae": (_mae, True),
    "mse": (_mse, True),
    "log10-mse": (_log10_mse, True),
    "all-bits": (_all_bits, False),
}


def lower_is_better(name: str) -> bool:
    """Whether a smaller value of the metric is the better one; link metrics are never so.

    Args:
        name: A metric's name, or ``"name/part"`` for the metric on a further test set.

    Example:
        >>> lower_is_better("mae"), lower_is_better("all-bits/n32"), lower_is_better("hits@100")
        (True, False, False)
    """
    found = _METRICS.get(name.partition("/")[0])
    return found is not None and found[1]


def shown_value(name: str, value: float) -> float:
    """The value as tables show it: a share in percent, an error as it is.

    Args:
        name: The metric's name.
        value: What it gave.

    Example:
        >>> shown_value("hits@100", 0.875), shown_value("mae", 0.875)
        (87.5, 0.875)
    """
    return value if lower_is_better(name) else 100 * value


class PredictionEvaluator:
    """Several metrics of the same predictions.

    ``"mae"`` and ``"mse"``: mean over the columns of each column's mean error; ``"log10-mse"``: the
    logarithm of that; ``"all-bits"``: share of rows whose logits have the right sign in every
    column. Errors are added up in float64.

    Args:
        names: The metrics, each once.

    Shapes:
        - each part: predictions and targets, both ``[rows, columns]``

    Raises:
        UnknownNameError: If a name is not a metric.
        InputTypeError: If ``names`` is a string.
        InputError: If ``names`` is empty or names a metric twice.

    Example:
        >>> evaluator = PredictionEvaluator(["mae"])
        >>> evaluator([(torch.tensor([[1.0], [3.0]]), torch.tensor([[1.0], [2.0]]))])
        {'mae': 0.5}
    """

    def __init__(self, names: Iterable[str]) -> None:
        if isinstance(names, str):
            raise InputTypeError(
                f"names is {names!r}", expected="several names", mend=f"pass ({names!r},)"
            )
        self.names = tuple(names)
        if not self.names or len(set(self.names)) < len(self.names):
            raise InputError(f"names is {self.names}", expected="one or more, each once")
        for name in self.names:
            if name not in _METRICS:
                raise unknown_name("metric", str(name), _METRICS)

    def __call__(self, parts: Sequence[Part]) -> dict[str, float]:
        """Return each metric under its name.

        Raises:
            InputError: If there are no rows, shapes differ, or a prediction is NaN.
        """
        for made, true in parts:
            if made.shape != true.shape or made.dim() != 2 or made.size(0) == 0:
                raise InputError(
                    f"predictions have shape {list(made.shape)} and targets {list(true.shape)}",
                    expected="the same shape [rows, columns], with rows",
                )
            if bool(made.isnan().any()):
                raise InputError(
                    f"{int(made.isnan().sum())} of {made.numel()} predictions are NaN",
                    expected="numbers",
                )
        if not parts:
            raise InputError("there is nothing to evaluate", expected="at least one part")
        detached = [(made.detach(), true) for made, true in parts]
        return {name: _METRICS[name][0](detached) for name in self.names}

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.names})"
