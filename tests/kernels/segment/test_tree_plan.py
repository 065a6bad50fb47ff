from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch

from graphlearn.errors import UnknownNameError
from graphlearn.kernels.segment import Segments, TreePlan, plan_tree
from graphlearn.kernels.segment.tree_plan import TreeLevel


def moved_rows(plan: TreePlan) -> int:
    return sum(2 * level.pairs + level.odd + level.roots for level in plan.levels)


@pytest.mark.parametrize("shape", ["balanced", "chain"])
def test_as_many_merges_as_rows_that_are_too_many(grouping, shape) -> None:
    index, count = grouping
    segments = Segments.from_index(index, count)
    filled = int((segments.lengths > 0).sum())
    plan = plan_tree(segments, shape)
    assert plan.merges == index.numel() - filled
    assert sum(level.roots for level in plan.levels) == filled
    assert plan.empty == count - filled
    assert sorted(plan.root_place.tolist()) == list(range(count))


def test_a_balanced_tree_is_as_deep_as_the_logarithm_of_the_longest(grouping) -> None:
    segments = Segments.from_index(*grouping)
    longest = max(segments.lengths.tolist(), default=0)
    merging = [level for level in plan_tree(segments).levels if level.pairs]
    assert len(merging) == (math.ceil(math.log2(longest)) if longest else 0)


def test_every_level_permutes_what_the_level_before_left(grouping) -> None:
    for shape in ("balanced", "chain"):
        plan = plan_tree(Segments.from_index(*grouping), shape)
        left = 0
        for level in plan.levels:
            assert isinstance(level, TreeLevel)
            size = 2 * level.pairs + level.odd + level.roots
            assert size == left + level.entering
            order = torch.arange(size) if level.order is None else level.order
            assert sorted(order.tolist()) == list(range(size))
            if level.inverse is not None:
                assert torch.equal(order[level.inverse], torch.arange(size))
            left = level.pairs + level.odd


def test_work_does_not_grow_with_the_longest_segment_times_the_segments() -> None:
    lengths = [1] * 3000 + [2] * 3000 + [4097]
    ptr = torch.tensor([0, *torch.tensor(lengths).cumsum(0).tolist()])
    plan = plan_tree(Segments.from_ptr(ptr, int(ptr[-1])))
    # Merged rows are moved once each, and odd ones at most once a level and segment.
    assert moved_rows(plan) < 2.1 * int(ptr[-1])
    chain = plan_tree(Segments.from_ptr(ptr, int(ptr[-1])), "chain")
    assert moved_rows(chain) < 2.1 * int(ptr[-1])


def test_one_size_that_is_a_power_of_two_moves_nothing() -> None:
    plan = plan_tree(Segments.from_index(torch.arange(6).repeat_interleave(8)))
    assert [level.order for level in plan.levels] == [None] * 4
    assert [level.pairs for level in plan.levels] == [24, 12, 6, 0]
    assert all(2 * b.pairs == a.pairs for a, b in pairwise(plan.levels[:3]))


def test_an_unknown_shape_is_refused_with_the_nearest() -> None:
    segments = Segments.from_index(torch.tensor([0]))
    with pytest.raises(UnknownNameError, match="did you mean 'balanced'"):
        plan_tree(segments, "balancd")  # type: ignore[arg-type]
