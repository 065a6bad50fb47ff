"""A file of packed batches, open: each segment is read in one piece and checked."""

from __future__ import annotations

import zlib
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.store.buffer_pool import BufferPool
from graphlearn.store.file_header import PAGE
from graphlearn.store.file_reader import FileReader, first_page
from graphlearn.store.packed_format import FIRST_BATCH, PackedHeader, decode_table


class PackedFile:
    """A file that :class:`graphlearn.store.PackedWriter` wrote; threads may read it together.

    Args:
        path: The file.
        direct: Read past the page cache.
        buffers: Where the memory of segments comes from. (default: a pool of its own)

    Raises:
        DataNotFoundError: If there is no such file.
        InputTypeError: If ``path`` is neither text nor a path.
        InputError: If it is another kind of file, of another version, cut off, or its header or
            table of batches is damaged.

    Example:
        >>> import tempfile
        >>> from graphlearn.store import MemoryStore, PackedWriter
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with PackedWriter(f"{folder}/x.pack", MemoryStore(torch.arange(4.0))) as writer:
        ...         writer.add(torch.tensor([3, 1]))
        ...         _ = writer.finish()
        ...     file = PackedFile(f"{folder}/x.pack")
        ...     rows, codes = file.read(FIRST_BATCH)
        ...     file.close()
        >>> rows.tolist(), codes.tolist()
        ([3.0, 1.0], [3, 1])
    """

    def __init__(
        self, path: Path | str, *, direct: bool = False, buffers: BufferPool | None = None
    ) -> None:
        self._reader = FileReader(path, direct=direct)
        self.path, self.direct = self._reader.path, direct
        # Page faults of fresh memory would take ten times as long as the reads of a warm file.
        self.buffers = BufferPool() if buffers is None else buffers
        try:
            self.header = PackedHeader.decode(first_page(self._reader), path)
            if self._reader.size != self.header.file_bytes:
                raise InputError(
                    f"{path} has {self._reader.size} bytes",
                    expected=f"{self.header.file_bytes}, as its header says",
                    mend="pack the batches again",
                )
            table = self._reader.read(self.header.table_offset, self.header.table_bytes)
            self.segments = decode_table(table, self.header, path)
        except BaseException:
            self._reader.close()
            raise
        self._reader.advise("sequential")

    def read(self, segment: int) -> tuple[Tensor, NDArray[Any]]:
        """Read the rows and the codes of a segment; both are views of one buffer.

        Raises:
            InputError: If it is not what was written, cannot be read, or the file is closed.
        """
        offset, length = self.place(segment)
        buffer = self._aligned(length)
        data = buffer.numpy()
        self._reader.read_into(data.data, offset)
        _, count, packed, checksum, _ = self.segments[segment].item()
        if zlib.crc32(data.data) != checksum:
            number = segment - FIRST_BATCH
            what = f"batch {number}" if number >= 0 else "the rows to keep in memory"
            raise InputError(
                f"{self.path} is damaged in {what}",
                expected="the bytes that were written",
                mend="pack the batches again",
            )
        header = self.header
        rows = buffer[: packed * header.row_bytes].view(header.dtype)
        begin = header.codes_offset(packed)
        codes = data[begin : begin + count * header.code_dtype.itemsize]
        return rows.view(packed, *header.row_shape), codes.view(header.code_dtype)

    def _aligned(self, num_bytes: int) -> Tensor:
        """Bytes that start at a page of memory, as reads past the page cache want them."""
        buffer = self.buffers.empty((num_bytes + PAGE,), torch.uint8)
        begin = -buffer.data_ptr() % PAGE
        return buffer[begin : begin + num_bytes]

    def place(self, segment: int) -> tuple[int, int]:
        """Where a segment starts in the file, and its bytes."""
        offset, count, packed, _, _ = self.segments[segment].item()
        return offset, self.header.segment_bytes(count=count, packed=packed)

    def advise(self, advice: str, segment: int) -> None:
        """Tell the system how a segment will be used (``"willneed"``, ``"dontneed"``), if it is."""
        if segment < len(self.segments):
            offset, length = self.place(segment)
            if length:  # to the system, 0 is all up to the end
                self._reader.advise(advice, offset, length)

    def verify(self) -> None:
        """Read all segments and compare them with their checksums.

        Raises:
            InputError: If one is not what was written, or cannot be read.
        """
        for segment in range(len(self.segments)):
            self.read(segment)

    def close(self) -> None:
        """Close the file."""
        self._reader.close()
