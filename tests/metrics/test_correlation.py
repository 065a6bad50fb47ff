from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.stats

from graphlearn.errors import InputError, InputTypeError
from graphlearn.metrics.correlation import (
    Correlation,
    Group,
    Shift,
    grouped_means,
    paired_shift,
    pearson,
    spearman,
)


def drawn(seed: int = 0, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=count)
    return x, 0.6 * x + rng.normal(size=count).round(1)


def test_pearson_is_scipys_with_its_interval() -> None:
    x, y = drawn()
    theirs = scipy.stats.pearsonr(x, y)
    found = pearson(x, y)
    assert isinstance(found, Correlation)
    np.testing.assert_allclose(found[:3], (theirs.statistic, *theirs.confidence_interval(0.95)))
    assert found.size == 200


def test_spearman_is_scipys_and_has_a_wider_interval() -> None:
    x, y = drawn()
    found = spearman(x.round(1), y)
    assert found.value == pytest.approx(scipy.stats.spearmanr(x.round(1), y).statistic)
    plain = pearson(scipy.stats.rankdata(x.round(1)), scipy.stats.rankdata(y))
    assert found.low < plain.low < found.value < plain.high < found.high


def test_the_interval_holds_the_true_value_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    true, inside = 0.5, 0
    for _ in range(400):
        x = rng.normal(size=60)
        found = pearson(x, true * x + math.sqrt(1 - true**2) * rng.normal(size=60))
        inside += found.low <= true <= found.high
    assert 0.92 <= inside / 400 <= 0.98


def test_what_does_not_vary_has_no_correlation() -> None:
    assert math.isnan(pearson([1, 1, 1, 1], [1, 2, 3, 4]).value)
    assert math.isnan(spearman([1, 2, 3, 4], [2, 2, 2, 2]).value)
    assert math.isnan(pearson([0.1] * 6, [1, 2, 3, 4, 5, 6]).value)
    assert pearson([1e200, 2e200, 3e200, 5e200], [1, 2, 3, 5]).value == pytest.approx(1)
    assert pearson([1, 2, 3, 4], [4, 3, 2, 1]) == Correlation(-1, -1, -1, 4)


def test_groups_are_of_about_one_size_and_do_not_part_equals() -> None:
    x, y = drawn()
    groups = grouped_means(x, y, groups=10)
    assert all(isinstance(group, Group) for group in groups)
    assert [group.size for group in groups] == pytest.approx([20] * 10, abs=1)
    assert [group.x for group in groups] == sorted(group.x for group in groups)
    assert sum(g.y * g.size for g in groups) / 200 == pytest.approx(y.mean())
    tied = grouped_means([0] * 8 + [1, 2], list(range(10)), groups=5)
    assert tied[0].size == 8
    alone = grouped_means([0, 0, 0, 1], [1, 2, 3, 4], groups=2)
    assert math.isnan(alone[-1].error)
    assert len(grouped_means([1, 1, 1, 1], [1, 2, 3, 4])) == 1


def test_a_shift_is_of_pairs() -> None:
    x, y = drawn()
    theirs = scipy.stats.ttest_rel(x, y)
    assert paired_shift(x, y) == Shift(x.mean(), y.mean(), theirs.pvalue, 200)
    assert paired_shift(x, x).p_value == 1
    # A small change of every one is found where two samples would hide it.
    assert paired_shift(x, x + 0.05 + 0.01 * y).p_value < 1e-6


@pytest.mark.parametrize("function", [pearson, spearman, grouped_means, paired_shift])
def test_bad_input(function) -> None:
    with pytest.raises(InputError, match="there are 3 observations"):
        function([1, 2, 3], [1, 2, 3])
    with pytest.raises(InputError, match=r"shapes \[4\] and \[5\]"):
        function([1, 2, 3, 4], [1, 2, 3, 4, 5])
    with pytest.raises(InputError, match="NaN or infinite"):
        function([1, 2, 3, math.nan], [1, 2, 3, 4])
    with pytest.raises(InputTypeError, match="the values are no numbers"):
        function(["a", 1, 2, 3], [1, 2, 3, 4])
    with pytest.raises(InputTypeError, match="groups is 2.5"):
        grouped_means([1, 2, 3, 4], [1, 2, 3, 4], groups=2.5)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="groups is 0"):
        grouped_means([1, 2, 3, 4], [1, 2, 3, 4], groups=0)
