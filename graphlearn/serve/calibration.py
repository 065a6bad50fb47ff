"""From scores to probabilities, fitted on lists that nothing was learnt from.

A source's scores say which candidate is likelier, not how many links it will get. So a logistic
function (Platt's way) reads three numbers: the score, the logarithm of the sum of the list's
exponential scores, and the logarithm of the source's degree. Where there are enough links, an
isotonic function corrects its shape. Both rise with the score: no list changes its order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlearn.serve.lists import Lists, log_sums
from graphlearn.serve.quality import Examples
from graphlearn.serve.scorer import Scorer

_ENOUGH = 1_000  # links; scikit-learn advises against isotonic regression with fewer
_MOST_KNOTS = 1_000


@dataclass(frozen=True, eq=False)
class Calibration:
    """A logistic function, and knots of an isotonic one.

    Args:
        weights: Of score, list and degree, then the constant.
        knots: Logits, ascending; empty where there is no isotonic function.
        values: The probability at each.

    Shapes:
        - **weights**: ``[4]``; **knots**, **values**: ``[M]``, all float64

    Example:
        >>> none = torch.empty(0, dtype=torch.float64)
        >>> calibration = Calibration(torch.tensor([1.0, 0.0, 0.0, 0.0]).double(), none, none)
        >>> lists = Lists(torch.zeros(1).long(), torch.zeros(1).long(), torch.ones(1).long(), {},
        ...     torch.empty(1, 0), num_lists=1)
        >>> calibration(lists, torch.zeros(1), torch.ones(2).long()).tolist()
        [0.5]
    """

    weights: Tensor
    knots: Tensor
    values: Tensor

    def __call__(self, lists: Lists, score: Tensor, degree: Tensor) -> Tensor:
        """A probability for each candidate, ``[K]`` float64.

        Args:
            lists: Whole lists.
            score: Of every candidate in them.
            degree: How many neighbors each node has.

        Shapes:
            - **score**: ``[K]``; **degree**: ``[N]``
        """
        logit = calibration_inputs(lists, score, degree) @ self.weights[:3] + self.weights[3]
        if self.knots.numel() == 0:
            return torch.sigmoid(logit)
        value = np.interp(logit.numpy(), self.knots.numpy(), self.values.numpy())
        return torch.from_numpy(value)


def calibration_inputs(lists: Lists, score: Tensor, degree: Tensor) -> Tensor:
    """Score, logarithm of the list's sum, logarithm of the degree: ``[K, 3]`` float64.

    Shapes:
        - **score**: ``[K]``; **degree**: ``[N]``
    """
    wide = score.double()
    whole = log_sums(wide, lists.place, lists.num_lists)[lists.place]
    return torch.stack([wide, whole, degree[lists.source].double().log1p()], dim=1)


def calibrate(scorer: Scorer, examples: Examples, degree: Tensor) -> Calibration:
    """Fit a scorer's probabilities.

    Args:
        scorer: What gives scores.
        examples: Lists that it has not learnt from.
        degree: How many neighbors each node has there.

    Shapes:
        - **degree**: ``[N]``
    """
    from sklearn.isotonic import IsotonicRegression
    from sklearn.linear_model import LogisticRegression

    none = torch.empty(0, dtype=torch.float64)
    found = examples.found.numpy()
    share = float(found.mean()) if found.size else 0.0
    if not 0.0 < share < 1.0:  # nothing to tell apart: the same probability for all
        share = min(max(share, 1e-6), 1 - 1e-6)
        constant = torch.tensor([0.0, 0.0, 0.0, float(np.log(share / (1 - share)))])
        return Calibration(constant.double(), none, none)
    score = scorer(examples.lists)
    inputs = calibration_inputs(examples.lists, score, degree).numpy()
    fitted = LogisticRegression(C=1e3, max_iter=1000).fit(inputs, found)
    weights = [*fitted.coef_[0].tolist(), float(fitted.intercept_[0])]
    if weights[0] <= 0:  # it would turn lists around: what is best must stay likeliest
        alone = LogisticRegression(C=1e3, max_iter=1000).fit(inputs[:, :1], found)
        weights = [max(float(alone.coef_[0, 0]), 0.0), 0.0, 0.0, float(alone.intercept_[0])]
    logit = inputs @ np.array(weights[:3]) + weights[3]
    if found.sum() < _ENOUGH:
        return Calibration(torch.tensor(weights, dtype=torch.float64), none, none)
    step = IsotonicRegression(out_of_bounds="clip").fit(logit, found)
    knots, values = _thinned(step.X_thresholds_, step.y_thresholds_)
    return Calibration(torch.tensor(weights, dtype=torch.float64), knots, values)


def _thinned(knots: np.ndarray, values: np.ndarray) -> tuple[Tensor, Tensor]:
    if len(knots) > _MOST_KNOTS:
        kept = np.unique(np.linspace(0, len(knots) - 1, _MOST_KNOTS).astype(int))
        knots, values = knots[kept], values[kept]
    # Never a plain yes or no: both would be more than any number of examples can say.
    values = np.clip(values, 1e-6, 1 - 1e-6)
    return torch.from_numpy(knots.astype(np.float64)), torch.from_numpy(values.astype(np.float64))


def calibration_error(probability: Tensor, found: Tensor, bins: int = 10) -> float:
    """Mean gap between probabilities and what came true, over tenths of the candidates.

    Shapes:
        - **probability**, **found**: ``[K]``

    Example:
        >>> calibration_error(torch.full((4,), 0.25), torch.arange(4) == 0, bins=1)
        0.0
    """
    if probability.numel() == 0:
        return 0.0
    order = torch.argsort(probability, stable=True)
    gaps = [
        abs(float(probability[part].mean()) - float(found[part].double().mean())) * part.numel()
        for part in torch.chunk(order, bins)
    ]
    return sum(gaps) / probability.numel()
