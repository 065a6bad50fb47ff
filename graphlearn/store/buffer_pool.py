"""Memory of dropped batches, handed out again: a fresh page costs more than copying into it."""

from __future__ import annotations

import math
import threading
import weakref
from collections import deque
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.store.host_memory import cuda_device
from graphlearn.store.row_store import check_dtype
from graphlearn.validate import check_flag, check_num_nodes

_SMALL = 1 << 16  # bytes; below it the C library has memory at hand itself
_STEPS = 4  # sizes for each doubling: at most a quarter of a buffer stays unused


def _size_class(num_bytes: int) -> int:
    """``num_bytes`` rounded up to one of four sizes for each doubling."""
    step = 1 << max(0, (num_bytes - 1).bit_length() - 3)
    return -(-num_bytes // step) * step


def _give_back(pool: weakref.ref[BufferPool], memory: NDArray[Any]) -> None:
    owner = pool()
    if owner is not None:
        owner._take_back(memory)


class BufferPool:
    """Uninitialized tensors whose memory is used again once nobody holds them.

    The C library takes the memory of a tensor above 32 MiB fresh from the system, page fault by
    page fault, and gives it back when the tensor is dropped: a gather of 100,000 rows of 512 bytes
    then takes five times as long as one into memory that was written before. A tensor of a pool is
    an ordinary one; when it and everything that shares its memory (views, numpy arrays, what
    autograd saved) has died, the memory waits here for the next of about that size. There is
    nothing to give back by hand, and nothing is used again too early.

    A copy, by pickle too, is a pool of the same kind in which nothing waits.

    A pool may be used from several threads. Tensors below 64 KiB, and all of them with ``pinned``,
    come from torch: its allocator of page-locked memory keeps what was freed, and waits for copies
    to a GPU that are still under way, which is more than a pool could know.

    Args:
        max_idle_bytes: How much memory may wait; what comes back beyond it is freed, and so is
            memory of sizes that were not asked for lately. Memory in use is not counted. (default:
            512 MiB)
        pinned: Hand out page-locked memory, from which a GPU copies faster and in the background.
            (default: False)

    Raises:
        InputTypeError: If an argument is of another type.
        InputError: If the bound is negative, or ``pinned`` is asked for without a GPU.

    Example:
        >>> pool = BufferPool()
        >>> first = pool.empty((1000, 64), torch.float32)
        >>> place = first.data_ptr()
        >>> view = first[10:]
        >>> del first
        >>> pool.idle_bytes  # the view still needs it
        0
        >>> del view
        >>> pool.empty((990, 64), torch.float32).data_ptr() == place
        True
    """

    def __init__(self, *, max_idle_bytes: int = 1 << 29, pinned: bool = False) -> None:
        self.max_idle_bytes = check_num_nodes(max_idle_bytes, name="max_idle_bytes")
        self.pinned = check_flag(pinned, name="pinned")
        if pinned:
            cuda_device("cuda", use="pinned=True", mend="leave pinned out")
        # By size; what was used least lately comes first.
        self._idle: dict[int, list[NDArray[Any]]] = {}
        self._idle_bytes = 0
        # Memory comes back from within any line of Python in any thread, this module's lines among
        # them, so it must not wait for the lock: it is left here for whoever holds that.
        self._returned: deque[NDArray[Any]] = deque()
        self._lock = threading.Lock()

    @property
    def idle_bytes(self) -> int:
        """Bytes that wait to be used again."""
        self._settle()
        return self._idle_bytes

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> Tensor:
        """Return a contiguous CPU tensor that holds anything.

        Args:
            shape: Its shape.
            dtype: One of :data:`~graphlearn.store.row_store.DTYPES`.

        Raises:
            InputTypeError: If ``dtype`` is another one, or a size is no integer.
            InputError: If a size is negative.
        """
        shape = tuple(check_num_nodes(size, name="shape") for size in shape)
        num_bytes = math.prod(shape) * check_dtype(dtype).itemsize
        if self.pinned or num_bytes < _SMALL:
            return torch.empty(shape, dtype=dtype, pin_memory=self.pinned)
        memory = self._find(_size_class(num_bytes))
        # A new array each time: torch keeps it alive for as long as anything uses the memory, and
        # its end is what tells that nothing does.
        lent = memory[:num_bytes]
        tensor = torch.from_numpy(lent).view(dtype).view(shape)
        watch = weakref.finalize(lent, _give_back, weakref.ref(self), memory)
        watch.atexit = False
        return tensor

    def clear(self) -> None:
        """Free all memory that waits."""
        self._settle()
        with self._lock:
            self._idle.clear()
            self._idle_bytes = 0
        self._settle()

    def _find(self, size: int) -> NDArray[Any]:
        """Memory of at least ``size`` bytes, and less than twice that."""
        self._settle()
        with self._lock:
            memory = self._take_idle(size)
        self._settle()
        # Torch's memory begins at a cache line; numpy's does not.
        return torch.empty(size, dtype=torch.uint8).numpy() if memory is None else memory

    def _take_idle(self, size: int) -> NDArray[Any] | None:
        found = min((kept for kept in self._idle if size <= kept < 2 * size), default=None)
        if found is None:
            return None
        waiting = self._idle.pop(found)
        memory = waiting.pop()
        if waiting:
            self._idle[found] = waiting  # behind all others: it was used just now
        self._idle_bytes -= found
        return memory

    def _take_back(self, memory: NDArray[Any]) -> None:
        self._returned.append(memory)
        self._settle()

    def _settle(self) -> None:
        """Sort in what came back, unless someone is at it; who is sees what we left, too."""
        while self._returned and self._lock.acquire(blocking=False):
            try:
                while self._returned:
                    memory = self._returned.popleft()
                    self._idle.setdefault(memory.nbytes, []).append(memory)
                    self._idle_bytes += memory.nbytes
                while self._idle_bytes > self.max_idle_bytes:
                    size = next(iter(self._idle))
                    self._idle[size].pop()
                    if not self._idle[size]:
                        del self._idle[size]
                    self._idle_bytes -= size
            finally:
                self._lock.release()

    def __getstate__(self) -> dict[str, Any]:
        return {"max_idle_bytes": self.max_idle_bytes, "pinned": self.pinned}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]

    def __repr__(self) -> str:
        kind = ", pinned" if self.pinned else ""
        return f"{type(self).__name__}({self.idle_bytes} of {self.max_idle_bytes} bytes idle{kind})"
