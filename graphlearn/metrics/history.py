"""What a training run reports: one record an epoch, one result at the end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from graphlearn.errors import InputError
from graphlearn.metrics.prediction import lower_is_better


@dataclass(frozen=True)
class EpochRecord:
    """What one epoch gave.

    Args:
        epoch: Its number, from 1.
        loss: Mean over its batches.
        valid: Metrics on the validation data; empty if this epoch was not evaluated.
        test: Metrics on the test data; likewise.
        train_seconds: Time of the training batches.
        evaluation_seconds: Time of scoring and of the metrics.

    Example:
        >>> EpochRecord(1, 0.7, {"auc": 0.9}, {"auc": 0.8}, 0.4, 0.1).valid["auc"]
        0.9
    """

    epoch: int
    loss: float
    valid: dict[str, float]
    test: dict[str, float]
    train_seconds: float
    evaluation_seconds: float

    def as_dict(self) -> dict[str, Any]:
        """Return the record as plain values, for JSON."""
        return asdict(self)


@dataclass(frozen=True)
class FitResult:
    """What a run gave; every metric at its own best validation epoch.

    Where nothing may choose an epoch, as for a fold of a cross-validation that has no validation
    part, "best" is the last epoch.

    Args:
        seed: The seed it was trained with.
        best_epoch: Best validation epoch of the first metric: the epoch of the model's weights.
        valid: Each metric's best validation value.
        test: Each metric's test value at its best validation epoch.
        history: One record for every epoch, those before a resume included.
        seconds: Time of training and evaluation, summed over the history.
        best_epochs: Best validation epoch of each metric.

    Example:
        >>> record = EpochRecord(1, 0.7, {"auc": 0.9}, {"auc": 0.8}, 0.5, 0.25)
        >>> result = summarize(0, [record])
        >>> result.best_epoch, result.test, result.seconds
        (1, {'auc': 0.8}, 0.75)
    """

    seed: int
    best_epoch: int
    valid: dict[str, float]
    test: dict[str, float]
    history: list[EpochRecord] = field(repr=False)
    seconds: float
    best_epochs: dict[str, int]


def best_record(history: Sequence[EpochRecord], metric: str) -> EpochRecord | None:
    """Return the record of the best validation epoch, the first among equals, or None.

    Args:
        history: Records in the order of their epochs.
        metric: Which metric decides; :func:`graphlearn.metrics.lower_is_better` says which way.

    Example:
        >>> values = (0.5, 0.9, 0.9)
        >>> records = [EpochRecord(i, 0.0, {"auc": v}, {}, 0, 0) for i, v in enumerate(values, 1)]
        >>> best_record(records, "auc").epoch
        2
    """
    evaluated = [record for record in history if metric in record.valid]
    sign = -1 if lower_is_better(metric) else 1
    # max() keeps the first of equal items.
    return max(evaluated, key=lambda record: sign * record.valid[metric], default=None)


def has_run_out_of_patience(
    history: Sequence[EpochRecord], metric: str, patience: int | None
) -> bool:
    """Say whether ``patience`` epochs up to the last evaluation brought no better result.

    Args:
        history: Records in the order of their epochs.
        metric: Which metric decides.
        patience: Epochs to wait for an improvement; None waits for ever.

    Example:
        >>> values = (0.5, 0.9, 0.9)
        >>> records = [EpochRecord(i, 0.0, {"auc": v}, {}, 0, 0) for i, v in enumerate(values, 1)]
        >>> has_run_out_of_patience(records, "auc", 1), has_run_out_of_patience(records, "auc", 2)
        (True, False)
    """
    evaluated = [record for record in history if metric in record.valid]
    best = best_record(evaluated, metric)
    if patience is None or best is None:
        return False
    return evaluated[-1].epoch - best.epoch >= patience


def plateaus(history: Sequence[EpochRecord], metric: str, patience: int) -> int:
    """Count how often more than ``patience`` epochs on end brought no better validation result.

    After each such time the waiting begins anew, as in torch's ``ReduceLROnPlateau``.

    Args:
        history: Records in the order of their epochs.
        metric: Which metric decides.
        patience: Epochs to wait.

    Example:
        >>> values = (0.5, 0.9, 0.9, 0.8, 0.9, 0.7)
        >>> records = [EpochRecord(i, 0.0, {"auc": v}, {}, 0, 0) for i, v in enumerate(values, 1)]
        >>> plateaus(records, "auc", 1), plateaus(records, "auc", 3)
        (2, 1)
    """
    sign = -1 if lower_is_better(metric) else 1
    best, since, count = -math.inf, 0, 0
    for record in history:
        if metric not in record.valid:
            continue
        value = sign * record.valid[metric]
        if value > best:
            best, since = value, record.epoch
        elif record.epoch - since > patience:
            count, since = count + 1, record.epoch
    return count


def summarize(
    seed: int,
    history: Sequence[EpochRecord],
    *,
    keeps_last: bool = False,
    select_by: str | None = None,
) -> FitResult:
    """Make the result of a run from its records.

    A test metric ``"name/part"``, of a further test set, is taken at the best epoch of ``"name"``.

    Args:
        seed: The seed it was trained with.
        history: One record for every epoch.
        keeps_last: Whether to take the last evaluated epoch rather than the best ones.
        select_by: The metric that chooses one epoch for all of them; None lets each choose its own.

    Raises:
        InputError: If no epoch was evaluated.

    Example:
        >>> first = EpochRecord(1, 0.7, {"auc": 0.9, "mrr": 0.1}, {"auc": 0.8, "mrr": 0.2}, 1, 0)
        >>> second = EpochRecord(2, 0.6, {"auc": 0.7, "mrr": 0.3}, {"auc": 0.6, "mrr": 0.4}, 1, 0)
        >>> summarize(0, [first, second]).test
        {'auc': 0.8, 'mrr': 0.4}
    """
    metrics = next((list(record.valid) for record in history if record.valid), [])
    choices = [record for record in history if record.valid][-1:] if keeps_last else history
    best = {metric: best_record(choices, select_by or metric) for metric in metrics}
    found = {metric: record for metric, record in best.items() if record is not None}
    if not found:
        raise InputError("no epoch was evaluated", expected="at least one")
    return FitResult(
        seed=seed,
        best_epoch=found[metrics[0]].epoch,
        valid={metric: record.valid[metric] for metric, record in found.items()},
        test={
            name: record.test[name]
            for metric, record in found.items()
            for name in record.test
            if name.partition("/")[0] == metric
        },
        history=list(history),
        seconds=sum(record.train_seconds + record.evaluation_seconds for record in history),
        best_epochs={metric: record.epoch for metric, record in found.items()},
    )
