"""Rows in main memory, or in a file that the system maps into it."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.gather import cpu
from graphlearn.kernels.gather.words import as_bytes
from graphlearn.store.buffer_pool import BufferPool
from graphlearn.store.row_store import DTYPES, RowStore, check_dtype


class MemoryStore(RowStore):
    """A tensor, a numpy array or a memory-mapped file, read where it lies; nothing is copied.

    What :meth:`gather` returns comes from a :class:`~graphlearn.store.buffer_pool.BufferPool`,
    whose memory was written before: that is worth more than anything else here (see
    :func:`~graphlearn.kernels.gather_rows` for figures). A memory-mapped file costs a read from the
    disk for each page that the system does not hold; a store that plans such reads is
    ``DiskStore``.

    A copy by pickle has a copy of the rows, also of those of a mapped file; where torch shares
    tensors between processes, as with a loader's workers, those of a tensor are shared.

    Args:
        table: The rows; a change of it is seen by the store.
        dtype: Take the bits of ``table`` as this dtype of the same size: for bfloat16, which numpy
            lacks and files keep as uint16. (default: that of ``table``)
        buffers: Where results come from; share one between stores that serve one loader.
            ``BufferPool(max_idle_bytes=0)`` keeps nothing, ``BufferPool(pinned=True)`` speeds up
            copies to a GPU. (default: a pool of its own)

    Shapes:
        - **table**: ``[N, *row_shape]``, contiguous, on the CPU

    Raises:
        InputTypeError: If ``table`` is neither a tensor nor an array, or of a dtype that stores do
            not hold.
        InputError: If it is not contiguous, has no axis, or lies on another device.

    Example:
        >>> store = MemoryStore(torch.arange(6.0).view(3, 2))
        >>> store.gather(torch.tensor([2, 0])).tolist()
        [[4.0, 5.0], [0.0, 1.0]]
        >>> store
        MemoryStore(3 rows of 2 float32, cpu)
        >>> store.traffic
        Traffic(memory=2 rows, 16 bytes)
    """

    def __init__(
        self,
        table: Tensor | NDArray[Any],
        *,
        dtype: torch.dtype | None = None,
        buffers: BufferPool | None = None,
    ) -> None:
        kept, kind = as_table(table, dtype)
        if buffers is not None and not isinstance(buffers, BufferPool):
            raise InputTypeError(
                f"buffers is a {type(buffers).__name__}", expected="a BufferPool, or None"
            )
        super().__init__(kept.shape[0], tuple(table.shape[1:]), kind)
        self._table: Tensor | NDArray[Any] | None
        # A tensor may yet be moved to shared memory, which leaves an array of it without memory.
        self._table = table.detach() if isinstance(table, Tensor) else table
        self.buffers = BufferPool() if buffers is None else buffers
        self._is_own_pool = buffers is None

    def _empty(self, shape: tuple[int, ...]) -> Tensor:
        return self.buffers.empty(shape, self.dtype)

    def _gather(self, index: Tensor, out: Tensor) -> None:
        table = self._table
        assert table is not None  # unless it is closed
        rows = as_bytes(table) if isinstance(table, Tensor) else table
        cpu.gather(rows, index.cpu().contiguous().numpy(), as_bytes(out.detach()))
        size = index.numel() * self.row_bytes
        self.traffic.add("memory", rows=index.numel(), useful_bytes=size, moved_bytes=size)

    def _release(self) -> None:
        self._table = None
        if self._is_own_pool:
            self.buffers.clear()


def as_table(table: Any, dtype: torch.dtype | None = None) -> tuple[NDArray[Any], torch.dtype]:
    """Return a table as an array that shares its memory, and what its rows are made of.

    A tensor comes back as bytes ``[N, bytes of a row]``, since numpy lacks bfloat16.

    Args:
        table: A tensor or an array ``[N, ...]``, contiguous, on the CPU.
        dtype: Take its bits as this dtype; its own if None.

    Raises:
        InputTypeError: If it is neither a tensor nor an array, of a dtype that stores do not hold,
            or ``dtype`` is of another size.
        InputError: If it is not contiguous, has no axis, or lies on another device.

    Example:
        >>> as_table(np.ones((3, 2), np.uint16), torch.bfloat16)[1]
        torch.bfloat16
    """
    if isinstance(table, Tensor):
        given: Any = check_dtype(table.dtype)
        name, is_contiguous = str(given), table.is_contiguous()
        if table.device.type != "cpu":
            raise InputError(
                f"table lies on {table.device}", expected="the CPU", mend="pass table.cpu()"
            )
    elif isinstance(table, np.ma.MaskedArray):
        raise InputTypeError(
            "table is a masked array",
            expected="a tensor or a numpy array without a mask, since stores hold none",
            mend="pass table.filled(...)",
        )
    elif isinstance(table, np.ndarray):
        given, is_contiguous = table.dtype, bool(table.flags.c_contiguous)
        name = given.name if given.isnative else str(given)  # ">f4": bytes the other way round
        if given.kind not in "biuf" or not given.isnative or (dtype is None and name not in DTYPES):
            raise InputTypeError(
                f"table has dtype {name}",
                expected="one of " + ", ".join(DTYPES),
                mend="pass dtype=torch.bfloat16 if that is what it holds" * (name == "uint16"),
            )
    else:
        raise InputTypeError(
            f"table is a {type(table).__name__}", expected="a tensor or a numpy array [N, ...]"
        )
    if table.ndim == 0 or not is_contiguous:
        raise InputError(
            f"table has shape {list(table.shape)}" + ("" if is_contiguous else " (not contiguous)"),
            expected="contiguous rows [N, ...]",
            mend="" if is_contiguous else "pass a contiguous copy",
        )
    if dtype is not None and check_dtype(dtype).itemsize != given.itemsize:
        raise InputTypeError(
            f"dtype is {dtype}", expected=f"one of {given.itemsize} bytes, as {name} of table"
        )
    kind = dtype or DTYPES[name.removeprefix("torch.")]
    return (as_bytes(table.detach()) if isinstance(table, Tensor) else table), kind
