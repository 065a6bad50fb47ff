from __future__ import annotations

import gc
import threading
import weakref

import pytest

from graphlearn.errors import InputError
from graphlearn.store.read_ahead import ReadAhead


class Reader:
    """Says which items were asked for, and lets a test wait for that."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.change = threading.Condition()

    def __call__(self, number: int) -> int:
        with self.change:
            self.asked.append(number)
            self.change.notify_all()
        return number

    def wait_for(self, count: int) -> None:
        with self.change:
            assert self.change.wait_for(lambda: len(self.asked) >= count, timeout=60)


def test_items_come_in_order_from_any_start() -> None:
    assert list(ReadAhead(Reader(), [1] * 100, 10)) == list(range(100))
    assert list(ReadAhead(Reader(), [1] * 100, 10, first=97)) == [97, 98, 99]
    assert list(ReadAhead(Reader(), [], 10)) == []


def test_no_more_is_read_than_fits_the_budget() -> None:
    reader = Reader()
    with ReadAhead(reader, [4] * 100, max_bytes=10) as items:
        for taken in range(100):
            reader.wait_for(min(taken + 2, 100))
            assert len(reader.asked) <= taken + 2
            assert next(items) == taken


def test_an_item_larger_than_the_budget_is_read_alone() -> None:
    reader = Reader()
    with ReadAhead(reader, [1, 100, 1], max_bytes=10) as items:
        reader.wait_for(1)
        assert reader.asked == [0]
        assert list(items) == [0, 1, 2]


def test_an_error_is_raised_after_the_items_before_it_and_ends_the_iteration() -> None:
    def failing(number: int) -> int:
        if number == 2:
            raise InputError("item 2 is damaged")
        return number

    items = ReadAhead(failing, [1] * 5, 100)
    assert [next(items), next(items)] == [0, 1]
    with pytest.raises(InputError, match="item 2 is damaged"):
        next(items)
    assert list(items) == []


def test_the_thread_ends_when_the_loop_is_left_the_iterator_closed_or_dropped() -> None:
    before = threading.active_count()
    for item in ReadAhead(Reader(), [4] * 100, 10):
        if item == 3:
            break
    assert threading.active_count() == before
    items = ReadAhead(Reader(), [4] * 100, 10)
    next(items)
    items.close()
    items.close()
    assert list(items) == []
    assert threading.active_count() == before
    items = ReadAhead(Reader(), [4] * 100, 10)
    del items
    gc.collect()
    assert threading.active_count() == before


def test_what_was_read_is_let_go_by_the_thread() -> None:
    class Item:
        pass

    with ReadAhead(lambda number: Item(), [1] * 3, 100) as items:
        first = next(items)
        known = weakref.ref(first)
        assert len(list(items)) == 2  # the thread is at its end
        del first
        gc.collect()
        assert known() is None


def test_who_takes_an_item_after_a_failure_is_told() -> None:
    items = ReadAhead(Reader(), [4] * 100, 10)
    next(items)
    items.fail(InputError("closed"))
    with pytest.raises(InputError, match="closed"):
        next(items)
    assert list(items) == []


def test_a_failure_is_no_matter_of_iterators_at_their_end_or_closed() -> None:
    ended, closed = ReadAhead(Reader(), [4] * 3, 100), ReadAhead(Reader(), [4] * 3, 100)
    assert len([next(ended) for _ in range(3)]) == 3
    closed.close()
    for items in (ended, closed):
        items.fail(InputError("closed"))
        assert list(items) == []


def test_a_failure_does_not_hide_an_earlier_one() -> None:
    def failing(number: int) -> int:
        raise InputError("item 0 is damaged")

    items = ReadAhead(failing, [4] * 3, 100)
    items._shared.thread.join()
    items.fail(InputError("closed"))
    with pytest.raises(InputError, match="item 0 is damaged"):
        next(items)
