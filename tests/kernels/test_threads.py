from __future__ import annotations

import itertools
import multiprocessing
import threading
import warnings
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.kernels import threads as module
from graphlearn.kernels.threads import balanced_bounds, run_chunks, thread_count


@pytest.mark.parametrize(
    ("allowed", "steps", "expected"),
    [(1, 10**9, 1), (2, 0, 1), (2, 10, 1), (2, 199_999, 1), (2, 200_000, 2), (2, 10**9, 2)],
)
def test_thread_count(
    threads: Callable[[int], None], allowed: int, steps: int, expected: int
) -> None:
    threads(allowed)
    assert thread_count(steps) == expected


@given(st.lists(st.integers(0, 1000), max_size=60), st.integers(1, 9))
def test_bounds_cover_all_items_in_order(work: list[int], parts: int) -> None:
    cumulative = np.concatenate([[0], np.cumsum(np.array(work, dtype=np.int64))])
    bounds = balanced_bounds(cumulative, parts)
    assert len(bounds) == parts + 1
    assert (bounds[0], bounds[-1]) == (0, len(work))
    assert bounds == sorted(bounds)
    # No part is further above its share than one item is large.
    shares = [cumulative[e] - cumulative[b] for b, e in itertools.pairwise(bounds)]
    assert max(shares) <= sum(work) / parts + max(work, default=0) + 1


def test_a_hub_gets_a_part_of_its_own() -> None:
    cumulative = np.concatenate([[0], np.cumsum([1] * 50 + [1000] + [1] * 50)])
    first, second = balanced_bounds(cumulative, 2)[1:]
    assert (first, second) == (51, 101)


@pytest.mark.parametrize("bounds", [[0], [0, 0], [0, 5], [0, 3, 3, 7], [0, 0, 0], [0, 1, 2, 3, 4]])
def test_every_range_that_is_not_empty_runs_once(bounds: list[int]) -> None:
    ran: list[tuple[int, int, int]] = []
    run_chunks(lambda *call: ran.append(call), bounds)
    wanted = [(p, b, e) for p, (b, e) in enumerate(itertools.pairwise(bounds)) if b < e]
    assert sorted(ran) == wanted


def test_one_range_runs_in_the_calling_thread() -> None:
    names: list[str] = []
    run_chunks(lambda *_: names.append(threading.current_thread().name), [0, 0, 9, 9])
    assert names == [threading.current_thread().name]


def test_two_ranges_run_at_the_same_time(threads: Callable[[int], None]) -> None:
    threads(2)
    barrier = threading.Barrier(2, timeout=30)  # one thread alone would never pass it
    run_chunks(lambda *_: barrier.wait(), [0, 1, 2])


def test_no_more_threads_than_torch_has(threads: Callable[[int], None]) -> None:
    threads(2)
    names: set[str] = set()
    barrier = threading.Barrier(2, timeout=30)

    def task(*_: int) -> None:
        names.add(threading.current_thread().name)
        barrier.wait()

    run_chunks(task, list(range(9)))
    assert len(names) == 2
    threads(1)
    names.clear()
    run_chunks(lambda *_: names.add(threading.current_thread().name), list(range(9)))
    assert names == {threading.current_thread().name}


@pytest.mark.parametrize("allowed", [1, 2])
@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_in_any_range_reaches_the_caller(
    failing: int, allowed: int, threads: Callable[[int], None]
) -> None:
    threads(allowed)

    def task(part: int, begin: int, end: int) -> None:
        if part == failing:
            raise ZeroDivisionError(f"part {part}")

    with pytest.raises(ZeroDivisionError, match=f"part {failing}"):
        run_chunks(task, [0, 1, 2])


def _run_two_chunks() -> None:
    ran: list[int] = []
    run_chunks(lambda part, *_: ran.append(part), [0, 1, 2])
    assert sorted(ran) == [0, 1]


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork"
)
def test_a_forked_child_makes_a_pool_of_its_own() -> None:
    _run_two_chunks()  # now the parent has a pool
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: "may lead to deadlocks"
        child = multiprocessing.get_context("fork").Process(target=_run_two_chunks)
        child.start()
    child.join(60)
    stuck = child.is_alive()
    if stuck:
        child.kill()
    assert not stuck
    assert child.exitcode == 0
    assert module._pool is not None
