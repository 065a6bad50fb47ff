from __future__ import annotations

import re

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.segment import Segments
from graphlearn.kernels.segment.reference import rows_of
from graphlearn.kernels.segment.segments import check_segments


def rows_by_hand(index: Tensor, segments: int) -> list[list[int]]:
    return [[row for row, s in enumerate(index.tolist()) if s == k] for k in range(segments)]


def test_rows_are_grouped_in_their_own_order(grouping) -> None:
    index, count = grouping
    segments = Segments.from_index(index, count)
    assert rows_of(segments) == rows_by_hand(index, count)
    assert segments.counts().tolist() == segments.lengths.tolist()
    assert (len(segments), segments.num_rows) == (count, index.numel())
    assert torch.equal(segments.row_segment, index.long())


def test_a_sorted_index_is_not_permuted(grouping) -> None:
    index, count = grouping
    assert Segments.from_index(index.sort().values, count).order is None


def test_pointers_and_a_sorted_index_are_the_same(grouping) -> None:
    index, count = grouping
    by_index = Segments.from_index(index.sort().values, count)
    by_ptr = Segments.from_ptr(by_index.rowptr.int(), index.numel())
    assert rows_of(by_ptr) == rows_of(by_index)


def test_without_a_count_the_largest_id_decides() -> None:
    assert len(Segments.from_index(torch.tensor([0, 4, 1]))) == 5
    assert len(Segments.from_index(torch.empty(0, dtype=torch.int64))) == 0


def test_shuffling_keeps_the_rows_of_each_segment(grouping) -> None:
    index, count = grouping
    segments = Segments.from_index(index, count)
    shuffled = segments.shuffled(torch.Generator().manual_seed(0))
    again = segments.shuffled(torch.Generator().manual_seed(0))
    assert [sorted(rows) for rows in rows_of(shuffled)] == rows_of(segments)
    assert rows_of(again) == rows_of(shuffled)
    assert torch.equal(shuffled.rowptr, segments.rowptr)


def test_shuffling_gives_every_order_about_as_often() -> None:
    segments = Segments.from_index(torch.tensor([0, 1, 0, 1, 0]), 2)
    generator = torch.Generator().manual_seed(0)
    seen: dict[tuple[int, ...], int] = {}
    for _ in range(1200):
        order = tuple(rows_of(segments.shuffled(generator))[0])
        seen[order] = seen.get(order, 0) + 1
    assert len(seen) == 6
    assert min(seen.values()) > 150  # 200 expected; 4 standard deviations


@pytest.mark.parametrize(
    ("index", "count", "said"),
    [
        (torch.tensor([0, 3, -1]), 4, "index holds -1 at row 2: expected segments in [0, 4)"),
        (torch.tensor([0, 4, 4]), 4, "index holds 4 at row 1: expected segments in [0, 4)"),
        (torch.tensor([[0]]), 4, "index has shape [1, 1]: expected shape [E]"),
        (torch.tensor([0]), -1, "num_segments is -1: expected an integer >= 0"),
    ],
)
def test_a_bad_index_is_refused(index: Tensor, count: int, said: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(said)}"):
        Segments.from_index(index, count)


@pytest.mark.parametrize(
    ("ptr", "said"),
    [
        ([0, 2, 1, 4], "ptr falls from 2 to 1 at 2"),
        ([1, 4], "ptr runs from 1 to 4: expected from 0 to 4, the number of rows"),
        ([0, 5], "ptr runs from 0 to 5: expected from 0 to 4"),
        ([], "ptr has shape [0]"),
    ],
)
def test_bad_pointers_are_refused(ptr: list[int], said: str) -> None:
    with pytest.raises(InputError, match=f"^{re.escape(said)}"):
        Segments.from_ptr(torch.tensor(ptr, dtype=torch.int64), 4)


def test_other_than_integers_are_refused() -> None:
    with pytest.raises(InputTypeError, match=r"^index is torch\.float32"):
        Segments.from_index(torch.tensor([0.0]))
    with pytest.raises(InputTypeError, match=r"^index is torch\.bool"):
        Segments.from_index(torch.tensor([True]))
    with pytest.raises(InputTypeError, match=r"^ptr is list"):
        Segments.from_ptr([0, 1], 1)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("rowptr", "order", "error", "said"),
    [
        ([0, 3], [0, 1, 10**9], InputError, "order has 3 entries: expected each of the 3 rows"),
        ([0, 3], [0, 0, 1], InputError, "expected each of the 3 rows once"),
        ([0, 3], [0], InputError, "order has 1 entries"),
        ([0, 10**8, 3], None, InputError, "rowptr falls from 100000000 to 3 at 2"),
        ([2, 3], None, InputError, "rowptr starts at 2: expected 0"),
        ([], None, InputError, "rowptr starts at empty"),
        ([0.0, 3.0], None, InputTypeError, "rowptr is torch.float32"),
    ],
)
def test_segments_built_by_hand_are_checked(rowptr, order, error, said) -> None:
    kind = torch.float32 if error is InputTypeError else torch.int64
    given = None if order is None else torch.tensor(order)
    with pytest.raises(error, match=re.escape(said)):
        Segments(torch.tensor(rowptr, dtype=kind), given)


def test_what_the_caller_does_to_the_pointers_afterwards_does_not_matter() -> None:
    ptr = torch.tensor([0, 3, 6])
    segments = Segments.from_ptr(ptr, 6)
    ptr[1] = 10**9
    assert segments.rowptr.tolist() == [0, 3, 6]


def test_only_segments_are_segments() -> None:
    assert len(check_segments(Segments.from_index(torch.tensor([0])))) == 1
    with pytest.raises(InputTypeError, match=r"segments is a Tensor.*pass Segments\.from_index"):
        check_segments(torch.tensor([0]))
