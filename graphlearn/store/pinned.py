"""Rows in page-locked host memory that a GPU reads over the bus, without a copy on the way."""

from __future__ import annotations

import math
import weakref
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.store import host_memory
from graphlearn.store.memory import MemoryStore, as_table
from graphlearn.store.row_store import RowStore
from graphlearn.store.zero_copy import Reader, choose_reader
from graphlearn.validate import check_flag, check_size

METHODS = ("auto", "triton", "view")
_SECTOR = 32  # bytes: what the bus brings of a line if no more of it is asked for
_SMALL = 1 << 20  # bytes of a table; the system locks whole pages, and small ones share theirs


class PinnedStore(RowStore):
    """Features stay in host memory, and GPU threads read the rows they need over PCIe.

    There is no gather by the CPU and no staging copy: the kernel that gathers is the transfer. The
    bus carries ``row_bytes`` for each row, and up to 32 bytes more where rows do not start at a
    sector of 32 bytes. Two ways to read are here, and bring the same bits:

    - ``"triton"``: a kernel of this package, which starts at the lines of the bus and takes few
      threads, so that the GPU computes beside it;
    - ``"view"``: torch's own ``index_select`` over the same memory seen as a CUDA tensor.

    ``"auto"`` times both on 32 MiB of random rows when the store is made, checks that they are
    right, and takes the view if it is a tenth faster; ``repr`` says which and why. :meth:`gather`
    returns at once, as all work of the GPU does; only an index that lies on the GPU is waited for,
    to check its range.

    Args:
        table: The rows. They are page-locked where they lie, which takes some tenths of a second
            for each GiB, and stay so until the store is closed; a table below 1 MiB is copied. One
            that is page-locked already is taken as it is, and has to stay so. A memory-mapped file
            has to be opened with ``mode="c"`` or ``"r+"``.
        device: The GPU that reads them.
        method: ``"auto"``, ``"triton"`` or ``"view"``.
        sort: Ask for the rows in the order in which they lie, and have them come out in that of the
            index. (default: True)
        copy: Copy the table into new page-locked memory instead of locking its own. (default:
            False)
        max_threads: How many threads of the GPU read at once, with ``"triton"``. (default: 6144)
        dtype: Take the bits of the table as this dtype; see :class:`MemoryStore`.
        fallback: ``"memory"``: without a GPU, gather on the CPU as a :class:`MemoryStore` does.
            (default: None, an error)

    Shapes:
        - **table**: ``[N, *row_shape]``, contiguous, on the CPU

    Raises:
        InputTypeError: If the table is neither a tensor nor an array of a dtype that stores hold.
        InputError: If there is no GPU and no ``fallback``, the table cannot be page-locked or read,
            or an argument is none of its choices.

    Example:
        >>> store = PinnedStore(torch.arange(6.0).view(3, 2), fallback="memory")
        >>> store.gather(torch.tensor([2, 0])).tolist()
        [[4.0, 5.0], [0.0, 1.0]]
        >>> store.close()
    """

    _memory: MemoryStore | None

    def __init__(
        self,
        table: Tensor | NDArray[Any],
        device: torch.device | str = "cuda",
        *,
        method: str = "auto",
        sort: bool = True,
        copy: bool = False,
        max_threads: int = 6144,
        dtype: torch.dtype | None = None,
        fallback: str | None = None,
    ) -> None:
        if method not in METHODS:
            raise InputError(f"method is {method!r}", expected="one of " + ", ".join(METHODS))
        if fallback not in (None, "memory"):
            raise InputError(f"fallback is {fallback!r}", expected="'memory' or None")
        self.sort = check_flag(sort, name="sort")
        check_size(max_threads, name="max_threads")
        check_flag(copy, name="copy")
        kept, kind = as_table(table, dtype)
        where, self._memory = self._place(device, fallback), None
        super().__init__(kept.shape[0], tuple(table.shape[1:]), kind, where or "cpu")
        self._read: Reader | None = None
        if where is None:
            self._memory = MemoryStore(table, dtype=dtype)
            self.traffic = self._memory.traffic
            self.method, self.reason = "memory", "no GPU"
        elif self.num_bytes == 0:
            self.method, self.reason = method, "nothing to read"
        else:
            is_pinned = isinstance(table, Tensor) and table.is_pinned()
            rows = self._lock(kept, is_pinned, copy)
            choice = choose_reader(rows, where, method=method, max_threads=max_threads)
            self.method, self.reason, self._read = choice

    @staticmethod
    def _place(device: torch.device | str, fallback: str | None) -> torch.device | None:
        """The GPU; None if there is none and the user said what to do then."""
        mend = "pass fallback='memory' to gather on the CPU, or use a MemoryStore"
        if fallback == "memory" and not torch.cuda.is_available():
            return None
        return host_memory.cuda_device(device, use="PinnedStore", mend=mend)

    def _lock(self, table: NDArray[Any], is_pinned: bool, copy: bool) -> Tensor:
        """The table in page-locked memory, as bytes ``[N, row_bytes]``."""
        memory = table.reshape(self.num_rows, -1).view(np.uint8)
        if copy or (memory.nbytes < _SMALL and not is_pinned):
            is_pinned = memory.nbytes < _SMALL
            # Torch's own page-locked memory is rounded up to a power of two: not for large tables.
            memory, old = host_memory.empty_bytes(memory.shape, pinned=is_pinned), memory
            np.copyto(memory, old)
        make = host_memory.after_reads if is_pinned else host_memory.lock_pages
        # It is called by close(), or when the store is dropped; at the very end the system does it.
        self._unlock = weakref.finalize(self, make(memory, self.device))
        self._unlock.atexit = False
        return torch.from_numpy(memory)

    def _empty(self, shape: tuple[int, ...]) -> Tensor:
        return super()._empty(shape) if self._memory is None else self._memory._empty(shape)

    def _gather(self, index: Tensor, out: Tensor) -> None:
        if self._memory is not None:
            self._memory._gather(index, out)
            return
        assert self._read is not None  # with nothing to read, nothing is asked for
        with host_memory.current_device(self.device):
            # Half the bytes to send and to sort, where row numbers allow it.
            width = torch.int32 if self.num_rows < 2**31 else torch.int64
            rows, order = host_memory.send(index, self.device, width), None
            if self.sort:
                rows, order = rows.sort()
            self._read(rows, order, out)
        useful = index.numel() * self.row_bytes
        # A row starts at a multiple of what its bytes and a sector share.
        extra = _SECTOR - math.gcd(self.row_bytes, _SECTOR)
        moved = useful + index.numel() * extra
        self.traffic.add("pinned", rows=index.numel(), useful_bytes=useful, moved_bytes=moved)

    def _release(self) -> None:
        if self._memory is not None:
            self._memory.close()
        if self._read is not None:
            self._read = None
            self._unlock()  # waits for the GPU

    def __getstate__(self) -> dict[str, Any]:
        if self._memory is None:
            raise InputError(
                f"a copy of {self!r} was asked for, as another process gets it",
                expected="one store in each process, since page-locked memory is its process's own",
                mend="make the store in that process, load without workers, or give workers a "
                "MemoryStore",
            )
        return super().__getstate__()

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, by {self.method}: {self.reason})"
