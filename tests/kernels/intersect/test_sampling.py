from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import NeighborLists, sample_lists


def pack(rows: list[list[int]], dtype: torch.dtype = torch.int32) -> NeighborLists:
    counts = torch.tensor([0, *(len(row) for row in rows)])
    return NeighborLists(
        counts.cumsum(0), torch.tensor([node for row in rows for node in row], dtype=dtype)
    )


def ends(size: int) -> tuple[Tensor, Tensor]:
    return torch.arange(size) * 3 % 7, torch.arange(size) * 5 % 11


ROWS = [list(range(20)), [], [4], list(range(100, 103)), list(range(0, 90, 3)), [7, 9]]


@given(
    st.lists(st.lists(st.integers(0, 99), max_size=9, unique=True).map(sorted), max_size=6),
    st.integers(1, 6),
    st.integers(0, 2**31 - 1),
)
def test_keeps_so_many_of_each_list_in_order(rows: list[list[int]], limit: int, seed: int) -> None:
    kept, weight = sample_lists(pack(rows), *ends(len(rows)), limit, seed=seed)
    assert weight.dtype == torch.float32
    assert kept.counts().tolist() == [min(len(row), limit) for row in rows]
    for all_of_it, part in zip(rows, kept.tolist(), strict=True):
        assert part == [node for node in all_of_it if node in part]  # a subset, order kept
    share = [len(row) / min(len(row), limit) for row in rows for _ in row[:limit]]
    torch.testing.assert_close(weight, torch.tensor(share, dtype=torch.float32))


@pytest.mark.parametrize("dtype", [torch.int32, torch.int64])
def test_short_lists_are_returned_as_they_are(dtype: torch.dtype) -> None:
    lists = pack(ROWS, dtype)
    kept, weight = sample_lists(lists, *ends(len(ROWS)), 30, seed=0)
    assert kept.tolist() == ROWS
    assert torch.equal(weight, torch.ones(lists.node.numel()))
    assert kept.node.dtype == dtype
    assert sample_lists(lists, *ends(len(ROWS)), 2, seed=0)[0].node.dtype == dtype


def test_the_same_call_makes_the_same_choice_and_draws_nothing() -> None:
    state = torch.random.get_rng_state()
    one = sample_lists(pack(ROWS), *ends(6), 3, seed=5)
    two = sample_lists(pack(ROWS), *ends(6), 3, seed=5)
    assert one[0].tolist() == two[0].tolist()
    assert torch.equal(one[1], two[1])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_choice_is_its_pairs_own() -> None:
    anchor, partner = ends(6)
    together = sample_lists(pack(ROWS), anchor, partner, 3, seed=5)[0].tolist()
    order = torch.tensor([4, 0, 5, 2, 1, 3])
    shuffled = sample_lists(
        pack([ROWS[i] for i in order]), anchor[order], partner[order], 3, seed=5
    )[0].tolist()
    assert shuffled == [together[i] for i in order]
    for i, row in enumerate(ROWS):
        alone = sample_lists(pack([row]), anchor[i : i + 1], partner[i : i + 1], 3, seed=5)[0]
        assert alone.tolist() == [together[i]]


def test_seed_anchor_and_partner_each_change_the_choice() -> None:
    row, one, two = [list(range(200))], torch.tensor([1]), torch.tensor([2])
    choices = {
        tuple(sample_lists(pack(row), anchor, partner, 20, seed=seed)[0].tolist()[0])
        for anchor, partner, seed in (
            (one, two, 0),
            (one, two, 1),
            (two, one, 0),
            (one, one, 0),
            (two, two, 0),
        )
    }
    assert len(choices) == 5


def test_every_entry_is_as_likely_and_sums_are_unbiased() -> None:
    rows = [list(range(12)), list(range(50, 57)), [3, 4]]
    lists, size, draws, limit = pack(rows), 3, 3000, 3
    repeated = NeighborLists(  # the same lists for many anchors at once
        torch.cat([torch.zeros(1, dtype=torch.int64), lists.counts().repeat(draws).cumsum(0)]),
        lists.node.repeat(draws),
    )
    anchor = torch.arange(draws).repeat_interleave(size)
    kept, weight = sample_lists(repeated, anchor, anchor * 7 + 1, limit, seed=3)
    which = kept.rows() % size
    count = torch.bincount(kept.node, minlength=60).double() / draws
    total = torch.zeros(size, dtype=torch.float64).index_add(0, which, weight.double()) / draws
    for row in rows:
        share = min(1.0, limit / len(row))
        spread = 5 * (share * (1 - share) / draws) ** 0.5
        if row != [3, 4]:
            inside = count[[node for node in row if node not in (3, 4)]]
            assert float((inside - share).abs().max()) < spread
    torch.testing.assert_close(total, torch.tensor([12.0, 7.0, 2.0], dtype=torch.float64))
    # Sums of an arbitrary function over the kept entries, weighted, have the full sum as mean.
    value = torch.sin(torch.arange(60.0, dtype=torch.float64))
    summed = torch.zeros(size, dtype=torch.float64)
    summed.index_add_(0, which, weight.double() * value[kept.node.long()])
    exact = torch.stack([value[row].sum() for row in rows])
    torch.testing.assert_close(summed / draws, exact, atol=0.2, rtol=0)


def test_no_lists() -> None:
    none = torch.empty(0, dtype=torch.int64)
    kept, weight = sample_lists(pack([]), none, none, 3, seed=0)
    assert (len(kept), weight.numel()) == (0, 0)
    kept, weight = sample_lists(pack([[], []]), *ends(2), 3, seed=0)
    assert (kept.tolist(), weight.numel()) == ([[], []], 0)


@pytest.mark.parametrize("limit", [0, -2])
def test_bad_limit(limit: int) -> None:
    message = f"limit is {limit}: expected an integer >= 1"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        sample_lists(pack(ROWS), *ends(6), limit, seed=0)


def test_a_large_seed_is_a_seed() -> None:
    kept, _ = sample_lists(pack(ROWS), *ends(6), 3, seed=2**62)
    assert kept.counts().tolist() == [3, 0, 1, 3, 3, 2]


@pytest.mark.parametrize(
    ("changed", "kind", "message"),
    [
        ({"anchor": torch.arange(5)}, InputError, r"anchor has dtype torch.int64 and shape \[5\]"),
        ({"partner": torch.ones(6)}, InputError, "partner has dtype torch.float32"),
        ({"limit": 2.5}, InputTypeError, "limit is 2.5: expected an integer >= 1"),
        ({"limit": True}, InputTypeError, "limit is True"),
        ({"seed": 1.5}, InputTypeError, "seed is 1.5: expected an integer"),
        ({"seed": None}, InputTypeError, "seed is None"),
    ],
)
def test_what_would_be_read_out_of_bounds_is_refused(changed: dict, kind, message: str) -> None:
    anchor, partner = ends(6)
    options = {"anchor": anchor, "partner": partner, "limit": 3, "seed": 1} | changed
    with pytest.raises(kind, match=f"^{message}"):
        sample_lists(pack(ROWS), **options)
