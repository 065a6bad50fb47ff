"""The writer of packed batches: the rows of each, in one piece, in the order they are used."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.gather.words import as_bytes
from graphlearn.store.file_header import PAGE
from graphlearn.store.packed_format import PackedHeader, encode_table
from graphlearn.store.row_store import RowStore, check_index
from graphlearn.store.whole_file import WholeFile
from graphlearn.validate import check_size

GROUP_BYTES = 256 << 20
"""Rows of packed batches in memory at once."""
_BLOCK_BYTES = 16 << 20  # read from the source at once


class PackedWriter:
    """Packs the rows of mini-batches that were drawn beforehand, for reads in one piece.

    Rows drawn at random from a disk cost a page each, eight times the bytes of a row of 512. The
    batches of an epoch, drawn before it (DiskGNN, https://arxiv.org/abs/2405.05231), are written
    here one behind the other, each with its rows in order, so that training reads the file from
    its start to its end. Rows that many batches use can be kept in memory instead (``resident``):
    they are written once.

    Batches wait until their rows fill ``group_bytes``; then the source is read once for all of
    them, in ascending order of rows, so a page of it is read once a group at the most. Memory is
    ``group_bytes`` (or one batch, if that is more), and some 50 MB to read and to put in order.

    The file is written beside its place and renamed by :meth:`finish`: after an error, also a full
    disk, or at the end of a ``with`` block without it, the old one stands.

    Args:
        path: The file to write.
        source: The table. A :class:`DiskStore` reads neighboring rows together with
            ``access="pread"`` or ``"direct"``.
        resident: Rows that :class:`PackedStore` keeps in memory; none if None.
        group_bytes: How many bytes of rows are put in order in memory. The more, the fewer times
            the source is read.

    Shapes:
        - **resident**: ``[R]``, int32 or int64, distinct

    Raises:
        InputTypeError: If ``source`` is no store, ``resident`` no integer tensor, or ``path``
            neither text nor a path.
        InputError: If a resident row is out of range or there twice.
        OutputError: If the file cannot be written.

    Example:
        >>> import tempfile
        >>> from graphlearn.store import DiskStore, PackedStore, write_rows
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_rows(f"{folder}/x.rows", torch.arange(8.0).view(4, 2))
        ...     with (
        ...         DiskStore(f"{folder}/x.rows", access="pread") as source,
        ...         PackedWriter(f"{folder}/epoch.pack", source) as writer,
        ...     ):
        ...         writer.add(torch.tensor([3, 0]))
        ...         writer.add(torch.tensor([1]))
        ...         _ = writer.finish()
        ...     with PackedStore(f"{folder}/epoch.pack") as store:
        ...         [batch.rows.tolist() for batch in store.epoch()]
        [[[6.0, 7.0], [0.0, 1.0]], [[2.0, 3.0]]]
    """

    def __init__(
        self,
        path: Path | str,
        source: RowStore,
        resident: Tensor | None = None,
        *,
        group_bytes: int = GROUP_BYTES,
    ) -> None:
        given: Any = source
        if not isinstance(given, RowStore):
            raise InputTypeError(f"source is of type {type(source).__name__}", expected="a store")
        self._source = source
        self._group_bytes = check_size(group_bytes, name="group_bytes")
        self._resident = _check_resident(resident, source.num_rows)
        self._header = PackedHeader(
            source.num_rows, source.row_shape, source.dtype, 0, len(self._resident), PAGE
        )
        self._waiting: list[_Waiting] = []
        self._waiting_bytes = 0
        self._entries: list[tuple[int, int, int, int]] = []
        self._end = PAGE
        self._file = WholeFile(path)
        try:
            self._file.write(bytes(PAGE))  # the header's place: it says how many batches came
            self._write_resident()
        except BaseException:
            self._file.discard()
            raise

    def add(self, index: Tensor) -> None:
        """Pack one more batch.

        Args:
            index: Its rows, in the order in which they will be asked for.

        Shapes:
            - **index**: ``[B]``, int32 or int64

        Raises:
            InputTypeError: If it is no integer tensor.
            InputError: If a row is out of range, or the file is finished or given up.
            OutputError: If the file cannot be written.
        """
        self._file.check_open()
        batch = self._prepare(check_index(index, self._source.num_rows))
        size = len(batch.packed) * (self._header.row_bytes + 32) + batch.codes.nbytes
        if self._waiting and self._waiting_bytes + size > self._group_bytes:
            self._write_group()
        self._waiting.append(batch)
        self._waiting_bytes += size

    def finish(self) -> PackedHeader:
        """Write what waits, and give the file its name.

        Raises:
            InputError: If the file is finished or given up.
            OutputError: If it cannot be written.
        """
        self._file.check_open()
        self._write_group()
        num_batches = len(self._entries) - 2
        header = replace(self._header, num_batches=num_batches, table_offset=self._end)
        self._file.write(encode_table(self._entries))
        self._file.rewrite(0, header.encode())
        self._file.finish()
        return header

    def _prepare(self, index: Tensor) -> _Waiting:
        ids = index.detach().cpu().numpy().astype(np.int64)
        codes = ids.astype(self._header.code_dtype)
        packed = ids
        if len(self._resident):
            slot = np.searchsorted(self._resident, ids)
            slot[slot == len(self._resident)] = 0
            is_resident = self._resident[slot] == ids
            codes[is_resident] = -1 - slot[is_resident]
            packed = ids[~is_resident]
        return _Waiting(codes, packed)

    def _write_resident(self) -> None:
        ids = self._resident
        self._write_segment([], 0, ids.astype(self._header.code_dtype))
        step = self._block_rows
        blocks = (self._read(ids[begin : begin + step]) for begin in range(0, len(ids), step))
        self._write_segment(blocks, len(ids), np.empty(0, dtype=self._header.code_dtype))

    def _write_group(self) -> None:
        if not self._waiting:
            return
        try:
            rows = self._read_group(np.concatenate([batch.packed for batch in self._waiting]))
            begin = 0
            for batch in self._waiting:
                end = begin + len(batch.packed)
                self._write_segment([rows[begin:end]], end - begin, batch.codes)
                begin = end
        except BaseException:
            self._file.discard()  # some batches of the group are written, others are not
            raise
        self._waiting, self._waiting_bytes = [], 0

    def _read_group(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        """The rows of ``ids`` in their order; the source is read in ascending order, each once."""
        order = np.argsort(ids, kind="stable")
        ascending = ids[order]
        is_new = np.diff(ascending, prepend=-1) != 0
        first, number = np.flatnonzero(is_new), np.cumsum(is_new) - 1
        rows = np.empty((len(ids), self._header.row_bytes), dtype=np.uint8)
        for begin in range(0, len(first), self._block_rows):
            some = first[begin : begin + self._block_rows]
            block = self._read(ascending[some])
            end = begin + len(some)
            places = slice(some[0], first[end] if end < len(first) else len(ids))
            rows[order[places]] = block[number[places] - begin]
        return rows

    def _read(self, ids: NDArray[np.int64]) -> NDArray[np.uint8]:
        return as_bytes(self._source.gather(torch.from_numpy(ids)).detach().cpu())

    @property
    def _block_rows(self) -> int:
        return max(1, _BLOCK_BYTES // max(1, self._header.row_bytes))

    def _write_segment(
        self, blocks: Iterable[NDArray[np.uint8]], packed: int, codes: NDArray[Any]
    ) -> None:
        header, checksum = self._header, 0
        total = header.segment_bytes(count=len(codes), packed=packed)
        tail = bytes(header.codes_offset(packed) - packed * header.row_bytes) + codes.tobytes()
        tail = tail.ljust(total - packed * header.row_bytes, b"\0")
        for piece in itertools.chain(blocks, [np.frombuffer(tail, dtype=np.uint8)]):
            data: memoryview = piece.reshape(-1).data
            if len(data):
                self._file.write(data)
                checksum = zlib.crc32(data, checksum)
        self._entries.append((self._end, len(codes), packed, checksum))
        self._end += total

    def close(self) -> None:
        """Give up what is not finished; nothing after :meth:`finish`."""
        self._waiting = []
        self._file.discard()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()


class _Waiting(NamedTuple):
    """A batch whose rows are still to be read: its codes, and the ids of those to pack."""

    codes: NDArray[Any]
    packed: NDArray[np.int64]


def _check_resident(resident: Tensor | None, num_rows: int) -> NDArray[np.int64]:
    """The resident rows in ascending order."""
    if resident is None:
        return np.empty(0, dtype=np.int64)
    ids = check_index(resident, num_rows, name="resident").detach().cpu().numpy()
    ascending = np.sort(ids.astype(np.int64))
    twice = ascending[1:][ascending[1:] == ascending[:-1]]
    if len(twice):
        raise InputError(f"resident holds {twice[0]} twice", expected="each row once")
    return ascending
