"""Hits@K, mean reciprocal rank, area under ROC and average precision, exact on ties.

Each takes the scores of true and of false links, higher meaning likelier, and returns a float in
[0, 1], higher meaning better. What cannot be ranked raises: NaN scores, empty sets, fewer negatives
than K. The rules for ties are those of :mod:`graphlearn.metrics.ties`.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.metrics.scores import ScoresLike, check_score_pair
from graphlearn.metrics.ties import Standing, TieRule, check_tie_rule, standing


def hits_at_k(
    positive: ScoresLike, negative: ScoresLike, k: int, *, ties: TieRule = "pessimistic"
) -> float:
    r"""Share of the positives with fewer than ``k`` of the pooled negatives ahead of them.

    .. math:: \frac{1}{P} \sum_{i=1}^{P} \left[ 1 + \mathrm{ahead}_i \le k \right]

    Args:
        positive: Scores of the true links.
        negative: Scores of the false links, the same for every positive.
        k: How many ranks count as a hit, ``1 <= k <= Q``.
        ties: ``"pessimistic"`` asks for a score strictly above the k-th best negative, which is
            OGB's rule (``"ogb"``); ``"optimistic"`` for one at least as high.

    Shapes:
        - positive: ``[P]``
        - negative: ``[Q]``

    Raises:
        InputError: If ``k`` is not in [1, Q], a score is NaN, or a set is empty.
        InputTypeError: If ``k`` is not an integer or the scores are no real numbers.
        UnknownNameError: If ``ties`` is not a rule.

    Example:
        >>> positive, negative = torch.tensor([0.9, 0.5, 0.1]), torch.tensor([0.7, 0.5, 0.3])
        >>> round(hits_at_k(positive, negative, k=2), 4)
        0.3333
        >>> round(hits_at_k(positive, negative, k=2, ties="optimistic"), 4)
        0.6667
    """
    ties = check_tie_rule(ties)
    k = check_k(k)
    return hits_from(standing(*check_score_pair(positive, negative)), k, ties)


def mean_reciprocal_rank(
    positive: ScoresLike, negative: ScoresLike, *, ties: TieRule = "pessimistic"
) -> float:
    r"""Mean of one over each positive's rank among its negatives.

    .. math:: \frac{1}{P} \sum_{i=1}^{P} \frac{1}{1 + \mathrm{ahead}_i}

    Args:
        positive: Scores of the true links.
        negative: Scores of the false links: pooled, or a row of its own for each positive.
        ties: ``"mean"`` gives a positive the mean of its best and its worst rank, which is OGB's
            rule (``"ogb"``).

    Shapes:
        - positive: ``[P]``
        - negative: ``[Q]`` or ``[P, Q]``

    Raises:
        InputError: If a score is NaN, a set is empty, or the rows are not one for each positive.
        InputTypeError: If the scores are no real numbers.
        UnknownNameError: If ``ties`` is not a rule.

    Example:
        >>> positive, negative = torch.tensor([3, 1]), torch.tensor([[2, 1, 0], [2, 1, 0]])
        >>> round(mean_reciprocal_rank(positive, negative), 4)  # ranks 1 and 3
        0.6667
        >>> mean_reciprocal_rank(positive, negative, ties="mean")  # ranks 1 and 2.5
        0.7
    """
    ties = check_tie_rule(ties)
    return reciprocal_rank_from(
        standing(*check_score_pair(positive, negative, allow_rows=True)), ties
    )


def area_under_roc(
    positive: ScoresLike, negative: ScoresLike, *, ties: TieRule = "pessimistic"
) -> float:
    r"""Probability that a positive, drawn at random, stands ahead of a random negative.

    .. math:: 1 - \frac{1}{PQ} \sum_{i=1}^{P} \mathrm{ahead}_i

    Args:
        positive: Scores of the true links.
        negative: Scores of the false links.
        ties: ``"mean"`` counts a tie as half, as the area under the ROC curve does in scikit-learn
            and in OGB (``"ogb"``). Under the default a constant score earns 0, not one half.

    Shapes:
        - positive: ``[P]``
        - negative: ``[Q]``

    Raises:
        InputError: If a score is NaN or a set is empty.
        InputTypeError: If the scores are no real numbers.
        UnknownNameError: If ``ties`` is not a rule.

    Example:
        >>> positive, negative = torch.tensor([3, 1]), torch.tensor([2, 1])
        >>> area_under_roc(positive, negative), area_under_roc(positive, negative, ties="mean")
        (0.5, 0.625)
    """
    ties = check_tie_rule(ties)
    return area_from(standing(*check_score_pair(positive, negative)), ties)


def average_precision(
    positive: ScoresLike, negative: ScoresLike, *, ties: TieRule = "pessimistic"
) -> float:
    r"""Mean, over the positives from best to worst, of the precision down to each of them.

    .. math:: \frac{1}{P} \sum_{i=1}^{P} \frac{i}{i + \mathrm{ahead}_i}

    Args:
        positive: Scores of the true links.
        negative: Scores of the false links.
        ties: ``"ogb"`` lets all links of one score in at once, as scikit-learn's
            ``average_precision_score`` does, on which OGB relies: each positive then gets the
            precision at the end of its group, which can exceed the optimistic value.

    Shapes:
        - positive: ``[P]``
        - negative: ``[Q]``

    Raises:
        InputError: If a score is NaN or a set is empty.
        InputTypeError: If the scores are no real numbers.
        UnknownNameError: If ``ties`` is not a rule.

    Example:
        >>> positive, negative = torch.tensor([3, 1]), torch.tensor([2, 1])
        >>> average_precision(positive, negative), average_precision(positive, negative, ties="ogb")
        (0.75, 0.75)
    """
    ties = check_tie_rule(ties)
    positive, negative = check_score_pair(positive, negative)
    return precision_from(positive, standing(positive, negative), ties)


# The same from counts at hand, so that several metrics of the same scores sort them once.


def check_k(k: Any) -> int:
    """Return ``k`` as an int, or raise unless it is an integer >= 1.

    Example:
        >>> check_k(100)
        100
    """
    if isinstance(k, bool) or not hasattr(k, "__index__"):
        raise InputTypeError(f"k is {k!r}", expected="an integer >= 1")
    if int(k) < 1:
        raise InputError(f"k is {int(k)}", expected="an integer >= 1")
    return int(k)


def hits_from(counts: Standing, k: int, ties: TieRule) -> float:
    """Return Hits@k from the counts of :func:`~graphlearn.metrics.ties.standing`.

    Example:
        >>> hits_from(standing(torch.tensor([2, 0]), torch.tensor([1, 1])), 1, "pessimistic")
        0.5
    """
    if k > counts.num_negatives:
        # OGB's evaluator calls this a perfect score.
        raise InputError(
            f"k is {k} with {counts.num_negatives} negatives",
            expected="at least k negatives",
            mend="score more negatives, or lower k",
        )
    rank = 1 + counts.ahead("pessimistic" if ties == "ogb" else ties)
    return _mean((rank <= k).double())


def reciprocal_rank_from(counts: Standing, ties: TieRule) -> float:
    """Return the mean reciprocal rank from the counts.

    Example:
        >>> reciprocal_rank_from(standing(torch.tensor([2, 0]), torch.tensor([1])), "mean")
        0.75
    """
    return _mean(1 / (1 + counts.ahead("mean" if ties == "ogb" else ties)))


def area_from(counts: Standing, ties: TieRule) -> float:
    """Return the area under ROC from the counts.

    Example:
        >>> area_from(standing(torch.tensor([2, 0]), torch.tensor([1])), "mean")
        0.5
    """
    ahead = counts.ahead("mean" if ties == "ogb" else ties)
    # Multiples of one half below 2**52: the sum is exact, and so is the rounding of the quotient.
    pairs = ahead.numel() * counts.num_negatives
    return (pairs - float(ahead.sum())) / pairs


def precision_from(positive: Tensor, counts: Standing, ties: TieRule) -> float:
    """Return the average precision from the positives' scores and the counts.

    Example:
        >>> positive = torch.tensor([2, 0])
        >>> precision_from(positive, standing(positive, torch.tensor([1, -1])), "mean")
        0.8333333333333333
    """
    ordered, order = positive.sort(descending=True)
    place = torch.arange(1, positive.numel() + 1, dtype=torch.float64, device=positive.device)
    if ties == "ogb":
        # The end of the group of equal positives: how many have this score or a higher one.
        worse = torch.searchsorted(ordered.flip(0), ordered, side="left")
        place, ties = (positive.numel() - worse).double(), "pessimistic"
    return _mean(place / (place + counts.ahead(ties)[order]))


def _mean(values: Tensor) -> float:
    return float(values.mean())
