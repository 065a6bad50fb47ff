"""How one quantity goes with another over many nodes: correlations, groups, distributions."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphlearn.errors import InputError

Array = NDArray[Any]


class Correlation(NamedTuple):
    """A correlation coefficient and its interval.

    Args:
        value: The coefficient; NaN where one of the two does not vary.
        low: Lower end of the 95 % confidence interval.
        high: Upper end.
        size: How many pairs of values it is of.
    """

    value: float
    low: float
    high: float
    size: int


class Shift(NamedTuple):
    """How two samples of one quantity differ.

    Args:
        before: Mean of the first.
        after: Mean of the second.
        statistic: Largest difference of their cumulative distributions (Kolmogorov and Smirnov).
        p_value: Chance of one as large were they of one distribution.
        size: How many values each has.
    """

    before: float
    after: float
    statistic: float
    p_value: float
    size: int


class Group(NamedTuple):
    """Observations of about equal x.

    Args:
        x: Mean of their x.
        y: Mean of their y.
        error: Standard error of that.
        size: How many they are.
    """

    x: float
    y: float
    error: float
    size: int


def pearson(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Pearson's correlation, with Fisher's interval.

    Args:
        x: One value an observation.
        y: The other.

    Shapes:
        - **x**, **y**: ``[n]``

    Raises:
        InputError: If lengths differ, there are fewer than four, or a value is not finite.

    Example:
        >>> round(pearson([1, 2, 3, 4], [2, 4, 6, 9]).value, 3)
        0.994
    """
    first, second = _check(x, y)
    return _interval(_coefficient(first, second), len(first), 1.0)


def spearman(x: ArrayLike, y: ArrayLike) -> Correlation:
    """Spearman's rank correlation; equal values share their mean rank.

    The interval is that of Bonett and Wright (2000), Fisher's with the variance
    ``(1 + r^2 / 2) / (n - 3)``.

    Args:
        x: One value an observation.
        y: The other.

    Shapes:
        - **x**, **y**: ``[n]``

    Raises:
        InputError: If lengths differ, there are fewer than four, or a value is not finite.

    Example:
        >>> spearman([1, 2, 3, 4], [1, 8, 27, 64]).value
        1.0
    """
    import scipy.stats  # takes half a second, and few ask for ranks

    first, second = _check(x, y)
    value = _coefficient(scipy.stats.rankdata(first), scipy.stats.rankdata(second))
    return _interval(value, len(first), 1 + value**2 / 2)


def grouped_means(x: ArrayLike, y: ArrayLike, groups: int = 10) -> list[Group]:
    """Means of y over groups of about as many observations each, ordered by x.

    Observations of equal x are never parted: where many share one x there are fewer groups.

    Args:
        x: What orders the observations.
        y: What is averaged.
        groups: Most groups.

    Shapes:
        - **x**, **y**: ``[n]``

    Raises:
        InputError: If lengths differ, there are fewer than four, a value is not finite, or
            ``groups`` is below 1.

    Example:
        >>> [group.y for group in grouped_means([3, 1, 2, 4], [30, 10, 20, 40], groups=2)]
        [15.0, 35.0]
    """
    first, second = _check(x, y)
    if groups < 1:
        raise InputError(f"groups is {groups}", expected="at least 1")
    edges = np.unique(np.quantile(first, np.linspace(0, 1, groups + 1)[1:-1], method="lower"))
    which = np.searchsorted(edges, first, side="left")
    found = []
    for group in np.unique(which):
        own, values = first[which == group], second[which == group]
        error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
        found.append(Group(float(own.mean()), float(values.mean()), float(error), len(values)))
    return found


def distribution_shift(before: ArrayLike, after: ArrayLike) -> Shift:
    """Compare two samples.

    Args:
        before: One sample.
        after: The other, of the same observations.

    Shapes:
        - **before**, **after**: ``[n]``

    Raises:
        InputError: If lengths differ, there are fewer than four, or a value is not finite.

    Example:
        >>> distribution_shift([1, 2, 3, 4], [1, 2, 3, 4]).statistic
        0.0
    """
    import scipy.stats

    first, second = _check(before, after)
    test = scipy.stats.ks_2samp(first, second)
    return Shift(
        float(first.mean()), float(second.mean()), float(test.statistic), float(test.pvalue),
        len(first),
    )  # fmt: skip


def _coefficient(x: Array, y: Array) -> float:
    x, y = x - x.mean(), y - y.mean()
    scale = math.sqrt(float(x @ x) * float(y @ y))
    return max(-1.0, min(1.0, float(x @ y) / scale)) if scale > 0 else math.nan


def _interval(value: float, count: int, variance: float) -> Correlation:
    if math.isnan(value) or abs(value) == 1:
        return Correlation(value, value, value, count)
    half = 1.959964 * math.sqrt(variance / (count - 3))
    middle = math.atanh(value)
    return Correlation(value, math.tanh(middle - half), math.tanh(middle + half), count)


def _check(x: ArrayLike, y: ArrayLike) -> tuple[Array, Array]:
    first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise InputError(
            f"the two have shapes {list(first.shape)} and {list(second.shape)}",
            expected="[n] both",
        )
    if len(first) < 4:
        raise InputError(f"there are {len(first)} observations", expected="at least 4")
    if not (np.isfinite(first).all() and np.isfinite(second).all()):
        raise InputError("a value is NaN or infinite", expected="finite values")
    return first, second
