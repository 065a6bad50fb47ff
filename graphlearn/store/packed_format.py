"""What a file of packed mini-batches holds, and where."""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from graphlearn.errors import InputError
from graphlearn.store.file_header import PAGE, decode_header, encode_header, whole_pages
from graphlearn.store.row_store import DTYPES

_MAGIC, _VERSION, _KIND = b"\x89GLPACK\n", 1, "file of packed batches"

SEGMENT = np.dtype(
    [("offset", "<i8"), ("count", "<i8"), ("packed", "<i8"), ("checksum", "<u4"), ("zero", "<u4")]
)
"""An entry of the table at the end: where a segment starts, its ids, its rows, its CRC-32."""

RESIDENT_IDS, RESIDENT_ROWS, FIRST_BATCH = 0, 1, 2
"""Which segments hold what."""


@dataclass(frozen=True)
class PackedHeader:
    """The header of a file of packed batches.

    ``header (a page) | segments | table``. Each segment starts at a page: ``rows | zeros to a
    multiple of 8 | codes | zeros to a page's end``. The first two hold the ids and the rows that
    are kept in memory; then comes one for each batch. A batch has a code for each of its rows in
    order: the row's id if it is packed here (in this order), else ``-1 - k`` for resident row
    ``k``. The table has a :data:`SEGMENT` for each, and at its end its own CRC-32.

    Args:
        num_rows: Rows of the table that batches were packed from.
        row_shape: Shape of one.
        dtype: What they are made of.
        num_batches: Batches packed.
        num_resident: Rows that are kept in memory.
        table_offset: Where the table starts.

    Example:
        >>> header = PackedHeader(1000, (128,), torch.float32, 10, 0, 1 << 20)
        >>> header.segment_bytes(count=20, packed=8), header.file_bytes
        (8192, 1052672)
        >>> PackedHeader.decode(header.encode(), "a") == header
        True
    """

    num_rows: int
    row_shape: tuple[int, ...]
    dtype: torch.dtype
    num_batches: int
    num_resident: int
    table_offset: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row."""
        return math.prod(self.row_shape) * self.dtype.itemsize

    @property
    def code_dtype(self) -> np.dtype[Any]:
        """What ids and codes are made of: four bytes if all ids fit."""
        return np.dtype("<i4") if self.num_rows < 1 << 31 else np.dtype("<i8")

    @property
    def table_bytes(self) -> int:
        """Bytes of the table, with the zeros and the checksum at its end."""
        return whole_pages((FIRST_BATCH + self.num_batches) * SEGMENT.itemsize + 4)

    @property
    def file_bytes(self) -> int:
        """Length of the whole file."""
        return self.table_offset + self.table_bytes

    def codes_offset(self, packed: int) -> int:
        """Where codes start in a segment."""
        return -(-packed * self.row_bytes // 8) * 8

    def segment_bytes(self, *, count: int, packed: int) -> int:
        """Bytes of a segment of ``packed`` rows and ``count`` codes: whole pages."""
        return whole_pages(self.codes_offset(packed) + count * self.code_dtype.itemsize)

    def encode(self) -> bytes:
        """Return the header's page."""
        fields = {
            "num_rows": self.num_rows,
            "row_shape": list(self.row_shape),
            "dtype": str(self.dtype).removeprefix("torch."),
            "num_batches": self.num_batches,
            "num_resident": self.num_resident,
            "table_offset": self.table_offset,
            "checksum": "crc32",
            "file_bytes": self.file_bytes,
        }
        return encode_header(_MAGIC, _VERSION, fields)

    @staticmethod
    def decode(page: bytes, path: Path | str) -> PackedHeader:
        """Return the header that a page holds.

        Args:
            page: The first 4096 bytes of the file, or all it has.
            path: The file, for the error text.

        Raises:
            InputError: If it is another kind of file, of another version, or damaged.
        """
        fields = decode_header(page, _MAGIC, _VERSION, path=path, kind=_KIND)
        names = ("num_batches", "num_resident", "table_offset")
        try:
            header = PackedHeader(
                int(fields["num_rows"]),
                tuple(int(size) for size in fields["row_shape"]),
                DTYPES[fields["dtype"]],
                *(int(fields[name]) for name in names),
            )
            least = min(header.num_rows, *header.row_shape, header.num_batches)
            agrees = (
                min(least, header.num_resident, header.table_offset - PAGE) >= 0
                and header.table_offset % PAGE == 0
                and header.encode() == page
            )
        except (KeyError, TypeError, ValueError):
            agrees = False
        if not agrees:
            raise InputError(f"{path} has an inconsistent header", mend="pack the batches again")
        return header


def encode_table(entries: list[tuple[int, int, int, int]]) -> bytes:
    """Return the table of segments ``(offset, count, packed, checksum)``, with its own checksum.

    Example:
        >>> len(encode_table([(4096, 0, 0, 0), (4096, 0, 0, 0)]))
        4096
    """
    table = np.array([(*entry, 0) for entry in entries], dtype=SEGMENT).tobytes()
    table = table.ljust(whole_pages(len(table) + 4) - 4, b"\0")
    return table + zlib.crc32(table).to_bytes(4, "little")


def decode_table(data: memoryview, header: PackedHeader, path: Path | str) -> NDArray[np.void]:
    """Return the entries of the table, one of :data:`SEGMENT` for each segment.

    Raises:
        InputError: If it is not what was written.
    """
    if zlib.crc32(data[:-4]) != int.from_bytes(data[-4:], "little"):
        raise InputError(
            f"{path} has a damaged table of batches",
            expected="the bytes that were written",
            mend="pack the batches again",
        )
    return np.frombuffer(data, dtype=SEGMENT, count=FIRST_BATCH + header.num_batches)
