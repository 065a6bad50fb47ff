from __future__ import annotations

import copy
import gc
import multiprocessing
import pickle
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlearn.errors import DataNotFoundError, InputError, InputTypeError, UnknownNameError
from graphlearn.store import BufferPool, DiskStore, write_rows
from graphlearn.store.disk import MappedRows
from graphlearn.store.row_store import DTYPES

ACCESS = ("mmap", "pread", "direct")


def opened(path: Path, access: str, **options: object) -> DiskStore:
    try:
        return DiskStore(path, access=access, **options)
    except InputError as problem:
        if "refuses O_DIRECT" in str(problem):
            pytest.skip(str(problem))
        raise


def table_of(shape: tuple[int, ...], dtype: torch.dtype, num_rows: int = 3000) -> Tensor:
    generator = torch.Generator().manual_seed(len(shape))
    return torch.randint(0, 100, (num_rows, *shape), generator=generator).to(dtype)


def open_files() -> int:
    gc.collect()  # also those that a failed test left
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.mark.parametrize("access", ACCESS)
@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("shape", [(), (1,), (7,), (100,), (3, 5)])
def test_gathered_rows_are_those_of_the_table(tmp_path, access, dtype, shape) -> None:
    table = table_of(shape, dtype)
    write_rows(tmp_path / "x", table)
    with opened(tmp_path / "x", access, threads=3) as store:
        assert (store.num_rows, store.row_shape, store.dtype) == (3000, shape, dtype)
        generator = torch.Generator().manual_seed(1)
        for count in (1, 10, 2000):
            index = torch.randint(0, 3000, (count,), generator=generator)
            assert torch.equal(store.gather(index), table[index])
            out = torch.empty(count, *shape, dtype=dtype)
            assert store.gather(index.int(), out) is out
            assert torch.equal(out, table[index])


@pytest.mark.parametrize("access", ACCESS)
def test_rows_may_be_asked_for_twice_in_any_order_or_not_at_all(tmp_path, access) -> None:
    table = table_of((7,), torch.float32)
    write_rows(tmp_path / "x", table)
    with opened(tmp_path / "x", access) as store:
        for index in ([], [2999], [5, 5, 5], [2999, 0, 2999, 1], list(range(2999, -1, -1))):
            rows = torch.tensor(index, dtype=torch.int64)
            assert torch.equal(store.gather(rows), table[rows])
        assert torch.equal(store.read(100, 300), table[100:300])


@pytest.mark.parametrize("access", ACCESS)
def test_empty_tables_and_empty_rows_have_nothing_to_read(tmp_path, access) -> None:
    write_rows(tmp_path / "x", torch.zeros(0, 4))
    with opened(tmp_path / "x", access) as store:
        assert store.gather(torch.empty(0, dtype=torch.int64)).shape == (0, 4)
        with pytest.raises(InputError, match=r"rows in \[0, 0\)"):
            store.gather(torch.tensor([0]))
    write_rows(tmp_path / "y", torch.zeros(5, 0))
    with opened(tmp_path / "y", access) as store:
        assert store.gather(torch.tensor([4, 1])).shape == (2, 0)
        store.verify()


@pytest.mark.parametrize("access", ACCESS)
def test_results_come_from_the_buffers_that_are_given(tmp_path, access) -> None:
    write_rows(tmp_path / "x", torch.ones(1000, 128))
    pool = BufferPool()
    with opened(tmp_path / "x", access, buffers=pool) as store:
        first, second = store.gather(torch.arange(1000)), store.gather(torch.arange(1000))
        assert first.data_ptr() != second.data_ptr()
        del first
        assert pool.idle_bytes >= 512_000


@pytest.mark.parametrize("access", ACCESS)
def test_a_bad_index_reads_no_row(tmp_path, access) -> None:
    write_rows(tmp_path / "x", torch.zeros(5, 2))
    with opened(tmp_path / "x", access) as store:
        for index in ([-1], [5], [0, 1 << 40]):
            with pytest.raises(InputError, match=r"expected rows in \[0, 5\)"):
                store.gather(torch.tensor(index))
        with pytest.raises(InputTypeError, match="expected an int32 or int64 tensor"):
            store.gather(torch.tensor([0.0]))
        assert store.traffic.rows == 0


@pytest.mark.parametrize("access", ACCESS)
def test_traffic_counts_the_pages_that_rows_lie_on(tmp_path, access) -> None:
    write_rows(tmp_path / "x", torch.zeros(8000, 128))  # 512 bytes: eight rows to a page
    with opened(tmp_path / "x", access, threads=1) as store:
        store.gather(torch.tensor([0, 7, 3, 3]))
        tier = store.traffic.tier("disk")
        assert (tier.rows, tier.useful_bytes, tier.moved_bytes) == (4, 4 * 512, 4096)
        store.traffic.reset()
        store.gather(torch.arange(0, 8000, 80))
        assert store.traffic.tier("disk").amplification == 8
        store.traffic.reset()
        store.read(0, 8000)
        assert store.traffic.tier("disk").amplification == 1


@pytest.mark.parametrize("access", ACCESS)
def test_random_rows_of_512_bytes_move_seven_times_their_bytes_or_more(tmp_path, access) -> None:
    write_rows(tmp_path / "x", torch.zeros(100_000, 128))
    index = torch.randint(0, 100_000, (2000,), generator=torch.Generator().manual_seed(0))
    with opened(tmp_path / "x", access) as store:
        store.gather(index)
        assert 7 <= store.traffic.tier("disk").amplification <= 8.5


