"""Which pages of a file some rows lie on, and reading those pages with few reads by threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from graphlearn.store.file_header import PAGE
from graphlearn.store.file_reader import FileReader, aligned_buffer

_MOST_PAGES = 256  # of one task: a megabyte, which a disk reads about as fast as larger pieces


@dataclass(frozen=True)
class ReadPlan:
    """Reads of whole pages that bring all rows of an index, cut into tasks for threads.

    Rows on the same page or on neighboring ones share a read. Arrays are over rows ``R`` in
    ascending order, reads ``S`` and tasks ``T``.

    Args:
        order_R: Position in the index of each row.
        place_R: Where the row starts in its task's buffer.
        offset_S: Where each read starts in the file.
        bytes_S: Its length.
        row_bound: ``[T + 1]``: the rows of each task.
        read_bound: ``[T + 1]``: the reads of each task.
    """

    order_R: NDArray[np.int64]
    place_R: NDArray[np.int64]
    offset_S: NDArray[np.int64]
    bytes_S: NDArray[np.int64]
    row_bound: list[int]
    read_bound: list[int]

    @property
    def num_bytes(self) -> int:
        """Bytes of all reads."""
        return int(self.bytes_S.sum())


def plan_reads(
    index: NDArray[np.int64], row_bytes: int, data_offset: int, *, tasks: int
) -> ReadPlan:
    """Plan the reads of the rows of a non-empty index.

    Args:
        index: Row numbers in any order, also twice.
        row_bytes: Bytes of a row, at least one.
        data_offset: Where row 0 starts in the file.
        tasks: About how many tasks there should be; more if they would be large.

    Shapes:
        - **index**: ``[R]``

    Example:
        >>> plan = plan_reads(np.array([40, 0, 7, 8]), 512, 4096, tasks=1)
        >>> plan.offset_S.tolist(), plan.bytes_S.tolist()
        ([4096, 24576], [8192, 4096])
        >>> plan.order_R.tolist(), plan.place_R.tolist()
        ([1, 2, 3, 0], [0, 3584, 4096, 8192])
    """
    order = np.argsort(index, kind="stable")
    start = index[order] * row_bytes + data_offset
    first, last = start // PAGE, (start + row_bytes - 1) // PAGE
    before = np.concatenate([first[:1] - 2, last[:-1]])  # last page of the row before
    pages = np.cumsum(last - np.maximum(first - 1, before))  # distinct ones so far
    most = min(max(-(-int(pages[-1]) // tasks), 1), _MOST_PAGES)
    task = (pages - 1) // most
    begins_task = np.diff(task, prepend=-1) > 0
    begins_read = begins_task | (first > before + 1)

    row_of_task, row_of_read = np.flatnonzero(begins_task), np.flatnonzero(begins_read)
    offset = first[row_of_read] * PAGE
    end = (last[np.append(row_of_read[1:], len(order)) - 1] + 1) * PAGE
    in_all = np.concatenate([[0], np.cumsum(end - offset)])  # where a read starts among all
    read = np.cumsum(begins_read) - 1
    first_read = read[row_of_task]  # of each task
    base = in_all[:-1] - np.repeat(
        in_all[first_read], np.diff(np.append(first_read, len(row_of_read)))
    )
    return ReadPlan(
        order_R=order,
        place_R=start - offset[read] + base[read],
        offset_S=offset,
        bytes_S=end - offset,
        row_bound=[*row_of_task.tolist(), len(order)],
        read_bound=[*first_read.tolist(), len(row_of_read)],
    )


class PageReads:
    """Carries plans out: threads read pages into buffers and copy the rows from there.

    Args:
        reader: The file.
        threads: How many reads are under way at once.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a").write_bytes(bytes(range(256)) * 32)
        ...     reads = PageReads(FileReader(Path(folder, "a")), threads=2)
        ...     out = np.empty((2, 4), dtype=np.uint8)
        ...     reads.gather(plan_reads(np.array([1, 0]), 4, 4096, tasks=2), out)
        ...     reads.close()
        >>> out.tolist()
        [[4, 5, 6, 7], [0, 1, 2, 3]]
    """

    def __init__(self, reader: FileReader, threads: int) -> None:
        self._reader = reader
        self._free: list[memoryview] = []
        self._threads = Threads(threads)

    def gather(self, plan: ReadPlan, out: NDArray[np.uint8]) -> None:
        """Write the rows of a plan to ``out [R, row_bytes]``, in the order of the index."""

        def run(task: int) -> None:
            rows = slice(plan.row_bound[task], plan.row_bound[task + 1])
            reads = slice(plan.read_bound[task], plan.read_bound[task + 1])
            lengths = plan.bytes_S[reads].tolist()
            buffer = self._buffer(sum(lengths))
            begin = 0
            for offset, length in zip(plan.offset_S[reads].tolist(), lengths, strict=True):
                self._reader.read_into(buffer[begin : begin + length], offset)
                begin += length
            # Every place where a row may start, as a view: rows need not be aligned to anything.
            data = np.frombuffer(buffer, dtype=np.uint8)
            views = np.lib.stride_tricks.as_strided(
                data, (len(data) - out.shape[1] + 1, out.shape[1]), (1, 1), writeable=False
            )
            out[plan.order_R[rows]] = views[plan.place_R[rows]]
            self._free.append(buffer)

        self._threads.run(run, len(plan.row_bound) - 1)

    def _buffer(self, num_bytes: int) -> memoryview:
        try:
            buffer = self._free.pop()  # one thread alone gets it
        except IndexError:
            buffer = aligned_buffer(_MOST_PAGES * PAGE)
        return buffer if num_bytes <= len(buffer) else aligned_buffer(num_bytes)

    def close(self) -> None:
        """End the threads and give the buffers back."""
        self._threads.close()
        self._free.clear()


class Threads:
    """Threads that wait for tasks; made at the first need, and again in a forked process.

    Args:
        number: How many.

    Example:
        >>> threads, done = Threads(2), []
        >>> threads.run(done.append, 3)
        >>> threads.close()
        >>> sorted(done)
        [0, 1, 2]
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._pool: ThreadPoolExecutor | None = None
        self._process = 0

    def run(self, task: Callable[[int], None], count: int) -> None:
        """Call ``task(0)`` to ``task(count - 1)``; returns, or raises, when none runs any more."""
        if count == 1 or self.number == 1:
            for number in range(count):
                task(number)
            return
        if self._pool is None or self._process != os.getpid():
            self._pool = ThreadPoolExecutor(self.number, thread_name_prefix="graphlearn-disk")
            self._process = os.getpid()
        futures = [self._pool.submit(task, number) for number in range(count)]
        problems = [future.exception() for future in futures]  # waits for all of them
        for problem in problems:
            if problem is not None:
                raise problem

    def close(self) -> None:
        """End the threads."""
        if self._pool is not None and self._process == os.getpid():
            self._pool.shutdown()
        self._pool = None
