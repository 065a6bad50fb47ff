"""How one quantity goes with another over many nodes: correlations, groups, changes."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from graphlearn.errors import InputError, InputTypeError
from graphlearn.validate import check_size

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
    """How one quantity changes, observation by observation.

    Args:
        before: Its mean before.
        after: Its mean after.
        p_value: Chance of a mean change as large were there none (paired t-test).
        size: How many observations there are.
    """

    before: float
    after: float
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
    groups = check_size(groups, name="groups")
    edges = np.unique(np.quantile(first, np.linspace(0, 1, groups + 1)[1:-1], method="lower"))
    which = np.searchsorted(edges, first, side="left")
    found = []
    for group in np.unique(which):
        own, values = first[which == group], second[which == group]
        error = values.std(ddof=1) / math.sqrt(len(values)) if len(values) > 1 else math.nan
        found.append(Group(float(own.mean()), float(values.mean()), float(error), len(values)))
    return found


def paired_shift(before: ArrayLike, after: ArrayLike) -> Shift:
    """Compare one quantity before and after, of the same observations.

    Args:
        before: One value an observation.
        after: Its other value.

    Shapes:
        - **before**, **after**: ``[n]``

    Raises:
        InputError: If lengths differ, there are fewer than four, or a value is not finite.

    Example:
        >>> paired_shift([1, 2, 3, 4], [2, 3, 3, 5]).p_value < 0.05
        False
    """
    import scipy.stats

    first, second = _check(before, after)
    changed = bool(np.ptp(second - first) > 0)
    p_value = float(scipy.stats.ttest_rel(first, second).pvalue) if changed else 1.0
    return Shift(float(first.mean()), float(second.mean()), p_value, len(first))


def _coefficient(x: Array, y: Array) -> float:
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return math.nan
    # By the largest: squares of huge values overflow, those of tiny ones vanish.
    x, y = x / np.abs(x).max(), y / np.abs(y).max()
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
    try:
        first, second = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputTypeError(f"the values are no numbers ({error})", expected="numbers") from error
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
