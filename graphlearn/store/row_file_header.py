"""What a file of rows holds, and where: its header."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch

from graphlearn.errors import InputError
from graphlearn.store.file_header import PAGE, decode_header, encode_header, whole_pages
from graphlearn.store.row_store import DTYPES

_MAGIC, _VERSION, _KIND = b"\x89GLROWS\n", 1, "file of rows"
CHUNK_BYTES = 1 << 18
"""Bytes to a checksum. Small, because checking a row at its first use reads the whole chunk."""


@dataclass(frozen=True)
class RowFileHeader:
    """The header of a file of rows, and the places that follow from it.

    ``header (a page) | rows, then zeros to a page's end | checksums, zeros, their own checksum``.
    A chunk is ``chunk_bytes`` of the second part, the last one what is left.

    Args:
        num_rows: Rows in the file.
        row_shape: Shape of one.
        dtype: What they are made of.
        chunk_bytes: Bytes to a checksum, whole pages.

    Example:
        >>> header = RowFileHeader(1000, (128,), torch.float32)
        >>> header.row_bytes, header.num_chunks, header.checksum_offset, header.file_bytes
        (512, 2, 516096, 520192)
        >>> RowFileHeader.decode(header.encode(), "a") == header
        True
    """

    num_rows: int
    row_shape: tuple[int, ...]
    dtype: torch.dtype
    chunk_bytes: int = CHUNK_BYTES

    @property
    def row_bytes(self) -> int:
        """Bytes of a row; the next one starts right behind it."""
        return math.prod(self.row_shape) * self.dtype.itemsize

    @property
    def data_offset(self) -> int:
        """Where the first row starts."""
        return PAGE

    @property
    def data_bytes(self) -> int:
        """Bytes of the rows with the zeros behind them: whole pages."""
        return whole_pages(self.num_rows * self.row_bytes)

    @property
    def num_chunks(self) -> int:
        """How many checksums there are."""
        return -(-self.data_bytes // self.chunk_bytes)

    @property
    def checksum_offset(self) -> int:
        """Where the checksums start."""
        return self.data_offset + self.data_bytes

    @property
    def file_bytes(self) -> int:
        """Length of the whole file: whole pages, so that reads past the cache reach its end."""
        return self.checksum_offset + whole_pages(4 * self.num_chunks + 4)

    def encode(self) -> bytes:
        """Return the header's page."""
        fields = {
            "num_rows": self.num_rows,
            "row_shape": list(self.row_shape),
            "dtype": str(self.dtype).removeprefix("torch."),
            "row_stride": self.row_bytes,
            "data_offset": self.data_offset,
            "chunk_bytes": self.chunk_bytes,
            "checksum": "crc32",
            "file_bytes": self.file_bytes,
        }
        return encode_header(_MAGIC, _VERSION, fields)

    @staticmethod
    def decode(page: bytes, path: Path | str) -> RowFileHeader:
        """Return the header that a page holds.

        Args:
            page: The first 4096 bytes of the file, or all it has.
            path: The file, for the error text.

        Raises:
            InputError: If it is another kind of file, of another version, or damaged.
        """
        fields = decode_header(page, _MAGIC, _VERSION, path=path, kind=_KIND)
        try:
            header = RowFileHeader(
                int(fields["num_rows"]),
                tuple(int(size) for size in fields["row_shape"]),
                DTYPES[fields["dtype"]],
                int(fields["chunk_bytes"]),
            )
            agrees = (
                min(header.num_rows, *header.row_shape, header.chunk_bytes - PAGE) >= 0
                and header.chunk_bytes % PAGE == 0
                and header.encode() == page
            )
        except (KeyError, TypeError, ValueError):
            agrees = False
        if not agrees:  # whole, but not what any writer of this version makes
            raise InputError(f"{path} has an inconsistent header", mend="write the file again")
        return header
