"""Metrics of predictions for whole graphs, sets and nodes, by name."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.metrics.ranking import area_under_roc, average_precision
from graphlearn.registry import unknown_name

Part = tuple[Tensor, Tensor]
"""Predictions and targets of one kind: both ``[rows, columns]``, or logits and a class a row."""


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


def _accuracy(parts: Sequence[Part]) -> float:
    right = [made.argmax(dim=1) == true[:, 0] for made, true in parts]
    return float(torch.cat(right).double().mean())


def _cross_entropy(parts: Sequence[Part]) -> float:
    losses = [
        torch.nn.functional.cross_entropy(made.double(), true[:, 0], reduction="none")
        for made, true in parts
    ]
    return float(torch.cat(losses).mean())


def _by_column(
    parts: Sequence[Part], name: str, measure: Callable[[Tensor, Tensor], float]
) -> float:
    """Mean over the columns with both a 0 and a 1 of a measure of ones' and zeros' scores."""
    values = []
    for made, true in parts:
        if not bool(((true == 0) | (true == 1) | true.isnan()).all()):
            raise InputError(f"{name} has targets beside 0 and 1", expected="bits")
        for scores, bits in zip(made.t(), true.t(), strict=True):
            ones, zeros = scores[bits == 1], scores[bits == 0]
            if ones.numel() and zeros.numel():
                values.append(measure(ones, zeros))
    if not values:
        raise InputError(
            f"{name} has targets of one kind alone", expected="both 0 and 1 in a column"
        )
    return math.fsum(values) / len(values)


def _auc(parts: Sequence[Part]) -> float:
    return _by_column(parts, "auc", partial(area_under_roc, ties="mean"))


def _ap(parts: Sequence[Part]) -> float:
    return _by_column(parts, "ap", partial(average_precision, ties="ogb"))


_METRICS: dict[str, tuple[Callable[[Sequence[Part]], float], bool]] = {
    # name: (function, whether lower is better)
    "mae": (_mae, True),
    "mse": (_mse, True),
    "log10-mse": (_log10_mse, True),
    "all-bits": (_all_bits, False),
    "accuracy": (_accuracy, False),
    "cross-entropy": (_cross_entropy, True),
    "auc": (_auc, False),
    "ap": (_ap, False),
}
_TAKES_GAPS = ("auc", "ap")
"""Those that leave out targets that are NaN."""
_OF_CLASSES = ("accuracy", "cross-entropy")
"""Those whose targets are one class a row, and whose predictions one logit a class."""


def metrics_of_classes(names: Iterable[str]) -> bool:
    """Whether the metrics compare classes with logits, rather than numbers with numbers.

    Args:
        names: Names of metrics.

    Raises:
        InputError: If some do and some do not.

    Example:
        >>> metrics_of_classes(["accuracy"]), metrics_of_classes(["mae", "mse"])
        (True, False)
    """
    names = list(names)
    kinds = {name in _OF_CLASSES for name in names}
    if len(kinds) > 1:
        raise InputError(
            f"metrics are {', '.join(names)}", expected="all of classes, or all of numbers"
        )
    return True in kinds


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
    column; ``"auc"``: area under the ROC curve of bits, ties counted as one half, mean over the
    columns that hold both a 0 and a 1, as OGB's evaluator takes it; ``"ap"``: average precision of
    bits, likewise, with scikit-learn's rule for ties; both leave out bits that are NaN;
    ``"accuracy"``: share of rows whose largest logit is that of their class; ``"cross-entropy"``:
    mean over the rows of minus the logarithm of their class's probability. Errors are added up in
    float64.

    Args:
        names: The metrics, each once.

    Shapes:
        - each part: predictions and targets, both ``[rows, columns]``; for metrics of classes
          logits ``[rows, classes]`` and int64 classes ``[rows, 1]``

    Raises:
        UnknownNameError: If a name is not a metric.
        InputTypeError: If ``names`` is a string.
        InputError: If ``names`` is empty, names a metric twice, or mixes metrics of classes with
            others.

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
        self.of_classes = metrics_of_classes(self.names)

    def __call__(self, parts: Sequence[Part]) -> dict[str, float]:
        """Return each metric under its name.

        Raises:
            InputError: If there are no rows, shapes differ, a prediction is NaN, or a target is
                and a metric cannot leave it out.
        """
        for made, true in parts:
            if self.of_classes:
                _check_classes(made, true)
            elif made.shape != true.shape or made.dim() != 2 or made.size(0) == 0:
                raise InputError(
                    f"predictions have shape {list(made.shape)} and targets {list(true.shape)}",
                    expected="the same shape [rows, columns], with rows",
                )
            leave_out = all(name in _TAKES_GAPS for name in self.names)
            if not leave_out and bool(true.isnan().any()):
                other = next(name for name in self.names if name not in _TAKES_GAPS)
                raise InputError(
                    f"{int(true.isnan().sum())} of {true.numel()} targets are NaN",
                    expected=f"numbers, for {other}",
                    mend=f"use {' or '.join(_TAKES_GAPS)}",
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


def _check_classes(made: Tensor, true: Tensor) -> None:
    fits = made.dim() == 2 and true.shape == (made.size(0), 1) and made.size(0) > 0
    if not fits or true.is_floating_point():
        raise InputError(
            f"logits have shape {list(made.shape)} and classes are {true.dtype} of shape "
            f"{list(true.shape)}",
            expected="logits [rows, classes] and int64 classes [rows, 1], with rows",
        )
    if not 0 <= int(true.min()) <= int(true.max()) < made.size(1):
        raise InputError(
            f"classes run from {int(true.min())} to {int(true.max())}",
            expected=f"classes in [0, {made.size(1)}), one a logit",
        )
