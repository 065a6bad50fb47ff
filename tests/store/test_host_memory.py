"""What needs CUDA is tested against a stand-in for its runtime; on a GPU, against the real one."""

from __future__ import annotations

import contextlib
import gc
import weakref
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.store import host_memory
from graphlearn.store.host_memory import after_reads, cuda_device, cuda_view, lock_pages

CPU = torch.device("cpu")
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


@pytest.fixture
def runtime(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A CUDA runtime that notes what is asked of it, and answers with ``status``."""
    calls: list[tuple[Any, ...]] = []
    made = SimpleNamespace(calls=calls, status=0)

    def register(address: int, size: int, flags: int) -> int:
        calls.append(("register", address, size, flags))
        return made.status

    made.cudaHostRegister = register
    made.cudaHostUnregister = lambda address: calls.append(("unregister", address))
    monkeypatch.setattr(torch.cuda, "cudart", lambda: made)
    monkeypatch.setattr(torch.cuda, "synchronize", lambda device: calls.append(("wait",)))
    monkeypatch.setattr(host_memory, "current_device", contextlib.nullcontext)
    return made


def pretend(monkeypatch: pytest.MonkeyPatch, devices: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: devices > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: devices)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 1)


def test_a_device_gets_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 2)
    assert cuda_device("cuda", use="it") == torch.device("cuda", 1)
    assert cuda_device("cuda:0", use="it") == torch.device("cuda", 0)
    assert cuda_device(torch.device("cuda", 1), use="it") == torch.device("cuda", 1)
    with pytest.raises(InputError, match="it on cuda:2: expected one of 2 CUDA devices"):
        cuda_device("cuda:2", use="it")


def test_no_gpu_is_said_with_the_mend(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, 0)
    for is_built, reason in ((True, "torch finds none"), (False, "was built without CUDA")):
        monkeypatch.setattr(torch.backends.cuda, "is_built", lambda is_built=is_built: is_built)
        with pytest.raises(InputError, match=rf"it needs a GPU, and .*{reason}.*; do that"):
            cuda_device("cuda", use="it", mend="do that")


@pytest.mark.parametrize(
    ("device", "message"),
    [("cpu", "it on cpu: expected a CUDA device; do that"), ("gpu", r"device is 'gpu' \(.*\)")],
)
def test_other_devices(device: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        cuda_device(device, use="it", mend="do that")


def test_memory_is_locked_where_it_lies_and_unlocked_after_the_last_read(
    runtime: SimpleNamespace,
) -> None:
    memory = np.zeros(1000, np.float32)
    unlock = lock_pages(memory, CPU)
    address = memory.ctypes.data
    assert runtime.calls == [("register", address, 4000, 3)]
    unlock()
    assert runtime.calls[1:] == [("wait",), ("unregister", address)]


def test_locked_memory_is_not_freed(runtime: SimpleNamespace) -> None:
    memory = np.zeros(1000)
    gone = weakref.ref(memory)
    unlock = lock_pages(memory, CPU)
    del memory
    gc.collect()
    assert gone() is not None
    unlock()
    gc.collect()
    assert gone() is None


def test_read_only_memory_is_refused_before_cuda_is_asked(runtime: SimpleNamespace) -> None:
    memory = np.zeros(10)
    memory.flags.writeable = False
    with pytest.raises(InputError, match=r"table is read-only.*mode='c'.*copy=True"):
        lock_pages(memory, CPU)
    assert runtime.calls == []


def test_what_cuda_refuses_is_said(runtime: SimpleNamespace) -> None:
    runtime.status = 712
    with pytest.raises(InputError, match=r"page-lock 80 bytes of table \(error 712\).*ulimit -l"):
        lock_pages(np.zeros(10), CPU)


def test_the_error_that_cuda_remembers_is_cleared(
    runtime: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    runtime.status = 2

    def blamed(*args: Any, **options: Any) -> None:
        runtime.calls.append(("kernel",))
        raise RuntimeError("CUDA error: out of memory")

    monkeypatch.setattr(torch, "zeros", blamed)
    with pytest.raises(InputError, match="error 2"):
        lock_pages(np.empty(10), CPU)
    assert runtime.calls[-1] == ("kernel",)


def test_memory_is_held_until_it_was_read(runtime: SimpleNamespace) -> None:
    memory = torch.zeros(10)
    gone = weakref.ref(memory)
    wait = after_reads(memory, CPU)
    del memory
    assert gone() is not None
    wait()
    assert runtime.calls == [("wait",)]
    assert gone() is None


def test_a_view_that_torch_copied_is_refused_after_one_row(
    runtime: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[dict[str, Any]] = []

    def copied(place: Any, device: torch.device) -> torch.Tensor:
        seen.append(place.__cuda_array_interface__)
        return torch.empty(1)

    monkeypatch.setattr(torch, "as_tensor", copied)
    table = torch.zeros(5, 8, dtype=torch.uint8)
    with pytest.raises(InputError, match="torch copies page-locked memory"):
        cuda_view(table, CPU)
    assert [place["shape"] for place in seen] == [(1, 8)]
    assert seen[0]["data"] == (table.data_ptr(), False)


@needs_gpu
def test_a_view_is_the_same_memory() -> None:
    table = torch.arange(24, dtype=torch.uint8).view(3, 8).pin_memory()
    view = cuda_view(table, cuda_device("cuda", use="a test"))
    assert view.data_ptr() == table.data_ptr()
    assert torch.equal(view.cpu(), table)
    table[1] = 77
    assert view[1].eq(77).all()


@needs_gpu
def test_a_gpu_reads_registered_memory() -> None:
    device = cuda_device("cuda", use="a test")
    memory = np.arange(1 << 20, dtype=np.uint8).reshape(-1, 64)
    unlock = lock_pages(memory, device)
    table = torch.from_numpy(memory)
    assert table.is_pinned()
    assert torch.equal(cuda_view(table, device).cpu(), table)
    unlock()
    assert not table.is_pinned()


@needs_gpu
def test_seconds_of_a_copy() -> None:
    device = cuda_device("cuda", use="a test")
    table = torch.zeros(1 << 20).pin_memory()
    assert 0 < host_memory.seconds_on(device, lambda: table.to(device, non_blocking=True)) < 10
