"""Items read by a thread ahead of whoever uses them, no more of them at once than fit a budget."""

from __future__ import annotations

import threading
import weakref
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, Self, TypeVar

T = TypeVar("T")


class ReadAhead(Generic[T]):
    """Iterates over items in order while a thread reads the next ones.

    The thread ends with the last item, at an error (which is raised here, once the items before
    it were taken), at :meth:`close`, and when the iterator goes, as it does where a loop over it
    is left early.

    Args:
        read: Returns the item of a number; called by the thread alone, in ascending order.
        sizes: Bytes of each item.
        max_bytes: Items in memory at once that were not yet taken, in bytes; one item may be more.
        first: The number of the first item.

    Example:
        >>> with ReadAhead(lambda number: number**2, sizes=[8] * 4, max_bytes=16) as squares:
        ...     list(squares)
        [0, 1, 4, 9]
    """

    def __init__(
        self, read: Callable[[int], T], sizes: Sequence[int], max_bytes: int, first: int = 0
    ) -> None:
        # The thread holds the shared part alone: else this object would live as long as it.
        self._shared = _Shared[T](read, sizes, max_bytes, first)
        self.close = weakref.finalize(self, self._shared.stop)
        """Stop reading and forget what was read; the iterator is then at its end."""
        self._shared.thread.start()

    def fail(self, problem: BaseException) -> None:
        """Close, and raise ``problem`` where the next item is taken, if one is left to take."""
        self._shared.stop(problem)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> T:
        return self._shared.take()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


class _Shared(Generic[T]):
    """What the thread and the iterator both know, guarded by one condition."""

    def __init__(
        self, read: Callable[[int], T], sizes: Sequence[int], max_bytes: int, first: int
    ) -> None:
        self._read, self._sizes, self._max_bytes = read, sizes, max_bytes
        self._first = first
        self._left = len(sizes) - first  # to take
        self._ready: deque[tuple[int, T]] = deque()
        self._held = 0  # bytes of what is ready or being read
        self._problem: BaseException | None = None
        self._ended = self._stopped = False
        self._change = threading.Condition()
        self.thread = threading.Thread(target=self._run, name="graphlearn-read-ahead", daemon=True)

    def take(self) -> T:
        with self._change:
            self._change.wait_for(lambda: self._ready or self._ended or self._stopped)
            if self._ready:
                size, item = self._ready.popleft()
                self._held -= size
                self._left -= 1
                self._change.notify_all()
                return item
            problem, self._problem = self._problem, None
        if problem is not None:
            raise problem
        raise StopIteration

    def stop(self, problem: BaseException | None = None) -> None:
        with self._change:
            if problem is None:
                self._problem = None
            elif self._left and not self._stopped and self._problem is None:
                self._problem = problem
            self._stopped = True
            self._ready.clear()
            self._change.notify_all()
        # The thread itself is here if it held the last reference to what holds the iterator.
        if self.thread.ident is not None and self.thread is not threading.current_thread():
            self.thread.join()

    def _run(self) -> None:
        try:
            for number in range(self._first, len(self._sizes)):
                if not self._wait_for_room(self._sizes[number]):
                    return
                item = self._read(number)
                with self._change:
                    if self._stopped:
                        return
                    self._ready.append((self._sizes[number], item))
                    self._change.notify_all()
                del item  # whoever takes it has it alone
        except BaseException as problem:  # noqa: BLE001  # raised where the items are used
            with self._change:
                if not self._stopped:
                    self._problem = problem
        finally:
            with self._change:
                self._ended = True
                self._change.notify_all()

    def _wait_for_room(self, size: int) -> bool:
        with self._change:
            self._change.wait_for(
                lambda: self._stopped or self._held == 0 or self._held + size <= self._max_bytes
            )
            self._held += size
            return not self._stopped
