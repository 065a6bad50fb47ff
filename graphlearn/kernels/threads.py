"""Runs one compiled kernel over disjoint chunks of its work, one chunk a thread.

Kernels are compiled with ``nogil`` and run on plain Python threads rather than numba's ``prange``:
chunks are cut by *work* (so that a hub does not leave the other threads idle), the thread count
follows ``torch.get_num_threads()``, results cannot depend on it because chunks write disjoint
outputs, compilation takes a fraction of a ``parallel=True`` build, and two callers may run at once
(numba's default threading layer may not be entered twice).
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

# Below this many elementary steps a thread hand-over (about 50 us) costs more than it saves.
_MIN_STEPS_PER_THREAD = 100_000

_pool: ThreadPoolExecutor | None = None


def _forget_pool() -> None:
    """A forked child inherits the pool object but none of its threads."""
    global _pool
    _pool = None


os.register_at_fork(after_in_child=_forget_pool)


def _executor() -> ThreadPoolExecutor:
    global _pool
    if _pool is None:
        _pool = ThreadPoolExecutor(os.cpu_count() or 1, thread_name_prefix="graphlearn-kernel")
    return _pool


def thread_count(steps: int) -> int:
    """How many threads are worth using for ``steps`` elementary operations.

    Example:
        >>> thread_count(10)
        1
    """
    return max(1, min(torch.get_num_threads(), steps // _MIN_STEPS_PER_THREAD))


def balanced_bounds(cumulative_work: NDArray[np.integer], parts: int) -> list[int]:
    """Cut items into ``parts`` contiguous ranges of about equal work.

    Args:
        cumulative_work: ``[items + 1]``, starting at 0: work of all items before each.
        parts: Number of ranges.

    Returns:
        ``parts + 1`` non-decreasing bounds, from 0 to ``items``.

    Example:
        >>> balanced_bounds(np.array([0, 10, 11, 12, 20]), 2)
        [0, 1, 4]
    """
    items = len(cumulative_work) - 1
    total = int(cumulative_work[-1])
    targets = [total * part // parts for part in range(1, parts)]
    inner = np.searchsorted(cumulative_work, targets).tolist()
    return [0, *(min(int(b), items) for b in inner), items]


def run_chunks(task: Callable[[int, int, int], None], bounds: list[int]) -> None:
    """Call ``task(part, begin, end)`` for each non-empty range of ``bounds``, in parallel.

    As many threads as torch has, this one among them, take range after range: with more ranges
    than threads one that turns out long does not leave the others idle.

    Args:
        task: A callable whose heavy part releases the GIL and writes only its own range.
        bounds: As made by :func:`balanced_bounds`.
    """
    parts = [(p, b, e) for p, (b, e) in enumerate(itertools.pairwise(bounds)) if b < e]
    waiting = iter(parts)

    def work() -> None:
        for part in waiting:  # the GIL gives each part to one thread
            task(*part)

    helpers = min(len(parts), torch.get_num_threads()) - 1
    futures = [_executor().submit(work) for _ in range(helpers)]
    try:
        work()
    finally:
        # Also after an error here: what the others write to must not go away under them.
        for future in futures:
            future.result()
