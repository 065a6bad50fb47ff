"""On the CPU with what needs CUDA replaced; on a GPU with nothing replaced."""

from __future__ import annotations

import contextlib
import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store import host_memory, pinned
from graphlearn.store.pinned import PinnedStore
from graphlearn.store.row_store import DTYPES
from graphlearn.store.traffic import TierTraffic
from graphlearn.store.zero_copy import Choice, view_reader

LARGE = 1 << 18  # floats: as many bytes as are locked where they lie
needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def draw(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-99, 99, shape, generator=generator).to(dtype)


def rows_of(count: int, num_rows: int, dtype: torch.dtype = torch.int64) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(num_rows, (count,), generator=generator).to(dtype)


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """What a store asks of CUDA and of the GPU, which is the CPU here."""
    noted: list[tuple[Any, ...]] = []

    def lock(memory: np.ndarray, device: torch.device) -> Any:
        noted.append(("lock", memory.ctypes.data))
        return lambda: noted.append(("unlock",))

    def after(memory: object, device: torch.device) -> Any:
        return lambda: noted.append(("wait",))

    def empty(shape: tuple[int, ...], *, pinned: bool) -> np.ndarray:
        noted.append(("pinned copy" if pinned else "copy",))
        return np.empty(shape, np.uint8)

    def choose(table: Tensor, device: torch.device, **options: Any) -> Choice:
        noted.append(("choose", table.shape, options))
        read = view_reader(table)

        def note(rows: Tensor, order: Tensor | None, out: Tensor) -> None:
            noted.append(("read", rows.tolist(), order is not None))
            read(rows, order, out)

        return Choice("triton", "2 GB/s", note)

    monkeypatch.setattr(host_memory, "cuda_device", lambda device, **_: torch.device("cpu"))
    monkeypatch.setattr(host_memory, "current_device", contextlib.nullcontext)
    monkeypatch.setattr(host_memory, "lock_pages", lock)
    monkeypatch.setattr(host_memory, "after_reads", after)
    monkeypatch.setattr(host_memory, "empty_bytes", empty)
    monkeypatch.setattr(pinned, "choose_reader", choose)
    return noted


def kinds(calls: list[tuple[Any, ...]]) -> list[str]:
    return [call[0] for call in calls]


@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("index_dtype", [torch.int32, torch.int64])
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_every_dtype(
    calls: list[tuple[Any, ...]], dtype: torch.dtype, index_dtype: torch.dtype, sort: bool
) -> None:
    table, index = draw(40, 5, dtype=dtype), rows_of(60, 40, index_dtype)
    out = PinnedStore(table, sort=sort).gather(index)
    assert out.dtype == dtype
    assert torch.equal(out, table[index.long()])


@pytest.mark.parametrize("row_shape", [(), (1,), (2, 3)])
def test_rows_of_any_shape(calls: list[tuple[Any, ...]], row_shape: tuple[int, ...]) -> None:
    table, index = draw(40, *row_shape), rows_of(60, 40)
    assert torch.equal(PinnedStore(table).gather(index), table[index])


def test_rows_are_asked_for_as_they_lie(calls: list[tuple[Any, ...]]) -> None:
    table, index = draw(9, 2), torch.tensor([7, 0, 7, 3])
    for sort, asked in ((True, [0, 3, 7, 7]), (False, [7, 0, 7, 3])):
        store = PinnedStore(table, sort=sort)
        assert torch.equal(store.gather(index), table[index])
        assert calls[-1] == ("read", asked, sort)


