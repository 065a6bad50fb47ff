from __future__ import annotations

import gc
import sys
import threading
import weakref
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store.buffer_pool import BufferPool
from graphlearn.store.row_store import DTYPES

ROWS = (1000, 64)
BYTES = 1000 * 64 * 4


def floats(pool: BufferPool, *shape: int) -> Tensor:
    return pool.empty(shape or ROWS, torch.float32)


def test_dropped_memory_is_used_again() -> None:
    pool = BufferPool()
    first = floats(pool)
    place = first.data_ptr()
    del first
    assert pool.idle_bytes >= BYTES
    again = floats(pool)
    assert again.data_ptr() == place
    assert pool.idle_bytes == 0
    assert floats(pool).data_ptr() != place


def test_batches_of_about_one_size_share_memory() -> None:
    pool, places = BufferPool(), set()
    for rows in (1000, 990, 970, 1000, 950, 600):
        tensor = floats(pool, rows, 64)
        places.add(tensor.data_ptr())
        del tensor
    assert len(places) == 1


def test_a_small_batch_does_not_take_the_memory_of_a_large_one() -> None:
    pool = BufferPool()
    large = floats(pool, 10_000, 64)
    place = large.data_ptr()
    del large
    assert floats(pool).data_ptr() != place


@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_every_dtype(dtype: torch.dtype) -> None:
    pool = BufferPool()
    for _ in range(2):
        tensor = pool.empty((300, 300), dtype)
        assert (tensor.dtype, tensor.shape, tensor.is_contiguous()) == (dtype, (300, 300), True)
        assert tensor.data_ptr() % 64 == 0
        assert tensor.fill_(1).float().sum() == 90_000
    assert pool.empty((1000, 64), torch.float32).untyped_storage().nbytes() == BYTES


SHARERS: dict[str, Any] = {
    "a slice": lambda tensor: tensor[5:6],
    "a reshaped view": lambda tensor: tensor.view(-1),
    "a view of another dtype": lambda tensor: tensor.view(torch.int16),
    "a transposed view": lambda tensor: tensor.t(),
    "an array": lambda tensor: tensor.numpy(),
    "a slice of an array": lambda tensor: tensor.numpy()[3:].T,
    "a tensor of an array": lambda tensor: torch.from_numpy(tensor.numpy()[3:]),
    "a detached tensor": lambda tensor: tensor.detach(),
    "the storage": lambda tensor: tensor.untyped_storage(),
    "a memory view": lambda tensor: memoryview(tensor.numpy()),
    "a capsule": lambda tensor: torch.from_dlpack(tensor),
}


@pytest.mark.parametrize("share", SHARERS.values(), ids=SHARERS)
def test_memory_is_never_used_again_while_something_shares_it(share: Any) -> None:
    pool = BufferPool()
    tensor = floats(pool)
    place = tensor.data_ptr()
    shared = share(tensor)
    del tensor
    gc.collect()
    assert pool.idle_bytes == 0
    assert floats(pool).data_ptr() != place
    del shared
    gc.collect()
    assert pool.idle_bytes > 0


def test_what_autograd_saved_keeps_its_memory() -> None:
    pool = BufferPool()
    x = floats(pool).fill_(2.0)
    weight = torch.ones(64, requires_grad=True)
    loss = (x * weight).sum()
    del x
    other = floats(pool).fill_(5.0)  # would be what the gradient is made of
    loss.backward()
    assert weight.grad.eq(2000.0).all()
    del loss, other
    gc.collect()
    assert pool.idle_bytes > 0


def test_an_exception_that_holds_a_frame_holds_its_memory() -> None:
    pool = BufferPool()

    def fail() -> None:
        tensor = floats(pool)
        raise ValueError(tensor.shape)

    try:
        fail()
    except ValueError as problem:
        kept = problem
    assert pool.idle_bytes == 0
    del kept
    gc.collect()
    assert pool.idle_bytes > 0


def test_idle_memory_is_bounded() -> None:
    pool = BufferPool(max_idle_bytes=3 * BYTES)
    held = [floats(pool) for _ in range(10)]
    held.clear()
    assert 0 < pool.idle_bytes <= 3 * BYTES


