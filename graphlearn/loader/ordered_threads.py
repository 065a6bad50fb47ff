"""Batches made by threads ahead of their use, handed out in order."""

from __future__ import annotations

import weakref
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

T = TypeVar("T")


def batch_bytes(batch: Any) -> int:
    """Bytes of the tensors of a batch: of PyG's ``Data``, of collections, of a tensor.

    Example:
        >>> batch_bytes({"x": torch.zeros(2, 3), "size": 2})
        24
    """
    if isinstance(batch, Tensor):
        return batch.numel() * batch.element_size() if batch.layout == torch.strided else 0
    if hasattr(batch, "to_dict") and callable(batch.to_dict):
        batch = batch.to_dict()
    if isinstance(batch, dict):
        return sum(batch_bytes(part) for part in batch.values())
    if isinstance(batch, (list, tuple)):
        return sum(batch_bytes(part) for part in batch)
    return 0


class OrderedThreads(Generic[T]):
    """Calls a function on one item after another in threads, and gives the results in order.

    Memory is bounded: at most ``ahead`` results are under way or wait, and no more than fit into
    ``max_bytes`` when all are taken to be as large as the largest so far (one is always made).
    Threads share the process's memory, so nothing is copied between them, and what does not hold
    the GIL (compiled kernels, torch's operations) runs at once.

    Args:
        function: What to call; its results must not depend on which thread calls it.
        items: Its arguments, taken in the thread that asks for results.
        threads: How many threads; with 0 everything runs in the one that asks.
        ahead: How many results may be under way or wait.
        max_bytes: How many bytes of results may.

    Example:
        >>> list(OrderedThreads(lambda x: x * x, range(5), threads=2, ahead=4))
        [0, 1, 4, 9, 16]
    """

    def __init__(
        self,
        function: Callable[[Any], T],
        items: Iterable[Any],
        *,
        threads: int,
        ahead: int,
        max_bytes: int | None = None,
    ) -> None:
        self._function, self._items = function, iter(items)
        self._ahead, self._max_bytes = max(1, ahead), max_bytes
        self._largest = 0
        self._waiting: deque[Future[T]] = deque()
        self._pool: ThreadPoolExecutor | None = None
        if threads > 0:
            self._pool = ThreadPoolExecutor(threads, thread_name_prefix="graphlearn-loader")
            # An iterator that is dropped halfway takes its threads with it.
            self._finalizer = weakref.finalize(self, _stop, self._pool, self._waiting)

    def _may_start(self) -> bool:
        under_way = len(self._waiting)
        if under_way == 0:
            return True
        if self._max_bytes is not None and self._largest * (under_way + 1) > self._max_bytes:
            return False
        # Until a first result tells how large they are, one is enough.
        return under_way < (self._ahead if self._largest or self._max_bytes is None else 1)

    def _fill(self) -> None:
        assert self._pool is not None
        while self._may_start():
            try:
                item = next(self._items)
            except StopIteration:
                return
            except Exception as problem:  # noqa: BLE001  (it comes in its turn, below)
                failed: Future[T] = Future()
                failed.set_exception(problem)
                self._waiting.append(failed)
                self._items = iter(())
                return
            self._waiting.append(self._pool.submit(self._function, item))

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        if self._pool is None:
            return self._function(next(self._items))
        self._fill()
        if not self._waiting:
            self.close()
            raise StopIteration
        try:
            result = self._waiting.popleft().result()
        except BaseException:
            self.close()
            raise
        if self._max_bytes is not None:
            self._largest = max(self._largest, batch_bytes(result), 1)
        self._fill()  # the threads work on while this result is used
        return result

    def close(self) -> None:
        """End the threads; results that wait are dropped. Called at the end of the items."""
        self._items = iter(())
        if self._pool is not None:
            self._finalizer()


def _stop(pool: ThreadPoolExecutor, waiting: deque[Future[Any]]) -> None:
    for future in waiting:
        future.cancel()
    waiting.clear()
    pool.shutdown(wait=False)
