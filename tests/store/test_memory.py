from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store import BufferPool, MemoryStore
from graphlearn.store.memory import as_table
from graphlearn.store.row_store import DTYPES
from graphlearn.store.traffic import TierTraffic


def draw(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-99, 99, shape, generator=generator).to(dtype)


def rows_of(count: int, num_rows: int, dtype: torch.dtype = torch.int64, seed: int = 1) -> Tensor:
    return torch.randint(num_rows, (count,), generator=torch.Generator().manual_seed(seed)).to(
        dtype
    )


@pytest.mark.parametrize("index_dtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_every_dtype(dtype: torch.dtype, index_dtype: torch.dtype) -> None:
    table, index = draw(40, 5, dtype=dtype), rows_of(60, 40, index_dtype)
    out = MemoryStore(table).gather(index)
    assert out.dtype == dtype
    assert torch.equal(out, table[index.long()])


@pytest.mark.parametrize("row_shape", [(), (1,), (33,), (2, 3), (4, 1, 2)])
def test_rows_of_any_shape(row_shape: tuple[int, ...]) -> None:
    table, index = draw(30, *row_shape), rows_of(50, 30)
    store = MemoryStore(table)
    assert store.row_shape == row_shape
    assert torch.equal(store.gather(index), table[index])


def test_an_array_and_a_tensor_give_the_same() -> None:
    table, index = draw(30, 2, 3, dtype=torch.float64), rows_of(50, 30)
    assert torch.equal(MemoryStore(table.numpy()).gather(index), MemoryStore(table).gather(index))


def test_a_file_is_mapped_not_read(tmp_path: Path) -> None:
    table = draw(50, 7, dtype=torch.float16)
    np.save(tmp_path / "x.npy", table.numpy())
    store = MemoryStore(np.load(tmp_path / "x.npy", mmap_mode="r"))
    index = rows_of(60, 50)
    assert torch.equal(store.gather(index), table[index])
    assert repr(store) == "MemoryStore(50 rows of 7 float16, cpu)"


def test_bfloat16_out_of_a_file_that_cannot_say_so(tmp_path: Path) -> None:
    table = draw(50, 7, dtype=torch.bfloat16)
    table.view(torch.int16).numpy().tofile(tmp_path / "x")
    bits = np.memmap(tmp_path / "x", np.uint16, "r", shape=(50, 7))
    out = MemoryStore(bits, dtype=torch.bfloat16).gather(torch.tensor([49, 3]))
    assert torch.equal(out, table[[49, 3]])


def test_nothing_is_copied_when_it_is_made() -> None:
    table = draw(5, 3)
    store = MemoryStore(table)
    table[2] = 7
    assert store.gather(torch.tensor([2])).tolist() == [[7, 7, 7]]


def test_no_gradient_flows() -> None:
    table = torch.ones(3, 2, requires_grad=True)
    assert not MemoryStore(table).gather(torch.tensor([1])).requires_grad


def test_empty_index_and_empty_table() -> None:
    none = torch.empty(0, dtype=torch.int32)
    assert MemoryStore(draw(5, 3)).gather(none).shape == (0, 3)
    assert MemoryStore(torch.empty(0, 3)).gather(none).shape == (0, 3)
    with pytest.raises(InputError, match=r"index holds 0: expected rows in \[0, 0\)"):
        MemoryStore(torch.empty(0, 3)).gather(none.new_zeros(1))


def test_traffic_counts_repeated_rows() -> None:
    store = MemoryStore(draw(5, 3))
    store.gather(torch.tensor([1, 1, 4]))
    store.gather(torch.tensor([0]))
    assert store.traffic.tiers() == {"memory": TierTraffic(4, 48, 48)}


def test_results_are_made_of_dropped_ones() -> None:
    store = MemoryStore(draw(500, 64))
    first = store.gather(rows_of(1000, 500))
    place = first.data_ptr()
    kept = store.gather(rows_of(1000, 500, seed=2))
    del first
    again = store.gather(rows_of(980, 500, seed=3))
    assert again.data_ptr() == place
    assert kept.data_ptr() != place


def test_stores_may_share_a_pool() -> None:
    pool = BufferPool()
    one, other = (MemoryStore(draw(500, 64, seed=seed), buffers=pool) for seed in (0, 1))
    place = one.gather(rows_of(1000, 500)).data_ptr()
    assert other.gather(rows_of(1000, 500)).data_ptr() == place


def test_a_pool_that_keeps_nothing() -> None:
    pool = BufferPool(max_idle_bytes=0)
    store, index = MemoryStore(draw(500, 64), buffers=pool), rows_of(1000, 500)
    store.gather(index)
    assert pool.idle_bytes == 0


def test_own_tensors_are_written_without_the_pool() -> None:
    table, out = draw(5, 3), torch.empty(2, 3)
    store = MemoryStore(table)
    assert store.gather(torch.tensor([4, 0]), out) is out
    assert torch.equal(out, table[[4, 0]])


def test_one_and_two_threads_give_the_same(
    one_and_two_threads: Callable[..., list[Any]],
) -> None:
    table, index = draw(500, 64), rows_of(20_000, 500)
    store = MemoryStore(table)
    one, two = one_and_two_threads(lambda: store.gather(index))
    assert torch.equal(one, table[index])
    assert torch.equal(two, one)


def test_several_threads_read_one_store() -> None:
    table = draw(500, 64)
    store, wrong = MemoryStore(table), []

    def read(seed: int) -> None:
        for step in range(20):
            index = rows_of(1500, 500, seed=100 * seed + step)
            if not torch.equal(store.gather(index), table[index]):
                wrong.append((seed, step))

    readers = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert store.traffic.tier("memory").rows == 4 * 20 * 1500


def test_a_closed_store_lets_go_of_everything() -> None:
    store = MemoryStore(draw(500, 64))
    store.gather(rows_of(1000, 500))
    store.close()
    gc.collect()
    assert store.buffers.idle_bytes == 0
    with pytest.raises(InputError, match="the store was closed"):
        store.gather(torch.tensor([0]))


def test_closing_leaves_a_shared_pool_alone() -> None:
    pool = BufferPool()
    with MemoryStore(draw(500, 64), buffers=pool) as store:
        store.gather(rows_of(1000, 500))
    assert pool.idle_bytes > 0


@pytest.mark.parametrize("bad", [-1, 5])
def test_a_row_out_of_range(bad: int) -> None:
    with pytest.raises(InputError, match=rf"index holds {bad}: expected rows in \[0, 5\)"):
        MemoryStore(draw(5, 3)).gather(torch.tensor([0, bad]))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ([[1.0]], "table is a list: expected a tensor or a numpy array"),
        (torch.ones(2, dtype=torch.complex64), "dtype is torch.complex64: expected one of float16"),
        (np.ones(2, ">f4"), "table has dtype >f4: expected one of"),
        (np.array(["a"]), "table has dtype str"),
        (np.ones(2, np.uint16), "table has dtype uint16: expected one of"),
        (np.ma.masked_array(np.ones(2)), "table is a masked array: .*pass table.filled"),
    ],
)
def test_what_no_table_is_made_of(table: Any, message: str) -> None:
    with pytest.raises(InputTypeError, match=message):
        MemoryStore(table)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (torch.tensor(1.0), r"table has shape \[\]: expected contiguous rows"),
        (torch.ones(3, 2).t(), r"\[2, 3\] \(not contiguous\).*pass a contiguous copy"),
        (np.ones((4, 3))[::2], r"\[2, 3\] \(not contiguous\)"),
        (torch.ones(3, 2, device="meta"), r"table lies on meta: expected the CPU"),
    ],
)
def test_tables_that_cannot_be_read_row_by_row(table: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        MemoryStore(table)


def test_other_bad_arguments() -> None:
    with pytest.raises(InputTypeError, match=r"dtype is torch.float64: expected one of 4 bytes"):
        MemoryStore(torch.ones(2), dtype=torch.float64)
    with pytest.raises(InputTypeError, match="dtype is torch.complex32"):
        MemoryStore(torch.ones(2), dtype=torch.complex32)
    with pytest.raises(InputTypeError, match="buffers is a bool: expected a BufferPool"):
        MemoryStore(torch.ones(2), buffers=True)  # type: ignore[arg-type]


def test_a_table_shares_memory_with_what_it_came_from() -> None:
    tensor, array = torch.zeros(2, 2, dtype=torch.bfloat16), np.zeros((2, 2))
    assert as_table(array)[0] is array
    as_table(tensor)[0][0, :2] = (128, 63)
    assert tensor.tolist() == [[1, 0], [0, 0]]
