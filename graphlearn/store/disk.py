"""Rows that stay in their file on a disk, read at random."""

from __future__ import annotations

import contextlib
import mmap
from functools import partial
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.kernels.gather.words import as_bytes
from graphlearn.registry import unknown_name
from graphlearn.store.buffer_pool import BufferPool
from graphlearn.store.file_header import PAGE
from graphlearn.store.page_reads import PageReads, Threads, plan_reads
from graphlearn.store.row_file import RowFile
from graphlearn.store.row_store import RowStore
from graphlearn.validate import check_size

Access = Literal["mmap", "pread", "direct"]
Verify = Literal["header", "read"]


class DiskStore(RowStore):
    """Reads the rows of a file that :func:`graphlearn.store.write_rows` wrote.

    Args:
        path: The file.
        access: How rows are brought.

            - ``"mmap"``: the file is mapped into memory, and the system told that reads come at
              random, so that it brings no pages nobody asked for. Best if most of the file stays
              in the page cache. A file that another program cuts short while it is open ends the
              process (the writers here never do that: they replace it).
            - ``"pread"``: threads read whole pages through the page cache; rows on neighboring
              pages share a read. Best if rows come from the disk and are asked for again.
            - ``"direct"``: the same past the page cache (``O_DIRECT``), which leaves memory to
              others. Not every file system has it.

        threads: How many threads read at once.
        verify: ``"header"`` checks header, length and checksums of the checksums on opening;
            ``"read"`` also each chunk of 256 KiB the first time that one of its rows is asked for.
            :meth:`verify` checks all.
        buffers: Where results come from. (default: a pool of its own)

    Attributes:
        traffic: Under ``"disk"``, bytes moved are those of the 4 KiB pages read. With ``"mmap"``
            and ``"pread"`` some may have been in the page cache: the count is what came from the
            disk had the cache been empty. ``"mmap"`` counts distinct pages of each
            :meth:`gather`. Chunks read to be verified count as well.

    Raises:
        DataNotFoundError: If there is no such file.
        InputTypeError: If ``path`` is neither text nor a path.
        InputError: If it is another kind of file, of another version, cut off or damaged; for
            ``"direct"`` also if its file system refuses such reads.
        UnknownNameError: If ``access`` or ``verify`` is none of these.

    Example:
        >>> import tempfile, torch
        >>> from graphlearn.store import write_rows
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_rows(f"{folder}/x.rows", torch.arange(6.0).view(3, 2))
        ...     with DiskStore(f"{folder}/x.rows") as store:
        ...         store, store.gather(torch.tensor([2, 0])).tolist()
        ...     store.traffic
        (DiskStore(3 rows of 2 float32, cpu), [[4.0, 5.0], [0.0, 1.0]])
        Traffic(disk=2 rows, 4096 bytes)
    """

    def __init__(
        self,
        path: Path | str,
        *,
        access: Access = "mmap",
        threads: int = 8,
        verify: Verify = "header",
        buffers: BufferPool | None = None,
    ) -> None:
        for name, value, known in (
            ("access", access, get_args(Access)),
            ("verify", verify, get_args(Verify)),
        ):
            if value not in known:
                raise unknown_name(name, value, known)
        self.access: Access = access
        self.threads = check_size(threads, name="threads")
        self._options: dict[str, Any] = {"access": access, "threads": threads, "verify": verify}
        self._file = RowFile(path, direct=access == "direct")
        self.path = self._file.path
        header = self._file.header
        super().__init__(header.num_rows, header.row_shape, header.dtype)
        self._unseen = (
            np.ones(header.num_chunks, dtype=np.bool_) if verify == "read" else None
        )  # chunks that are still to be verified
        self.buffers = BufferPool() if buffers is None else buffers
        self._is_own_pool = buffers is None
        self._rows: MappedRows | PageReads
        if access == "mmap":
            self._rows = MappedRows(self._file, self.threads)
        else:
            self._file.reader.advise("random")
            self._rows = PageReads(self._file.reader, self.threads)

    def verify(self) -> None:
        """Read the whole file and compare it with its checksums.

        Raises:
            InputError: If it is not what was written, or cannot be read, or the store was closed.
        """
        with self._in_use():
            self._file.verify()

    def _empty(self, shape: tuple[int, ...]) -> Tensor:
        return self.buffers.empty(shape, self.dtype)

    def _gather(self, index: Tensor, out: Tensor) -> None:
        file = self._file
        rows = index.detach().cpu().numpy().astype(np.int64, copy=False)
        target = as_bytes(out.detach())
        moved = 0
        if self._unseen is not None:
            moved += self._verify_chunks(file, self._unseen, rows)
        if isinstance(self._rows, MappedRows):
            moved += self._rows.gather(rows, target)
        else:
            plan = plan_reads(rows, self.row_bytes, file.header.data_offset, tasks=4 * self.threads)
            self._rows.gather(plan, target)
            moved += plan.num_bytes
        useful = len(rows) * self.row_bytes
        self.traffic.add("disk", rows=len(rows), useful_bytes=useful, moved_bytes=moved)

    def _verify_chunks(
        self, file: RowFile, unseen: NDArray[np.bool_], rows: NDArray[np.int64]
    ) -> int:
        if not unseen.any():
            return 0
        chunk_bytes = file.header.chunk_bytes
        low, high = rows * self.row_bytes // chunk_bytes, (rows + 1) * self.row_bytes - 1
        high //= chunk_bytes
        moved = 0
        for step in range(int((high - low).max()) + 1):  # a long row lies in several chunks
            chunks = np.minimum(low + step, high)
            for chunk in np.unique(chunks[unseen[chunks]]).tolist():
                moved += file.verify_chunk(chunk)
                unseen[chunk] = False
        return moved

    def _release(self) -> None:
        self._rows.close()
        self._file.close()
        if self._is_own_pool:
            self.buffers.clear()

    def __reduce__(self) -> tuple[Any, ...]:
        # A process that gets the store (a loader's worker) opens the file for itself.
        return partial(type(self), **self._options), (self.path.absolute(),)


