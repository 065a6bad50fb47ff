"""From scores to probabilities, fitted on lists of all nodes that would be served.

A source's scores say which candidate is likelier, not how many links it will get. So a logistic
function (Platt's way) reads the score, the logarithm of the sum of the list's exponential scores,
the logarithm of the source's degree, and where there are times how lately it was active. Where
there are enough links, an isotonic function corrects its shape. Both rise with the score: no list
changes its order.

What is served is fitted to the lists of the last part, which nothing was learnt from or chosen by.
Its error is not measured on them: it is that of a function fitted to the part before, by which the
scorer was chosen. Both know fewer links than what is served. On a random split, where links that a
later part holds out count as none in an earlier one, high probabilities are rather too low.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.serve.lists import Lists, log_sums
from graphlearn.serve.served import ServedLists
from graphlearn.serve.snapshot import Snapshot

_ENOUGH = 1_000  # links; scikit-learn advises against isotonic regression with fewer
_FEW = 20  # links: with fewer, only the score is read
_MOST_KNOTS = 1_000
_LEAST, _MOST = 1e-6, 1 - 1e-6

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Calibration:
    """A logistic function, and knots of an isotonic one.

    Args:
        weights: Of score, list, degree and, where there are times, activity; then the constant.
        knots: Logits, ascending; empty where there is no isotonic function.
        values: The probability at each.

    Shapes:
        - **weights**: ``[4]``, with times ``[5]``; **knots**, **values**: ``[M]``, all float64

    Example:
        >>> none = torch.empty(0, dtype=torch.float64)
        >>> calibration = Calibration(torch.tensor([1.0, 0.0, 0.0, 0.0]).double(), none, none)
        >>> pair = Snapshot(torch.tensor([0, 1, 2]), torch.tensor([1, 0]))
        >>> lists = Lists(torch.zeros(1).long(), torch.zeros(1).long(), torch.ones(1).long(), {},
        ...     torch.empty(1, 0), num_lists=1)
        >>> calibration(lists, torch.zeros(1), pair).tolist()
        [0.5]
    """

    weights: Tensor
    knots: Tensor
    values: Tensor

    def __call__(
        self, lists: Lists, score: Tensor, state: Snapshot, whole: Tensor | None = None
    ) -> Tensor:
        """A probability for each candidate, ``[K]`` float64.

        Rounded to six digits: sums of exponentials differ in their last bits with the number of
        candidates that are computed at a time.

        Args:
            lists: Whole lists.
            score: Of every candidate in them.
            state: What is known.
            whole: What :func:`list_sums` gave for each list, where these are parts of lists.

        Shapes:
            - **score**: ``[K]``; **whole**: ``[num_lists]``
        """
        inputs = calibration_inputs(lists, score, state, whole).numpy()
        logit = inputs @ self.weights[:-1].numpy() + float(self.weights[-1])
        if self.knots.numel() == 0:
            return torch.from_numpy(_rounded(1.0 / (1.0 + np.exp(-np.clip(logit, -700, 700)))))
        value = np.interp(logit, self.knots.numpy(), self.values.numpy())
        return torch.from_numpy(_rounded(value))


def list_sums(lists: Lists, score: Tensor) -> Tensor:
    """The logarithm of the sum of each list's exponential scores, ``[num_lists]`` float64.

    Shapes:
        - **score**: ``[K]``

    Example:
        >>> zero = torch.zeros(1, dtype=torch.int64)
        >>> lists = Lists(zero, zero, zero + 1, {}, torch.empty(1, 0), num_lists=1)
        >>> list_sums(lists, torch.tensor([2.0])).tolist()
        [2.0]
    """
    return log_sums(score.double(), lists.place, lists.num_lists)


def calibration_inputs(
    lists: Lists, score: Tensor, state: Snapshot, whole: Tensor | None = None
) -> Tensor:
    """Score, list, degree and, where there are times, activity: ``[K, 3]`` or ``[K, 4]`` float64.

    Shapes:
        - **score**: ``[K]``; **whole**: ``[num_lists]``
    """
    if whole is None:
        whole = list_sums(lists, score)
    source = lists.source
    columns = [score.double(), whole[lists.place], state.degree[source].double().log1p()]
    if state.recency is not None:
        columns.append(state.recency.lately()[source].double())
    return torch.stack(columns, dim=1)


def calibrate(served: ServedLists, state: Snapshot) -> Calibration:
    """Fit probabilities to what came true.

    Args:
        served: Lists of nodes that stand for all that are served.
        state: What was known.
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    none = torch.empty(0, dtype=torch.float64)
    weight = served.weights.numpy()
    counted = weight > 0
    found, weight = served.found.numpy()[counted], weight[counted]
    inputs = calibration_inputs(served.lists, served.score, state).numpy()[counted]
    hits = int(found.sum())
    constant = np.zeros(inputs.shape[1] + 1)
    # As if half a link had been found, and half a candidate been none, besides.
    share = (float(weight[found].sum()) + 0.5) / (float(weight.sum()) + 1.0)
    constant[-1] = np.log(share / (1 - share))
    if hits == 0 or hits == found.size:  # nothing to tell apart: the same probability for all
        return Calibration(torch.from_numpy(constant), none, none)
    # A penalty draws the weights to 0, as a single link would: it is nothing where there are many.
    weight = weight * (hits / float(weight[found].sum()))
    mean = np.average(inputs, axis=0, weights=weight)
    spread = np.sqrt(np.average((inputs - mean) ** 2, axis=0, weights=weight))
    spread[spread < 1e-9] = 1.0
    scaled = (inputs - mean) / spread
    target = found.astype(np.float64)
    if hits < _ENOUGH:
        # Platt's targets: as if there were one more of each kind. Hardly any link proves nothing.
        none_found = float(weight[~found].sum())
        target = np.where(found, (hits + 1) / (hits + 2), 1 / (none_found + 2))
    weights = constant
    # First with all numbers, then with the score alone: what is best must stay likeliest.
    for columns in [inputs.shape[1], 1][hits < _FEW :]:
        fitted = _fitted(LogisticRegression, scaled[:, :columns], target, weight)
        if fitted.coef_[0, 0] > 0:
            factor = np.zeros(inputs.shape[1])
            factor[:columns] = fitted.coef_[0] / spread[:columns]
            weights = np.append(factor, float(fitted.intercept_[0]) - float(factor @ mean))
            break
    if hits < _ENOUGH:
        return Calibration(torch.from_numpy(weights), none, none)
    logit = inputs @ weights[:-1] + weights[-1]
    step = IsotonicRegression(out_of_bounds="clip").fit(logit, found, sample_weight=weight)
    knots, values = _thinned(step.X_thresholds_, step.y_thresholds_)
    return Calibration(torch.from_numpy(weights), knots, values)


