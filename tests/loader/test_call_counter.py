from __future__ import annotations

import copy
import pickle
from concurrent.futures import ThreadPoolExecutor

import pytest

from graphlearn.loader.call_counter import CallCounter


def test_it_counts_from_a_number_on() -> None:
    counter = CallCounter()
    assert [counter.next() for _ in range(3)] == [0, 1, 2]
    assert CallCounter(7).next() == 7


def test_threads_get_every_number_once() -> None:
    counter = CallCounter()
    with ThreadPoolExecutor(4) as pool:
        numbers = list(pool.map(lambda _: counter.next(), range(2000)))
    assert sorted(numbers) == list(range(2000))


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, "pickle"])
def test_a_copy_goes_on_by_itself(copied) -> None:
    counter = CallCounter(3)
    counter.next()
    other = pickle.loads(pickle.dumps(counter)) if copied == "pickle" else copied(counter)
    assert [other.next(), other.next()] == [4, 5]
    assert counter.next() == 4
