from __future__ import annotations

import itertools
from collections import Counter

import numpy as np
import pytest
from scipy.stats import chi2, chisquare

from graphlearn.kernels.sample import cpu_draw, mix_keys

NOTHING = np.empty(0, np.int64)


def key_of(number: int) -> np.uint64:
    return np.uint64(mix_keys(number))


def bounds(size: int, rows: int, first: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """The same row many times: every repetition draws for itself."""
    return np.full(rows, first), np.full(rows, first + size)


def uniform_draws(
    size: int, count: int, rows: int, *, replace: bool = False, key: int = 0, first: int = 0
) -> np.ndarray:
    begin, end = bounds(size, rows, first)
    offset = np.empty(rows + 1, np.int64)
    cpu_draw.count_draws(begin, end, count, replace, NOTHING, offset)
    entry = np.empty(offset[-1], np.int64)
    cpu_draw.draw_uniform(begin, end, offset, count, replace, key_of(key), 0, entry)
    return entry.reshape(rows, -1)


def weighted_draws(
    weights: list[float], count: int, rows: int, *, replace: bool = False, key: int = 0
) -> np.ndarray:
    weight = np.array(weights, np.float64)
    total, positive = np.empty(len(weight)), np.empty(len(weight) + 1, np.int64)
    cpu_draw.running_weights(np.array([0, len(weight)]), weight, total, positive)
    begin, end = bounds(len(weight), rows)
    offset = np.empty(rows + 1, np.int64)
    cpu_draw.count_draws(begin, end, count, replace, positive, offset)
    entry = np.empty(offset[-1], np.int64)
    cpu_draw.draw_weighted(
        begin, end, offset, count, replace, weight, total, positive, key_of(key), 0, entry
    )
    return entry.reshape(rows, -1)


def assert_follows(found: Counter, probability: dict) -> None:
    """Chi-square of counts against probabilities; nothing impossible is found."""
    assert set(found) <= set(probability)
    draws = sum(found.values())
    observed = [found[outcome] for outcome in probability]
    assert chisquare(observed, [draws * p for p in probability.values()]).pvalue > 1e-3


def subsets(draws: np.ndarray) -> Counter:
    return Counter(map(tuple, np.sort(draws, axis=1).tolist()))


def one_after_another(weights: list[float], count: int) -> dict[tuple[int, ...], float]:
    """The chance of every set of draws, each in proportion to the weights that are left."""
    chance: dict[tuple[int, ...], float] = {}
    for order in itertools.permutations([i for i, w in enumerate(weights) if w > 0], count):
        left, p = sum(weights), 1.0
        for place in order:
            p *= weights[place] / left
            left = sum(w for i, w in enumerate(weights) if i not in order[: order.index(place) + 1])
        subset = tuple(sorted(order))
        chance[subset] = chance.get(subset, 0.0) + p
    return chance


# Random numbers #################################################################################


def test_streams_are_splitmix64() -> None:
    # The first numbers of its published sequence from 1234567.
    state, found = 1234567, []
    for _ in range(3):
        state = (state + int(cpu_draw._STEP)) % 2**64
        found.append(int(cpu_draw.mix(np.uint64(state))))
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_numbers_lie_in_the_half_open_unit_interval() -> None:
    found = [cpu_draw.uniform(np.uint64(state)) for state in range(2000)]
    assert min(found) >= 0.0
    assert max(found) < 1.0
    assert chisquare(np.histogram(found, 20, (0, 1))[0]).pvalue > 1e-3


def test_every_place_and_every_key_has_a_stream_of_its_own() -> None:
    streams = {
        int(cpu_draw.stream(key_of(key), np.int64(place)))
        for key in range(30)
        for place in range(30)
    }
    assert len(streams) == 900


# Uniform draws ##################################################################################


@pytest.mark.parametrize(("size", "count"), [(20, 5), (60, 30)])  # 30: through the table
def test_without_replacement_every_entry_is_as_likely(size, count) -> None:
    rows = 1_000_000 // count
    found = np.bincount(uniform_draws(size, count, rows).ravel(), minlength=size)
    expected = rows * count / size
    # Draws of a row exclude each other, so counts vary less than those of independent draws.
    statistic = ((found - expected) ** 2).sum() / expected * (size - 1) / (size - count)
    assert chi2.sf(statistic, size - 1) > 1e-3


@pytest.mark.parametrize(("size", "count"), [(6, 3), (5, 4), (7, 2), (9, 1)])
def test_without_replacement_every_set_is_as_likely(size, count) -> None:
    chance = dict.fromkeys(itertools.combinations(range(size), count), 1.0)
    chance = {subset: 1 / len(chance) for subset in chance}
    assert_follows(subsets(uniform_draws(size, count, 100_000)), chance)


def test_large_sets_are_as_likely_too() -> None:
    # 25 of 27 go through the table: which two are left out?
    drawn = uniform_draws(27, 25, 60_000)
    left = np.ones((len(drawn), 27), bool)
    left[np.arange(len(drawn))[:, None], drawn] = False
    out = Counter(map(tuple, np.nonzero(left)[1].reshape(-1, 2).tolist()))
    pairs = list(itertools.combinations(range(27), 2))
    assert_follows(out, dict.fromkeys(pairs, 1 / len(pairs)))


@pytest.mark.parametrize(("size", "count"), [(20, 5), (3, 40)])
def test_with_replacement_every_entry_is_as_likely(size, count) -> None:
    drawn = uniform_draws(size, count, 1_000_000 // count, replace=True)
    assert drawn.shape[1] == count
    assert chisquare(np.bincount(drawn.ravel(), minlength=size)).pvalue > 1e-3
    # Two draws of one row know nothing of each other.
    both = Counter(map(tuple, drawn[:, :2].tolist()))
    cells = list(itertools.product(range(size), repeat=2))
    assert_follows(both, dict.fromkeys(cells, 1 / len(cells)))


@pytest.mark.parametrize("count", [1, 5, 24, 25, 64, 65, 300])
@pytest.mark.parametrize("size", [1, 5, 24, 25, 26, 70, 301, 2**40])
def test_without_replacement_as_many_as_there_are_and_none_twice(size, count) -> None:
    if size == 2**40 or size > count:
        drawn = uniform_draws(size, count, 50, first=7)
        assert drawn.shape == (50, count)
    else:
        drawn = uniform_draws(size, count, 50, first=7)
        assert (drawn == np.arange(7, 7 + size)).all()  # all of them, in order
    assert all(len(set(row)) == len(row) for row in drawn.tolist())
    assert drawn.min() >= 7
    assert drawn.max() < 7 + size


def test_rows_of_different_lengths_follow_one_another() -> None:
    begin, end = np.array([0, 3, 3, 10]), np.array([3, 3, 10, 60])
    for count, replace, counts in (
        (4, False, [3, 0, 4, 4]),
        (4, True, [4, 0, 4, 4]),
        (-1, False, [3, 0, 7, 50]),
        (-1, True, [3, 0, 7, 50]),
        (0, True, [0, 0, 0, 0]),
    ):
        offset = np.empty(5, np.int64)
        cpu_draw.count_draws(begin, end, count, replace, NOTHING, offset)
        assert np.diff(offset).tolist() == counts
        entry = np.full(offset[-1], -1)
        cpu_draw.draw_uniform(begin, end, offset, count, replace, key_of(0), 0, entry)
        row = np.repeat(np.arange(4), counts)
        assert (entry >= begin[row]).all()
        assert (entry < end[row]).all()


@pytest.mark.parametrize("weighted", [False, True])
def test_neighboring_nodes_and_keys_draw_independently(weighted) -> None:
    def draws(key: int, rows: int) -> np.ndarray:
        if weighted:
            return weighted_draws([1.0] * 8, 1, rows, key=key)[:, 0]
        return uniform_draws(8, 1, rows, key=key)[:, 0]

    one, other = draws(0, 60_001), draws(1, 60_001)
    cells = dict.fromkeys(itertools.product(range(8), repeat=2), 1 / 64)
    for first, second in ((one[:-1], one[1:]), (one[:-9], one[9:]), (one, other)):
        pairs = zip(first.tolist()[::2], second.tolist()[::2], strict=True)
        assert_follows(Counter(pairs), cells)


def test_a_node_draws_the_same_whatever_stands_beside_it() -> None:
    alone = np.empty(4, np.int64)
    begin, end = bounds(50, 10)
    together = uniform_draws(50, 4, 10)
    for place in range(10):
        one = begin[:1], end[:1], np.array([0, 4])
        cpu_draw.draw_uniform(*one, 4, False, key_of(0), place, alone)
        assert alone.tolist() == together[place].tolist()


# Weighted draws #################################################################################

SKEWED = [
    [1.0, 2.0, 3.0, 4.0, 5.0],
    [0.0, 1.0, 0.0, 5.0, 2.0, 2.0, 1.0, 0.0],
    [1e9, 1.0, 2.0, 4.0, 1.0],  # the first draw meets one entry; the others need the clocks
    [1.0, 1e12, 2.0, 1e12, 4.0],
    [1e20, 3.0, 1.0, 1.0, 2.0],  # all but one are lost in the running sums
    [1e-200, 2e-200, 1e-200, 5e-200, 1e-200],
]


@pytest.mark.parametrize("weights", SKEWED[:4], ids=str)
def test_with_replacement_entries_are_drawn_by_their_weights(weights) -> None:
    drawn = weighted_draws(weights, 10, 100_000, replace=True).ravel()
    found = Counter(drawn.tolist())
    assert all(weights[place] > 0 for place in found)
    likely = [place for place, w in enumerate(weights) if w / sum(weights) > 1e-4]
    if len(likely) > 1:
        whole = sum(weights[place] for place in likely)
        found = Counter({place: found[place] for place in likely})
        assert_follows(found, {place: weights[place] / whole for place in likely})


@pytest.mark.parametrize("weights", SKEWED, ids=str)
@pytest.mark.parametrize("count", [1, 2, 3])
def test_without_replacement_each_draw_is_among_those_left(weights, count) -> None:
    found = subsets(weighted_draws(weights, count, 60_000))
    chance = one_after_another(weights, count)
    assert set(found) <= set(chance)
    likely = {subset: p for subset, p in chance.items() if p > 1e-4}
    whole = sum(likely.values())
    kept = Counter({subset: found[subset] for subset in likely})
    assert sum(kept.values()) > 60_000 * whole - 400
    if len(likely) > 1:
        assert_follows(kept, {subset: p / whole for subset, p in likely.items()})


def test_the_order_of_draws_is_that_of_one_after_another() -> None:
    # Without clocks the first of two draws is by the weights alone.
    weights = [1.0, 2.0, 3.0, 4.0]
    first = Counter(weighted_draws(weights, 2, 100_000)[:, 0].tolist())
    assert_follows(first, {place: w / 10 for place, w in enumerate(weights)})


@pytest.mark.parametrize("count", [1, 2, 30, 100])
@pytest.mark.parametrize("replace", [False, True])
def test_no_entry_without_weight_is_ever_drawn(count, replace) -> None:
    weights = [0.0, 0.0, 1.0, 0.0, 1e-9, 1e9, 0.0] * 12 + [0.0]
    drawn = weighted_draws(weights, count, 2000, replace=replace)
    assert set(drawn.ravel().tolist()) <= {i for i, w in enumerate(weights) if w > 0}
    assert drawn.shape[1] == (count if replace else min(count, 36))
    if not replace:
        assert all(len(set(row)) == len(row) for row in drawn.tolist())


def test_rows_without_weight_give_nothing() -> None:
    for replace in (False, True):
        assert weighted_draws([0.0, 0.0], 3, 5, replace=replace).size == 0
        assert weighted_draws([], 3, 5, replace=replace).size == 0
        assert weighted_draws([0.0, 2.0, 0.0, 1.0], -1, 2, replace=replace).tolist() == [[1, 3]] * 2


@pytest.mark.parametrize("tiny", [1e-20, 1e-320])
def test_weights_too_small_for_a_sum_are_drawn_when_the_large_one_is_taken(tiny) -> None:
    found = subsets(weighted_draws([1.0, tiny, 0.0, tiny], 2, 20_000))
    assert_follows(found, {(0, 1): 0.5, (0, 3): 0.5})


def test_a_share_that_is_rounded_to_the_whole_meets_no_entry_without_weight() -> None:
    # Half of the least number there is, and more, is rounded to that number.
    assert (weighted_draws([0.0, 5e-324, 0.0, 0.0], 3, 100, replace=True) == 1).all()


# Rows and their ends ############################################################################


def test_segments_are_the_rows_of_the_frontier() -> None:
    rowptr, frontier = np.array([0, 2, 2, 7]), np.array([2, 0, 1, 2])
    begin, end = np.empty(4, np.int64), np.empty(4, np.int64)
    cpu_draw.segments(rowptr, frontier, begin, end)
    assert begin.tolist() == [2, 0, 2, 2]
    assert end.tolist() == [7, 2, 2, 7]


@pytest.mark.parametrize("dtype", [np.int64, np.float64])
def test_rows_end_behind_the_last_entry_that_is_not_later(dtype) -> None:
    time = np.sort(np.random.default_rng(0).integers(0, 9, 40)).astype(dtype)
    until = np.arange(-1, 11).astype(dtype)
    begin, end = np.full(12, 5), np.full(12, 33)
    expected = 5 + np.searchsorted(time[5:33], until, side="right")
    cpu_draw.end_by_entry_time(begin, end, time, until)
    assert end.tolist() == expected.tolist()

    # The same where the times are those of the sources, in whatever order sources are numbered.
    col = np.random.default_rng(1).permutation(40).astype(np.int32)
    node_time = np.empty(40, dtype)
    node_time[col] = time
    end[:] = 33
    cpu_draw.end_by_node_time(begin, end, col, node_time, until)
    assert end.tolist() == expected.tolist()


def test_the_latest_entries_are_the_last_of_positive_weight() -> None:
    end, offset = np.array([5, 5, 9]), np.array([0, 2, 2, 5])
    entry = np.empty(5, np.int64)
    cpu_draw.take_last(end, offset, NOTHING, entry)
    assert entry.tolist() == [3, 4, 6, 7, 8]
    positive = np.concatenate([[0], np.cumsum([1, 1, 0, 1, 0, 1, 1, 0, 1])])
    cpu_draw.take_last(end, offset, positive, entry)
    assert entry.tolist() == [1, 3, 5, 6, 8]


def test_running_weights_start_anew_in_every_row() -> None:
    rowptr, weight = np.array([0, 2, 2, 5]), np.array([1.0, 2.0, 0.0, 0.5, 3.0])
    total, positive = np.empty(5), np.empty(6, np.int64)
    cpu_draw.running_weights(rowptr, weight, total, positive)
    assert total.tolist() == [1.0, 3.0, 0.0, 0.5, 3.5]
    assert positive.tolist() == [0, 1, 2, 2, 3, 4]
