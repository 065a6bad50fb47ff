"""The writer of files of rows: a block at a time, and the old file stays until all is there."""

from __future__ import annotations

import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.kernels.gather.words import as_bytes
from graphlearn.store.file_header import PAGE
from graphlearn.store.row_blocks import row_blocks
from graphlearn.store.row_file import encode_checksums
from graphlearn.store.row_file_header import RowFileHeader
from graphlearn.store.whole_file import WholeFile
from graphlearn.validate import check_num_nodes, check_size

BLOCK_BYTES = 64 << 20
"""Bytes of rows in memory at once."""


def write_rows(
    path: Path | str,
    source: Any,
    *,
    num_rows: int | None = None,
    dtype: torch.dtype | None = None,
    columns: str | list[str] | None = None,
    block_bytes: int = BLOCK_BYTES,
) -> RowFileHeader:
    """Write rows to a file that :class:`graphlearn.store.DiskStore` reads.

    The source may be larger than memory. NaN and infinity are written as they are. The file is
    written beside its place and renamed: after an error, also a full disk, the old one stands.

    Args:
        path: The file to write.
        source: A tensor or array ``[N, ...]``, a store, the path of a ``.npy`` or ``.parquet``
            file, or an iterable of blocks ``[n, ...]`` (tensors or arrays, alike but for ``n``).
        num_rows: How many rows there must be in all; any number if None.
        dtype: Convert to this one; by default rows stay as they are.
        columns: Of a parquet file: one name for rows that are numbers, or lists of fixed size;
            several for rows of so many numbers; None for all columns.
        block_bytes: How much is read and written at once.

    Shapes:
        - **source**: ``[N, *row_shape]``

    Raises:
        DataNotFoundError: If the source is a path and there is no such file.
        InputTypeError: If the source, its dtype or ``path`` is none of these.
        InputError: If the source cannot be read, its blocks differ in form, or it has another
            number of rows than ``num_rows``.
        OutputError: If the file cannot be written.
        MissingExtraError: If a parquet file is given and pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> blocks = (torch.full((2, 3), float(number)) for number in range(3))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_rows(f"{folder}/x.rows", blocks).num_rows
        6
    """
    check_size(block_bytes, name="block_bytes")
    found = row_blocks(source, block_bytes=block_bytes, dtype=dtype, columns=columns)
    wanted = found.num_rows if num_rows is None else check_num_nodes(num_rows, name="num_rows")
    if found.num_rows not in (None, wanted):
        raise _other_count(str(found.num_rows), wanted)
    header = RowFileHeader(0, found.row_shape, found.dtype)
    written = 0
    with WholeFile(path) as file:
        file.write(bytes(header.data_offset))  # the header's place: it says how many rows came
        rows = _CheckedWriter(file, header.chunk_bytes)
        for block in found.blocks:
            written += len(block)
            if wanted is not None and written > wanted:
                raise _other_count(f"more than {wanted}", wanted)
            rows.write(block)
        if wanted not in (None, written):
            raise _other_count(str(written), wanted)
        header = replace(header, num_rows=written)
        rows.fill_page()
        file.write(encode_checksums(rows.finish()))
        file.rewrite(0, header.encode())
        file.finish()
    return header


def _other_count(given: str, wanted: int | None) -> InputError:
    return InputError(f"the source has {given} rows", expected=f"num_rows={wanted}")


class _CheckedWriter:
    """Writes rows, and keeps the checksum of each chunk."""

    def __init__(self, file: WholeFile, chunk_bytes: int) -> None:
        self._file = file
        self._chunk_bytes = chunk_bytes
        self._written = 0
        self._checksum = 0
        self._checksums: list[int] = []

    def write(self, block: Tensor) -> None:
        data = as_bytes(block).reshape(-1)
        if data.size:
            self._write(data.data)

    def fill_page(self) -> None:
        self._write(memoryview(bytes(-self._written % PAGE)))

    def finish(self) -> list[int]:
        if self._written % self._chunk_bytes:
            self._checksums.append(self._checksum)
        return self._checksums

    def _write(self, data: memoryview) -> None:
        self._file.write(data)
        while len(data):
            room = self._chunk_bytes - self._written % self._chunk_bytes
            part, data = data[:room], data[room:]
            self._checksum = zlib.crc32(part, self._checksum)
            self._written += len(part)
            if self._written % self._chunk_bytes == 0:
                self._checksums.append(self._checksum)
                self._checksum = 0