def _fitted(kind: Any, inputs: Floats, target: Floats, weight: Floats) -> Any:
    """A logistic regression to shares: each row counts in part as a link and in part as none."""
    shares = [target, 1 - target]
    rows = [part > 0 for part in shares]
    return kind(C=1.0, max_iter=1000).fit(
        np.concatenate([inputs[some] for some in rows]),
        np.repeat([True, False], [int(some.sum()) for some in rows]),
        sample_weight=np.concatenate(
            [(weight * part)[some] for part, some in zip(shares, rows, strict=True)]
        ),
    )


def _rounded(chance: Floats) -> Floats:
    chance = np.clip(chance, _LEAST, _MOST)
    scale = 10.0 ** (5 - np.floor(np.log10(chance)))
    rounded: Floats = np.round(chance * scale) / scale
    return rounded


def _thinned(knots: Floats, values: Floats) -> tuple[Tensor, Tensor]:
    if len(knots) > _MOST_KNOTS:
        kept = np.unique(np.linspace(0, len(knots) - 1, _MOST_KNOTS).astype(int))
        knots, values = knots[kept], values[kept]
    # Never a plain yes or no: both would be more than any number of examples can say.
    values = np.clip(values, _LEAST, _MOST)
    return torch.from_numpy(knots.astype(np.float64)), torch.from_numpy(values.astype(np.float64))


def calibration_tenths(
    probability: Tensor, found: Tensor, weight: Tensor | None = None, bins: int = 10
) -> list[tuple[float, float]]:
    """Mean probability and what came true, by tenths of the candidates from the least likely.

    Args:
        probability: Of each candidate.
        found: Whether it is a link.
        weight: How many it stands for; 1 if None.
        bins: How many parts.

    Shapes:
        - **probability**, **found**, **weight**: ``[K]``

    Example:
        >>> calibration_tenths(torch.tensor([0.5, 0.25]), torch.tensor([True, False]), bins=2)
        [(0.25, 0.0), (0.5, 1.0)]
    """
    chance, came = probability.double().numpy(), found.double().numpy()
    each = np.ones_like(chance) if weight is None else weight.double().numpy()
    order = np.argsort(chance, kind="stable")
    order = order[each[order] > 0]
    chance, came, each = chance[order], came[order], each[order]
    middle = np.cumsum(each) - each / 2
    part = (bins * middle / max(float(each.sum()), 1e-300)).astype(int)
    return [
        (float(np.average(chance[mine], weights=each[mine])),
         float(np.average(came[mine], weights=each[mine])))
        for mine in (part == number for number in range(bins))
        if mine.any()
    ]  # fmt: skip


def calibration_error(tenths: list[tuple[float, float]]) -> float:
    """Mean gap between probabilities and what came true.

    Args:
        tenths: What :func:`calibration_tenths` gave.

    Example:
        >>> calibration_error([(0.25, 0.5), (0.5, 0.5)])
        0.125
    """
    return sum(abs(chance - came) for chance, came in tenths) / max(1, len(tenths))
