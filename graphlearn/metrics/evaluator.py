"""Metrics by name, one or several of the same scores: ``hits@K``, ``mrr``, ``auc``, ``ap``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.metrics.ranking import (
    area_from,
    check_k,
    hits_from,
    precision_from,
    reciprocal_rank_from,
)
from graphlearn.metrics.scores import ScoresLike, check_score_pair
from graphlearn.metrics.ties import Standing, TieRule, check_tie_rule, standing
from graphlearn.registry import unknown_name

_NAMES = ("hits@K", "mrr", "auc", "ap")


class _Metric(NamedTuple):
    takes_rows: bool
    value: Callable[[Tensor, Standing, TieRule], float]


def _metric(name: Any) -> _Metric:
    if not isinstance(name, str):
        raise InputTypeError(f"metric is {name!r}", expected="a name: one of " + ", ".join(_NAMES))
    hits = re.fullmatch(r"hits@(0|[1-9][0-9]*)", name)
    if hits:
        k = check_k(int(hits[1]))
        return _Metric(False, lambda _, counts, ties: hits_from(counts, k, ties))
    if name == "mrr":
        return _Metric(True, lambda _, counts, ties: reciprocal_rank_from(counts, ties))
    if name == "auc":
        return _Metric(False, lambda _, counts, ties: area_from(counts, ties))
    if name == "ap":
        return _Metric(False, precision_from)
    raise unknown_name("metric", name, _NAMES)


def evaluate(
    name: str, positive: ScoresLike, negative: ScoresLike, *, ties: TieRule = "pessimistic"
) -> float:
    """Return one metric, chosen by name.

    Args:
        name: ``"hits@K"`` with any K, ``"mrr"``, ``"auc"`` or ``"ap"``.
        positive: Scores of the true links.
        negative: Scores of the false links.
        ties: The rule for equal scores, see :mod:`graphlearn.metrics.ties`.

    Shapes:
        - positive: ``[P]``
        - negative: ``[Q]``, or ``[P, Q]`` for ``"mrr"``

    Raises:
        UnknownNameError: If ``name`` is not a metric or ``ties`` not a rule.
        InputError: As the metric itself does.

    Example:
        >>> import torch
        >>> evaluate("hits@1", torch.tensor([0.9, 0.2]), torch.tensor([0.5, 0.1]))
        0.5
    """
    return LinkEvaluator((name,), ties=ties)(positive, negative)[name]


class LinkEvaluator:
    """Several metrics of the same scores, which are checked and sorted once.

    It keeps nothing between calls: scores of several batches are to be joined first, since a rank
    among all negatives is not a mean of ranks among some.

    Args:
        names: The metrics, as :func:`evaluate` takes them, each once.
        ties: The rule for equal scores, see :mod:`graphlearn.metrics.ties`.

    Shapes:
        - positive: ``[P]``
        - negative: ``[Q]``, or ``[P, Q]`` if ``"mrr"`` is the only metric

    Raises:
        UnknownNameError: If a name is not a metric or ``ties`` not a rule.
        InputTypeError: If ``names`` is a string, or holds anything else.
        InputError: If ``names`` is empty or names a metric twice.

    Example:
        >>> import torch
        >>> evaluator = LinkEvaluator(("hits@1", "mrr"))
        >>> evaluator(torch.tensor([0.9, 0.2]), torch.tensor([0.5, 0.1]))
        {'hits@1': 0.5, 'mrr': 0.75}
    """

    def __init__(self, names: Iterable[str], *, ties: TieRule = "pessimistic") -> None:
        if isinstance(names, str):
            raise InputTypeError(
                f"names is {names!r}", expected="several names", mend=f"pass ({names!r},)"
            )
        self.names = tuple(names)
        self.ties = check_tie_rule(ties)
        if not self.names:
            raise InputError("names is empty", expected="at least one metric")
        self._metrics = {name: _metric(name) for name in self.names}
        if len(self._metrics) < len(self.names):
            raise InputError(f"names is {self.names}", expected="each metric once")

    def __call__(self, positive: ScoresLike, negative: ScoresLike) -> dict[str, float]:
        """Return each metric under its name, in the order given to the constructor."""
        rows = all(metric.takes_rows for metric in self._metrics.values())
        positive, negative = check_score_pair(positive, negative, allow_rows=rows)
        counts = standing(positive, negative)
        return {
            name: metric.value(positive, counts, self.ties)
            for name, metric in self._metrics.items()
        }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.names}, ties={self.ties!r})"
