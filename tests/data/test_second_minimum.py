from __future__ import annotations

import pytest
import torch

from graphlearn.data import second_minimum_sets, second_minimum_split
from graphlearn.data.second_minimum import bits_of, integers_of
from graphlearn.errors import InputError


def test_bits_and_back() -> None:
    every = torch.arange(256)
    assert torch.equal(integers_of(bits_of(every)), every)
    assert bits_of(torch.tensor(6)).tolist() == [0, 1, 1, 0, 0, 0, 0, 0]


def test_the_target_is_the_second_of_the_sorted_set() -> None:
    sets = second_minimum_sets(300, largest=5, seed=0)
    assert set(sets.node_ptr.diff().tolist()) == {1, 2, 3, 4, 5}
    for number in range(300):
        data = sets.batch(torch.tensor([number]))
        ordered = sorted(integers_of(data.x).tolist())
        assert integers_of(data.y).item() == ordered[min(1, len(ordered) - 1)]


def test_sizes_and_values_are_uniform() -> None:
    sets = second_minimum_sets(20_000, smallest=3, largest=6, seed=1)
    counts = torch.bincount(sets.node_ptr.diff())[3:]
    assert counts.numel() == 4
    assert (counts - 5000).abs().max() < 300  # 5 standard deviations
    values = torch.bincount(integers_of(sets.x), minlength=256)
    assert values.float().std() / values.float().mean() < 0.08  # 1 / sqrt(350) = 0.053


def test_the_parts_are_drawn_apart_and_follow_the_seed() -> None:
    one, again, other = (
        second_minimum_split(train=50, valid=50, test=50, larger=(32,), seed=seed)
        for seed in (0, 0, 1)
    )
    assert one.digest() == again.digest() != other.digest()
    assert len({part.digest() for part in one.parts().values()}) == 4
    assert one.more_tests["n32"].node_ptr.diff().unique().tolist() == [32]


def test_bad_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="smallest is 5: expected at most 4"):
        second_minimum_sets(3, smallest=5, largest=4, seed=0)
    with pytest.raises(InputError, match="count is 0"):
        second_minimum_sets(0, seed=0)


def test_larger_sizes_are_different_and_seeds_are_numbers() -> None:
    with pytest.raises(InputError, match="different sizes"):
        second_minimum_split(train=3, valid=3, test=3, larger=(32, 32))
    with pytest.raises(InputError, match="seed is -5"):
        second_minimum_sets(4, seed=-5)
    second_minimum_split(train=3, valid=3, test=3, larger=(), seed=2**62)
