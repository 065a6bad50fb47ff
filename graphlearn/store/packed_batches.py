"""Reads packed batches: rows from the file and rows kept in memory, put in their order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlearn.kernels.gather.words import as_bytes
from graphlearn.store.packed_file import PackedFile
from graphlearn.store.packed_format import FIRST_BATCH, RESIDENT_IDS, RESIDENT_ROWS
from graphlearn.store.row_store import RowStore
from graphlearn.store.traffic import Traffic


@dataclass(frozen=True, eq=False)
class PackedBatch:
    """A batch: its rows, and which rows of the table they are.

    Args:
        rows: The rows.
        index: Their numbers.

    Shapes:
        - **rows**: ``[B, *row_shape]``
        - **index**: ``[B]``, int64
    """

    rows: Tensor
    index: Tensor


class PackedBatches:
    """The batches of a file, by number. Threads may read at once.

    Apart from the store, since a thread that reads ahead holds this, and would keep the store.

    Args:
        file: The file.
        resident: A store that has the resident rows; if None, they are read from the file now.
        traffic: Counts what is read.

    Raises:
        InputError: If the resident rows are damaged.

    Example:
        >>> import tempfile
        >>> from graphlearn.store import MemoryStore, PackedWriter
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     source = MemoryStore(torch.arange(4.0))
        ...     with PackedWriter(f"{folder}/x.pack", source, torch.tensor([0])) as writer:
        ...         writer.add(torch.tensor([3, 0, 2]))
        ...         _ = writer.finish()
        ...     file = PackedFile(f"{folder}/x.pack")
        ...     batches = PackedBatches(file, None, Traffic())
        ...     batches.sizes(), batches.read(0).rows.tolist()
        ...     file.close()
        ([4108], [3.0, 0.0, 2.0])
    """

    def __init__(self, file: PackedFile, resident: RowStore | None, traffic: Traffic) -> None:
        self._file = file
        self._traffic = traffic
        self._resident_ids = file.read(RESIDENT_IDS)[1].astype(np.int64)
        self._resident = file.read(RESIDENT_ROWS)[0] if resident is None else resident

    def sizes(self) -> list[int]:
        """Bytes of memory that each batch needs while it is read."""
        header = self._file.header
        return [
            header.segment_bytes(count=count, packed=packed)
            # Where rows come from memory too, all are copied together.
            + (count > packed) * count * header.row_bytes
            for _, count, packed, _, _ in self._file.segments[FIRST_BATCH:].tolist()
        ]

    def first_with_rows(self) -> int | None:
        """The number of the first batch that asks for rows; None if none does."""
        counts = self._file.segments["count"][FIRST_BATCH:]
        return int(np.argmax(counts > 0)) if bool((counts > 0).any()) else None

    def read(self, number: int) -> PackedBatch:
        """Read one batch.

        Raises:
            InputError: If it is damaged, or the file is closed.
        """
        packed, codes = self._file.read(FIRST_BATCH + number)
        ids = codes.astype(np.int64)
        header = self._file.header
        useful = len(packed) * header.row_bytes
        moved = header.segment_bytes(count=len(ids), packed=len(packed))
        self._traffic.add("disk", rows=len(packed), useful_bytes=useful, moved_bytes=moved)
        if len(packed) == len(ids):
            return PackedBatch(packed, torch.from_numpy(ids))
        is_resident = codes < 0
        slots = -1 - ids[is_resident]
        ids[is_resident] = self._resident_ids[slots]
        rows = self._file.buffers.empty((len(ids), *header.row_shape), header.dtype)
        as_bytes(rows)[~is_resident] = as_bytes(packed)
        if isinstance(self._resident, RowStore):
            kept = self._resident.gather(torch.from_numpy(ids[is_resident])).cpu()
            as_bytes(rows)[is_resident] = as_bytes(kept.detach())
        else:
            as_bytes(rows)[is_resident] = as_bytes(self._resident)[slots]
        useful = len(slots) * header.row_bytes
        self._traffic.add("memory", rows=len(slots), useful_bytes=useful, moved_bytes=useful)
        return PackedBatch(rows, torch.from_numpy(ids))

    def read_in_order(self, number: int) -> PackedBatch:
        """Read one batch of many: the system may fetch the next one, and let this one go.

        Raises:
            InputError: If it is damaged, or the file is closed.
        """
        self._file.advise("willneed", FIRST_BATCH + number + 1)
        batch = self.read(number)
        self._file.advise("dontneed", FIRST_BATCH + number)
        return batch