def flip(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("access", ACCESS)
def test_damaged_rows_are_noticed_by_verify_or_at_their_first_use(tmp_path, access) -> None:
    table = torch.ones(2000, 128)  # 512 rows to a checksum
    write_rows(tmp_path / "x", table)
    flip(tmp_path / "x", 4096 + 700 * 512)
    with opened(tmp_path / "x", access) as store, pytest.raises(InputError, match="512 to 1023"):
        store.verify()
    with opened(tmp_path / "x", access, verify="read") as store:
        assert torch.equal(store.gather(torch.tensor([0, 1999])), table[:2])
        for _ in range(2):
            with pytest.raises(InputError, match="damaged in rows 512 to 1023"):
                store.gather(torch.tensor([3, 900]))


def test_each_chunk_is_verified_once_and_counts_as_moved(tmp_path: Path) -> None:
    write_rows(tmp_path / "x", torch.zeros(2000, 128))
    with DiskStore(tmp_path / "x", verify="read") as store:
        store.gather(torch.tensor([0, 511]))
        assert store.traffic.tier("disk").moved_bytes == (1 << 18) + 8192
        store.gather(torch.tensor([1]))
        assert store.traffic.tier("disk").moved_bytes == (1 << 18) + 8192 + 4096


def test_a_row_that_lies_in_several_chunks_is_verified_in_all(tmp_path: Path) -> None:
    write_rows(tmp_path / "x", torch.zeros(4, 300_000, dtype=torch.uint8))
    flip(tmp_path / "x", 4096 + 299_999)
    with DiskStore(tmp_path / "x", verify="read") as store:
        store.gather(torch.tensor([3]))
        with pytest.raises(InputError, match="damaged in rows 0 to 1"):
            store.gather(torch.tensor([0]))


def test_options_that_are_not_known_and_foreign_files_are_refused(tmp_path: Path) -> None:
    write_rows(tmp_path / "x", torch.zeros(3))
    with pytest.raises(UnknownNameError, match="unknown access 'map'.*did you mean 'mmap'"):
        DiskStore(tmp_path / "x", access="map")
    with pytest.raises(UnknownNameError, match="unknown verify 'all'"):
        DiskStore(tmp_path / "x", verify="all")
    with pytest.raises(InputError, match="threads is 0"):
        DiskStore(tmp_path / "x", threads=0)
    with pytest.raises(DataNotFoundError, match="no file"):
        DiskStore(tmp_path / "none")
    np.save(tmp_path / "a.npy", np.zeros(10_000))
    for access in ACCESS:
        with pytest.raises(InputError, match="is no file of rows"):
            opened(tmp_path / "a.npy", access)


@pytest.mark.parametrize("access", ACCESS)
def test_a_closed_store_says_so_and_leaves_nothing_open(tmp_path, access) -> None:
    write_rows(tmp_path / "x", torch.zeros(3000, 128))
    before = open_files()
    threads = threading.active_count()
    store = opened(tmp_path / "x", access, threads=2)
    store.gather(torch.arange(3000))
    store.close()
    store.close()
    with pytest.raises(InputError, match="the store was closed"):
        store.gather(torch.tensor([0]))
    with pytest.raises(InputError, match="the store was closed"):
        store.verify()
    assert (open_files(), threading.active_count()) == (before, threads)
    store = opened(tmp_path / "x", access)
    store.gather(torch.arange(3000))
    del store
    gc.collect()
    assert open_files() == before


@pytest.mark.parametrize("access", ACCESS)
def test_several_threads_read_one_store(tmp_path, access) -> None:
    table = table_of((100,), torch.float32)
    write_rows(tmp_path / "x", table)
    wrong: list[int] = []
    with opened(tmp_path / "x", access, threads=2, verify="read") as store:

        def read(seed: int) -> None:
            generator = torch.Generator().manual_seed(seed)
            for _ in range(20):
                index = torch.randint(0, 3000, (500,), generator=generator)
                if not torch.equal(store.gather(index), table[index]):
                    wrong.append(seed)

        readers = [threading.Thread(target=read, args=(seed,)) for seed in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert wrong == []
        assert store.traffic.rows == 4 * 20 * 500


@pytest.mark.parametrize("access", ACCESS)
def test_a_copy_reads_the_same_file_for_itself(tmp_path, access) -> None:
    table = table_of((7,), torch.float32)
    write_rows(tmp_path / "x", table)
    with opened(tmp_path / "x", access) as store:
        other = pickle.loads(pickle.dumps(store))
        third = copy.deepcopy(store)
    assert other.access == access
    assert torch.equal(other.gather(torch.tensor([5])), table[5:6])
    assert torch.equal(third.gather(torch.tensor([6])), table[6:7])
    other.close()
    third.close()


def test_a_mapped_file_is_read_in_pages(tmp_path: Path) -> None:
    write_rows(tmp_path / "x", torch.zeros(100, 128))
    with DiskStore(tmp_path / "x") as store:
        assert isinstance(store._rows, MappedRows)
        out = np.empty((2, 512), dtype=np.uint8)
        assert store._rows.gather(np.array([99, 0]), out) == 2 * 4096


def _sum_in_child(store: DiskStore, answers: multiprocessing.SimpleQueue) -> None:
    answers.put(float(store.gather(torch.arange(store.num_rows)).sum()))


@pytest.mark.parametrize("access", ACCESS)
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_makes_its_own_threads(tmp_path, access) -> None:
    write_rows(tmp_path / "x", torch.ones(3000, 10))
    context = multiprocessing.get_context("fork")
    with opened(tmp_path / "x", access, threads=2) as store:
        store.gather(torch.arange(3000))
        answers = context.SimpleQueue()
        child = context.Process(target=_sum_in_child, args=(store, answers))
        child.start()
        child.join(60)
        assert child.exitcode == 0
        assert answers.get() == 30_000