class MappedRows:
    """The rows of a file, mapped into memory for reads at random.

    Args:
        file: The file.
        threads: How many threads wait for pages at once.

    Example:
        >>> import tempfile, torch
        >>> from graphlearn.store import write_rows
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_rows(f"{folder}/x.rows", torch.arange(4, dtype=torch.uint8).view(2, 2))
        ...     with RowFile(f"{folder}/x.rows") as file:
        ...         rows, out = MappedRows(file, 1), np.empty((1, 2), dtype=np.uint8)
        ...         rows.gather(np.array([1]), out), out.tolist()
        (4096, [[2, 3]])
    """

    def __init__(self, file: RowFile, threads: int) -> None:
        self._offset = file.header.data_offset
        self._map = mmap.mmap(file.reader.descriptor, 0, access=mmap.ACCESS_READ)
        if hasattr(mmap, "MADV_RANDOM"):
            self._map.madvise(mmap.MADV_RANDOM)
        self._threads = Threads(threads)
        count = file.header.num_rows * file.header.row_bytes
        data = np.frombuffer(self._map, dtype=np.uint8, count=count, offset=self._offset)
        self._rows = data.reshape(file.header.num_rows, file.header.row_bytes)

    def gather(self, index: NDArray[np.int64], out: NDArray[np.uint8]) -> int:
        """Write rows to ``out [R, row_bytes]``; return the bytes of the pages they lie on."""
        # In ascending order, so that threads do not wait for the same page.
        order = np.argsort(index, kind="stable")
        ascending = index[order]
        step = max(_LEAST_ROWS, -(-len(index) // (4 * self._threads.number)))

        def run(task: int) -> None:
            part = slice(task * step, (task + 1) * step)
            out[order[part]] = self._rows[ascending[part]]

        self._threads.run(run, -(-len(index) // step))
        start = ascending * self._rows.shape[1] + self._offset
        first, last = start // PAGE, (start + self._rows.shape[1] - 1) // PAGE
        before = np.concatenate([first[:1] - 1, last[:-1]])
        return int((last - np.maximum(first - 1, before)).sum()) * PAGE

    def close(self) -> None:
        """End the threads and unmap the file."""
        self._threads.close()
        self._rows = np.empty((0, 0), dtype=np.uint8)
        with contextlib.suppress(BufferError):  # someone holds a view of it: unmapped after that
            self._map.close()


_LEAST_ROWS = 64  # of a task: below that a hand-over costs more than waiting for a few pages
