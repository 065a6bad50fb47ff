"""Host memory that a GPU reads where it lies: page-locking, and a view of it as a CUDA tensor."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError

# Of CUDA's runtime: locked for every device, and mapped into their address space.
_PORTABLE_AND_MAPPED = 1 | 2


def cuda_device(device: torch.device | str, *, use: str, mend: str = "") -> torch.device:
    """Return a CUDA device by its number, the current one if none is named.

    Args:
        device: ``"cuda"``, ``"cuda:1"`` or a device.
        use: What it is for, as the beginning of the error.
        mend: What to do without one.

    Raises:
        InputError: If it is no CUDA device, or not here.

    Example:
        >>> cuda_device("cpu", use="a pinned store")
        Traceback (most recent call last):
        ...
        graphlearn.errors.InputError: a pinned store on cpu: expected a CUDA device
    """
    try:
        named = torch.device(device)
    except RuntimeError as problem:
        reason = str(problem).partition("\n")[0]
        raise InputError(f"device is {device!r} ({reason})", expected="a CUDA device") from None
    if named.type != "cuda":
        raise InputError(f"{use} on {named}", expected="a CUDA device", mend=mend)
    if not torch.cuda.is_available():
        is_built = torch.backends.cuda.is_built()  # type: ignore[no-untyped-call]
        reason = "torch finds none" if is_built else "this torch was built without CUDA"
        raise InputError(f"{use} needs a GPU, and {reason}", expected="CUDA", mend=mend)
    index = named.index if ":" in str(named) else torch.cuda.current_device()
    if index >= torch.cuda.device_count():
        raise InputError(
            f"{use} on {named}", expected=f"one of {torch.cuda.device_count()} CUDA devices"
        )
    return torch.device("cuda", index)


def current_device(device: torch.device) -> AbstractContextManager[object]:
    """Kernels started inside run on ``device``; Triton's ask for it even if all tensors say so."""
    return torch.cuda.device(device)


def empty_bytes(shape: tuple[int, ...], *, pinned: bool) -> NDArray[Any]:
    """New memory from torch, which begins at a cache line.

    Args:
        shape: Its shape.
        pinned: Page-locked; torch then takes up to twice as much, a power of two.
    """
    return torch.empty(shape, dtype=torch.uint8, pin_memory=pinned).numpy()


def lock_pages(memory: NDArray[Any], device: torch.device) -> Callable[[], None]:
    """Page-lock an array where it lies, so that GPUs can read it; return what unlocks it.

    Nothing is copied: shared memory and mapped files stay what they are, but all of them is brought
    into memory and stays there. The array lives until it is unlocked.

    Args:
        memory: Any contiguous array of at least one byte.
        device: The device that will read it; unlocking waits until it has.

    Raises:
        InputError: If the array is read-only, or CUDA cannot lock it.
    """
    if not memory.flags.writeable:
        raise InputError(
            "table is read-only",
            expected="memory that may be written, since CUDA locks no other",
            mend="open the file with mode='c' (writes stay private), or pass copy=True",
        )
    runtime: Any = torch.cuda.cudart()  # type: ignore[no-untyped-call]
    address = memory.ctypes.data
    with current_device(device):
        status = int(runtime.cudaHostRegister(address, memory.nbytes, _PORTABLE_AND_MAPPED))
        if status != 0:
            _forget_error(device)
            raise InputError(
                f"CUDA could not page-lock {memory.nbytes} bytes of table (error {status})",
                expected="memory that no one else has locked, within the limits (ulimit -l)",
                mend="pass copy=True, or read it with a MemoryStore",
            )
    wait = after_reads(memory, device)

    def unlock() -> None:
        wait()
        runtime.cudaHostUnregister(address)

    return unlock


def after_reads(memory: object, device: torch.device) -> Callable[[], None]:
    """Return a function that holds memory until it has been called, and the GPU has read it.

    A kernel may still be reading when nothing in Python holds the memory anymore.

    Args:
        memory: What to hold.
        device: The device that reads it.
    """
    held = [memory]

    def wait() -> None:
        torch.cuda.synchronize(device)
        held.clear()

    return wait


def _forget_error(device: torch.device) -> None:
    """Clear CUDA's last error, which the next kernel of anyone would be blamed for otherwise."""
    with contextlib.suppress(RuntimeError):
        torch.zeros(1, device=device)


class _Place:
    """What ``__cuda_array_interface__`` asks for, of memory that torch did not allocate."""

    def __init__(self, table: Tensor) -> None:
        self._table = table  # torch holds this object, and this object the memory
        self.__cuda_array_interface__ = {
            "shape": tuple(table.shape),
            "typestr": "|u1",
            "data": (table.data_ptr(), False),
            "strides": None,
            "version": 3,
        }


def cuda_view(table: Tensor, device: torch.device) -> Tensor:
    """Page-locked bytes as a CUDA tensor over the same memory; what reads it reads over the bus.

    Args:
        table: Bytes ``[N, W]``, contiguous, at least one, in page-locked memory.
        device: The device that reads it.

    Raises:
        InputError: If torch makes a copy of it instead.
    """
    with current_device(device):
        # One row first: should torch not take the memory as it is, it would copy all of it.
        for rows in (table[:1], table):
            view = torch.as_tensor(_Place(rows), device=device)
            if view.data_ptr() != table.data_ptr():
                raise InputError(
                    "torch copies page-locked memory instead of viewing it",
                    expected=f"{device} to address it as the host does",
                    mend="pass method='triton'",
                )
    return view


def send(tensor: Tensor, device: torch.device, dtype: torch.dtype) -> Tensor:
    """A tensor on a device, from page-locked memory, so that nobody waits for the copy.

    Args:
        tensor: On the CPU, or on the device already.
        device: Where it is wanted.
        dtype: As what.

    Example:
        >>> send(torch.tensor([1, 2]), torch.device("cpu"), torch.int32).dtype
        torch.int32
    """
    if tensor.device.type == "cpu" and device.type == "cuda":
        tensor = tensor.to(dtype).pin_memory()
    return tensor.to(device, dtype, non_blocking=True).contiguous()


def seconds_on(device: torch.device, call: Callable[[], object], *, repeats: int = 3) -> float:
    """Least seconds that a GPU takes for a call, after one that is not counted.

    Args:
        device: The device that does the work.
        call: What starts it, on the current stream.
        repeats: How often it is timed.
    """
    best = float("inf")
    with current_device(device):
        call()
        for _ in range(repeats):
            begin = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            end = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            begin.record()
            call()
            end.record()
            end.synchronize()
            best = min(best, begin.elapsed_time(end) / 1e3)
    return best