def test_a_large_table_is_locked_where_it_lies(calls: list[tuple[Any, ...]]) -> None:
    table = torch.zeros(LARGE // 4, 4)
    store = PinnedStore(table, method="view", max_threads=512)
    options = {"method": "view", "max_threads": 512}
    assert calls == [("lock", table.data_ptr()), ("choose", (LARGE // 4, 16), options)]
    table[5] = 3
    assert store.gather(torch.tensor([5])).tolist() == [[3, 3, 3, 3]]


def test_a_large_table_is_copied_if_asked(calls: list[tuple[Any, ...]]) -> None:
    table = np.zeros((LARGE // 4, 4), np.float32)
    table.flags.writeable = False
    PinnedStore(table, copy=True)
    assert kinds(calls)[:3] == ["copy", "lock", "choose"]
    assert calls[1][1] != table.ctypes.data


def test_a_small_table_is_copied_since_pages_are_locked_whole(
    calls: list[tuple[Any, ...]],
) -> None:
    PinnedStore(torch.zeros(LARGE // 4 - 1, 4)).close()
    assert kinds(calls) == ["pinned copy", "choose", "wait"]


@pytest.mark.parametrize("size", [4, LARGE])
def test_page_locked_tensors_stay_as_they_are(
    calls: list[tuple[Any, ...]], size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Tensor, "is_pinned", lambda self: True)
    PinnedStore(torch.zeros(size, 4)).close()
    assert kinds(calls) == ["choose", "wait"]


def test_a_mapped_file(calls: list[tuple[Any, ...]], tmp_path: Path) -> None:
    table = draw(LARGE // 4, 4)
    np.save(tmp_path / "x.npy", table.numpy())
    store = PinnedStore(np.load(tmp_path / "x.npy", mmap_mode="c"))
    index = rows_of(60, LARGE // 4)
    assert torch.equal(store.gather(index), table[index])
    assert kinds(calls) == ["lock", "choose", "read"]


def test_closing_unlocks_once(calls: list[tuple[Any, ...]]) -> None:
    with PinnedStore(torch.zeros(LARGE, 1)) as store:
        pass
    store.close()
    assert kinds(calls) == ["lock", "choose", "unlock"]
    with pytest.raises(InputError, match="the store was closed"):
        store.gather(torch.tensor([0]))


def test_a_dropped_store_unlocks(calls: list[tuple[Any, ...]]) -> None:
    PinnedStore(torch.zeros(LARGE, 1))
    gc.collect()
    assert calls[-1] == ("unlock",)


def test_a_store_that_cannot_be_read_unlocks(
    calls: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any, **options: Any) -> Choice:
        raise InputError("no way")

    monkeypatch.setattr(pinned, "choose_reader", refuse)
    with pytest.raises(InputError, match="no way"):
        PinnedStore(torch.zeros(LARGE, 1))
    gc.collect()
    assert kinds(calls) == ["lock", "unlock"]


def test_nothing_to_read_is_not_locked(calls: list[tuple[Any, ...]]) -> None:
    store = PinnedStore(torch.empty(0, 3))
    assert store.gather(torch.empty(0, dtype=torch.int64)).shape == (0, 3)
    assert PinnedStore(torch.empty(3, 0)).gather(torch.tensor([1, 2])).shape == (2, 0)
    store.close()
    assert calls == []


@pytest.mark.parametrize(("width", "extra"), [(32, 0), (8, 0), (9, 28), (2, 24), (1, 28)])
def test_traffic_counts_the_sectors_of_the_bus(
    calls: list[tuple[Any, ...]], width: int, extra: int
) -> None:
    """A row of 36 bytes starts anywhere at a multiple of 4: 28 bytes too many on average."""
    store = PinnedStore(draw(50, width))
    store.gather(rows_of(10, 50))
    size = 40 * width
    assert store.traffic.tiers() == {"pinned": TierTraffic(10, size, size + 10 * extra)}
    starts = np.arange(0, 32, np.gcd(4 * width, 32))
    sectors = -(-(starts + 4 * width) // 32)
    assert sectors.mean() * 32 == 4 * width + extra


def test_repr_says_which_way_and_why(calls: list[tuple[Any, ...]]) -> None:
    store = PinnedStore(draw(50, 8))
    assert repr(store) == "PinnedStore(50 rows of 8 float32, cpu, by triton: 2 GB/s)"
    assert (store.method, store.reason) == ("triton", "2 GB/s")


@pytest.mark.parametrize("bad", [-1, 5])
def test_a_row_out_of_range_is_never_asked_for(calls: list[tuple[Any, ...]], bad: int) -> None:
    store = PinnedStore(draw(5, 3))
    with pytest.raises(InputError, match=rf"index holds {bad}: expected rows in \[0, 5\)"):
        store.gather(torch.tensor([0, bad]))
    assert "read" not in kinds(calls)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


def test_without_a_gpu_the_error_offers_the_mend(no_gpu: None) -> None:
    with pytest.raises(InputError, match=r"PinnedStore needs a GPU, and .*fallback='memory'"):
        PinnedStore(draw(5, 3))
    with pytest.raises(InputError, match=r"PinnedStore on cpu: expected a CUDA device"):
        PinnedStore(draw(5, 3), "cpu")


def test_without_a_gpu_it_gathers_in_memory_if_told_so(no_gpu: None) -> None:
    table, index = draw(500, 64), rows_of(1000, 500)
    store = PinnedStore(table, fallback="memory")
    out = store.gather(index)
    assert torch.equal(out, table[index])
    assert store.device == torch.device("cpu")
    assert store.traffic.tier("memory").rows == 1000
    assert repr(store) == "PinnedStore(500 rows of 64 float32, cpu, by memory: no GPU)"
    place = out.data_ptr()
    del out
    assert store.gather(index).data_ptr() == place  # buffers are used again, as in a MemoryStore
    store.close()
    with pytest.raises(InputError, match="the store was closed"):
        store.gather(index)


def test_the_fallback_is_for_want_of_a_gpu_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(InputError, match="PinnedStore on cuda:3: expected one of 1 CUDA devices"):
        PinnedStore(draw(5, 3), "cuda:3", fallback="memory")


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "uva"}, InputError, "method is 'uva': expected one of auto, triton, view"),
        ({"fallback": "cpu"}, InputError, "fallback is 'cpu': expected 'memory' or None"),
        ({"sort": 1}, InputTypeError, "sort is 1: expected True or False"),
        ({"copy": None}, InputTypeError, "copy is None: expected True or False"),
        ({"max_threads": 0}, InputError, "max_threads is 0"),
        ({"dtype": torch.float64}, InputTypeError, "dtype is torch.float64: expected one of 4 "),
    ],
)
def test_bad_arguments(options: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        PinnedStore(draw(5, 3), **options)


def test_what_is_no_table() -> None:
    with pytest.raises(InputTypeError, match="table is a list"):
        PinnedStore([1.0], fallback="memory")  # type: ignore[arg-type]


@needs_gpu
@pytest.mark.parametrize("method", ["triton", "view"])
@pytest.mark.parametrize("sort", [True, False])
@pytest.mark.parametrize("width", [1, 7, 100, 128, 257])
@pytest.mark.parametrize("rows", [50, 40_000])
def test_on_a_gpu(method: str, sort: bool, width: int, rows: int) -> None:
    table, index = draw(rows, width), rows_of(3000, rows)
    with PinnedStore(table, method=method, sort=sort) as store:
        assert torch.equal(store.gather(index).cpu(), table[index])
        assert torch.equal(store.gather(index.cuda().int()).cpu(), table[index])
        out = torch.empty(3001, width, device=store.device)[1:]  # narrower words
        assert torch.equal(store.gather(index, out).cpu(), table[index])


@needs_gpu
@pytest.mark.parametrize("dtype", DTYPES.values(), ids=DTYPES)
def test_every_dtype_on_a_gpu(dtype: torch.dtype) -> None:
    table, index = draw(4000, 33, dtype=dtype), rows_of(3000, 4000)
    with PinnedStore(table, copy=True) as store:
        assert torch.equal(store.gather(index).cpu(), table[index])
        assert "GB/s" in repr(store)


@needs_gpu
def test_a_mapped_file_on_a_gpu(tmp_path: Path) -> None:
    table = draw(LARGE // 4, 4)
    np.save(tmp_path / "x.npy", table.numpy())
    index = rows_of(60, LARGE // 4)
    with PinnedStore(np.load(tmp_path / "x.npy", mmap_mode="c")) as store:
        assert torch.equal(store.gather(index).cpu(), table[index])
    with pytest.raises(InputError, match="table is read-only"):
        PinnedStore(np.load(tmp_path / "x.npy", mmap_mode="r"))