def test_a_tensor_above_the_bound_is_not_kept() -> None:
    pool = BufferPool(max_idle_bytes=BYTES - 1)
    floats(pool)
    assert pool.idle_bytes == 0


def test_sizes_that_nobody_asks_for_make_room() -> None:
    pool = BufferPool(max_idle_bytes=3 * BYTES)
    wide = floats(pool, 1000, 128)
    narrow = floats(pool)
    del wide, narrow
    for _ in range(3):
        several = [floats(pool), floats(pool)]
        places = {tensor.data_ptr() for tensor in several}
        several.clear()
    again = [floats(pool), floats(pool)]
    assert {tensor.data_ptr() for tensor in again} == places


def test_clear_frees_what_waits() -> None:
    pool = BufferPool()
    floats(pool)
    kept = floats(pool).fill_(3.0)
    pool.clear()
    assert pool.idle_bytes == 0
    assert kept.eq(3.0).all()


def test_small_tensors_come_from_torch() -> None:
    pool = BufferPool()
    assert floats(pool, 10, 10).shape == (10, 10)
    assert pool.empty((0, 5), torch.bool).shape == (0, 5)
    assert pool.empty((), torch.int64).shape == ()
    assert pool.idle_bytes == 0


def test_a_tensor_may_outlive_its_pool() -> None:
    pool = BufferPool()
    tensor = floats(pool).fill_(1.0)
    gone = weakref.ref(pool)
    del pool
    gc.collect()
    assert gone() is None
    assert tensor.sum() == 64_000
    del tensor


def test_two_pools_do_not_share() -> None:
    one, other = BufferPool(), BufferPool()
    floats(one)
    assert (one.idle_bytes > 0, other.idle_bytes) == (True, 0)


def test_memory_that_comes_back_while_the_pool_is_at_work() -> None:
    """As when garbage is collected between two lines of the pool: nobody may wait for the lock."""
    pool = BufferPool()
    tensor = floats(pool)
    with pool._lock:
        del tensor
    assert pool.idle_bytes > 0


def test_many_threads() -> None:
    pool, wrong = BufferPool(max_idle_bytes=4 * BYTES), []
    interval = sys.getswitchinterval()

    def work(number: int) -> None:
        for step in range(100):
            tensor = floats(pool, 900 + step, 64).fill_(number)
            cycle: list[Any] = [tensor[1:]]
            cycle.append(cycle)  # only the garbage collector frees it
            if not bool(tensor.eq(number).all()):
                wrong.append((number, step))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert not any(thread.is_alive() for thread in threads)
    gc.collect()
    assert wrong == []
    assert 0 < pool.idle_bytes <= 4 * BYTES


def test_repr() -> None:
    assert repr(BufferPool(max_idle_bytes=8)) == "BufferPool(0 of 8 bytes idle)"


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="max_idle_bytes is -1"):
        BufferPool(max_idle_bytes=-1)
    with pytest.raises(InputTypeError, match="pinned is 'no'"):
        BufferPool(pinned="no")
    with pytest.raises(InputError, match="shape is -3"):
        BufferPool().empty((4, -3), torch.float32)
    with pytest.raises(InputTypeError, match="dtype is torch.complex64"):
        BufferPool().empty((4,), torch.complex64)


def test_page_locked_memory_without_a_gpu_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(InputError, match=r"pinned=True needs a GPU, .*; leave pinned out"):
        BufferPool(pinned=True)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="page-locked memory needs a GPU")
def test_page_locked_memory() -> None:
    pool = BufferPool(pinned=True)
    tensor = pool.empty(ROWS, torch.bfloat16)
    place = tensor.data_ptr()
    assert tensor.is_pinned()
    del tensor
    assert pool.empty(ROWS, torch.bfloat16).data_ptr() == place  # by torch's own allocator


def test_numpy_writes_are_seen() -> None:
    tensor = floats(BufferPool())
    np.copyto(tensor.numpy(), 7.0)
    assert tensor.eq(7.0).all()
