"""Mini-batches whose rows were packed beforehand, read from the disk one behind the other."""

from __future__ import annotations

import threading
import weakref
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store.buffer_pool import BufferPool
from graphlearn.store.packed_batches import PackedBatch, PackedBatches
from graphlearn.store.packed_file import PackedFile
from graphlearn.store.read_ahead import ReadAhead
from graphlearn.store.row_store import RowStore, check_index
from graphlearn.validate import check_flag, check_num_nodes, check_size

READ_AHEAD_BYTES = 256 << 20
"""Batches that were read and not yet used, in memory at once."""


class PackedStore(RowStore):
    """Reads batches that a :class:`graphlearn.store.PackedWriter` packed.

    :meth:`batch` reads one, :meth:`epoch` all of them with a thread that reads ahead. As a store,
    :meth:`gather` replays: it gives the rows of the next packed batch, for a loader that draws the
    same batches once more, and refuses an index that is not that batch's. After the last batch
    comes the first, which may also be asked for at any time: so does a loader whose last epoch was
    left early. Empty batches, which ask for no rows, are passed over.

    Each batch is compared with its checksum as it is read (CRC-32, 3 GB/s).

    Args:
        path: The file.
        resident: A store of the whole table that has the resident rows in fast memory. By default
            they are read from the file on opening, and kept.
        direct: Read past the page cache (``O_DIRECT``). By default reads go through it, the next
            batch is announced to the system, and what an epoch has read is let go.
        read_ahead_bytes: Memory of batches that were read and not yet used.
        buffers: Where the memory of batches comes from. (default: a pool of its own)

    Attributes:
        traffic: Under ``"disk"``, the packed rows; bytes moved are those of the whole segment with
            its ids. Under ``"memory"``, the resident ones.

    Raises:
        DataNotFoundError: If there is no such file.
        InputTypeError: If ``resident`` is no store, or ``path`` neither text nor a path.
        InputError: If it is another kind of file, of another version, cut off or damaged, or
            ``resident`` is a store of other rows; with ``direct`` also if its file system refuses
            such reads.

    Example:
        >>> import tempfile
        >>> from graphlearn.store import DiskStore, PackedWriter, write_rows
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_rows(f"{folder}/x.rows", torch.arange(4.0))
        ...     with (
        ...         DiskStore(f"{folder}/x.rows") as source,
        ...         PackedWriter(f"{folder}/x.pack", source, resident=torch.tensor([0])) as writer,
        ...     ):
        ...         writer.add(torch.tensor([3, 0]))
        ...         _ = writer.finish()
        ...     with PackedStore(f"{folder}/x.pack") as store:
        ...         batch = store.batch(0)
        ...         again = store.gather(torch.tensor([3, 0]))
        >>> batch.rows.tolist(), batch.index.tolist(), again.tolist(), store.traffic.share("memory")
        ([3.0, 0.0], [3, 0], [3.0, 0.0], 0.5)
    """

    in_order = True

    def __init__(
        self,
        path: Path | str,
        *,
        resident: RowStore | None = None,
        direct: bool = False,
        read_ahead_bytes: int = READ_AHEAD_BYTES,
        buffers: BufferPool | None = None,
    ) -> None:
        self.read_ahead_bytes = check_size(read_ahead_bytes, name="read_ahead_bytes")
        self._file = PackedFile(path, direct=check_flag(direct, name="direct"), buffers=buffers)
        self.path = self._file.path
        self._is_own_pool = buffers is None
        self._epochs: weakref.WeakSet[ReadAhead[PackedBatch]] = weakref.WeakSet()
        self._replay: ReadAhead[PackedBatch] | None = None
        self._replayed: tuple[int, PackedBatch] | None = None  # read, and not yet asked for
        self._next = 0
        self._first: Tensor | None = None  # the rows of the first batch that has any, once asked
        self._replay_lock = threading.Lock()
        header = self._file.header
        super().__init__(header.num_rows, header.row_shape, header.dtype)
        try:
            self._resident = self._check_resident(resident)
            self._batches = PackedBatches(self._file, self._resident, self.traffic)
        except BaseException:
            self._file.close()
            raise

    @property
    def num_batches(self) -> int:
        """How many batches there are."""
        return self._file.header.num_batches

    def batch(self, number: int) -> PackedBatch:
        """Read one batch.

        Args:
            number: Its place in the order in which batches were packed.

        Raises:
            InputError: If there is no such batch, it is damaged, or the store was closed.
        """
        with self._in_use():
            return self._batches.read(self._check_number(number, self.num_batches - 1))

    def epoch(self, first: int = 0) -> ReadAhead[PackedBatch]:
        """Iterate over all batches in order, while a thread reads the next ones.

        The thread stops where the loop is left, and at ``close()`` of the iterator or the store;
        an iterator that the store is closed under says so.

        Args:
            first: The batch to start with.

        Raises:
            InputError: If there is no such batch, or the store was closed; from the iterator, if a
                batch is damaged, or the store closed before the last one.
        """
        first = self._check_number(first, self.num_batches)
        batches, limit = self._batches, self.read_ahead_bytes
        with self._in_use():
            ahead = ReadAhead(batches.read_in_order, batches.sizes(), limit, first)
            self._epochs.add(ahead)
        return ahead

    def rewind(self, number: int = 0) -> None:
        """Let :meth:`gather` go on with a batch of this number.

        Raises:
            InputError: If there is no such batch.
        """
        number = self._check_number(number, self.num_batches)
        with self._replay_lock:
            self._stop_replay(number)

    def verify(self) -> None:
        """Read all batches and compare them with their checksums.

        Raises:
            InputError: If one is not what was written, or cannot be read, or the store was closed.
        """
        with self._in_use():
            self._file.verify()

    def gather(self, index: Tensor, out: Tensor | None = None) -> Tensor:
        """Return the rows of the next batch, or of the first; see above.

        Args:
            index: That batch's rows, in its order.
            out: Where to write them; the memory they were read to if None.

        Shapes:
            - **index**: ``[B]``, int32 or int64; **out** and **output**: ``[B, *row_shape]``

        Raises:
            InputTypeError: If ``index`` is not an integer tensor, or ``out`` has another dtype.
            InputError: If ``index`` is not that batch's, the batch is damaged, ``out`` has another
                shape or device, or the store was closed.
        """
        if out is None and self.row_bytes and check_index(index, self.num_rows).numel():
            with self._in_use():
                return self._replay_rows(index)  # spares a copy
        return super().gather(index, out)

    def _gather(self, index: Tensor, out: Tensor) -> None:
        out.copy_(self._replay_rows(index))

    def _replay_rows(self, index: Tensor) -> Tensor:
        wanted = index.to("cpu", torch.int64)
        with self._replay_lock:
            if self._replayed is None:
                self._replayed = self._next_batch()
            number, batch = self._replayed
            if not torch.equal(wanted, batch.index) and self._is_first(wanted):
                self._stop_replay(0)  # an epoch was left early, and the next one begins
                number, batch = self._replayed = self._next_batch()
            if not torch.equal(wanted, batch.index):
                raise InputError(
                    f"index, with {len(index)} rows, is not that of batch {number} of {self.path}",
                    expected=f"the {len(batch.index)} rows that were packed, in their order",
                    mend="draw the batches in the order they were packed, or from the first on, or "
                    "call rewind(number)",
                )
            self._replayed = None
            return batch.rows

    def _is_first(self, wanted: Tensor) -> bool:
        if self._first is None:
            number = self._batches.first_with_rows()
            self._first = self._batches.read(0 if number is None else number).index
        return torch.equal(wanted, self._first)

    def _next_batch(self) -> tuple[int, PackedBatch]:
        for _ in range(2):  # what is left of this epoch, then once more from the start
            if self._replay is None:
                self._replay = self.epoch(self._next)
            try:
                for batch in self._replay:
                    number = self._next
                    self._next += 1
                    if len(batch.index):
                        return number, batch
            except BaseException:
                self._stop_replay(self._next)  # the next try meets the same batch
                raise
            self._stop_replay(0)
        raise InputError(f"{self.path} holds no batch with rows", expected="one to replay")

    def _stop_replay(self, number: int) -> None:
        if self._replay is not None:
            self._replay.close()
        self._replay, self._replayed, self._next = None, None, number

    def _check_resident(self, resident: Any) -> RowStore | None:
        if resident is None:
            return None
        if not isinstance(resident, RowStore):
            raise InputTypeError(
                f"resident is of type {type(resident).__name__}", expected="a store"
            )
        if (resident.num_rows, resident.row_shape, resident.dtype) != (
            self.num_rows,
            self.row_shape,
            self.dtype,
        ):
            raise InputError(f"resident is a {resident}", expected=f"the rows of {self}")
        return resident

    def _check_number(self, number: int, last: int) -> int:
        if check_num_nodes(number, name="number") > last:
            raise InputError(
                f"number is {number}", expected=f"one of the {self.num_batches} batches"
            )
        return number

    def _release(self) -> None:
        for epoch in list(self._epochs):
            epoch.fail(self._closed_error())
        self._file.close()
        if self._is_own_pool:
            self._file.buffers.clear()

    def __reduce__(self) -> tuple[Any, ...]:
        # A process that gets the store opens the file for itself.
        again = partial(
            type(self),
            resident=self._resident,
            direct=self._file.direct,
            read_ahead_bytes=self.read_ahead_bytes,
        )
        return again, (self.path.absolute(),)
