from __future__ import annotations

import gc
import pickle
import threading
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store import (
    BufferPool,
    DiskStore,
    MemoryStore,
    PackedBatch,
    PackedStore,
    PackedWriter,
    write_rows,
)

TABLE = torch.arange(1280.0).view(10, 128).repeat(100, 1) + torch.arange(1000.0)[:, None]
RESIDENT = torch.arange(0, 1000, 7)


def draw(count: int = 20, size: int = 100) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randperm(1000, generator=generator)[:size] for _ in range(count)]


BATCHES = [*draw(), torch.empty(0, dtype=torch.int64), torch.tensor([1, 7, 1, 7])]


@pytest.fixture(params=[None, RESIDENT], ids=["all packed", "some resident"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    with PackedWriter(tmp_path / "x.pack", MemoryStore(TABLE), request.param) as writer:
        for index in BATCHES:
            writer.add(index)
        writer.finish()
    return tmp_path / "x.pack"


def opened(path: Path, direct: bool = False, **options: object) -> PackedStore:
    try:
        return PackedStore(path, direct=direct, **options)
    except InputError as problem:
        if "refuses O_DIRECT" in str(problem):
            pytest.skip(str(problem))
        raise


def open_files() -> int:
    gc.collect()  # also those that a failed test left
    return len(list(Path("/proc/self/fd").iterdir()))


def flip(path: Path, store: PackedStore, batch: int) -> None:
    data = bytearray(path.read_bytes())
    data[store._file.place(2 + batch)[0]] ^= 4
    path.write_bytes(data)


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("read_ahead_bytes", [1, 200_000, 1 << 30])
def test_an_epoch_gives_each_batch_as_it_was_packed(path, direct, read_ahead_bytes) -> None:
    with opened(path, direct, read_ahead_bytes=read_ahead_bytes) as store:
        for _ in range(2):
            for index, batch in zip(BATCHES, store.epoch(), strict=True):
                assert isinstance(batch, PackedBatch)
                assert torch.equal(batch.index, index)
                assert torch.equal(batch.rows, TABLE[index])
        assert len(list(store.epoch(first=20))) == 2
        assert list(store.epoch(first=22)) == []


@pytest.mark.parametrize("direct", [False, True])
def test_single_batches_are_read_in_any_order(path, direct) -> None:
    with opened(path, direct) as store:
        assert store.num_batches == len(BATCHES)
        for number in (5, 21, 0, 20, 5):
            assert torch.equal(store.batch(number).rows, TABLE[BATCHES[number]])
        for number in (-1, 22):
            with pytest.raises(InputError, match=f"number is {number}"):
                store.batch(number)
        with pytest.raises(InputError, match="number is 23: expected one of the 22 batches"):
            store.epoch(first=23)


@pytest.mark.parametrize("direct", [False, True])
def test_memory_of_dropped_batches_is_used_again_that_of_held_ones_is_not(tmp_path, direct) -> None:
    batches = draw(size=500)
    with PackedWriter(tmp_path / "x", MemoryStore(TABLE), RESIDENT) as writer:
        for index in batches:
            writer.add(index)
        writer.finish()
    pool = BufferPool()
    with opened(tmp_path / "x", direct, buffers=pool) as store:
        held = list(store.epoch())
        for index, batch in zip(batches, held, strict=True):
            assert torch.equal(batch.rows, TABLE[index])
        waiting = pool.idle_bytes
        del held, batch
        assert pool.idle_bytes >= waiting + 20 * 500 * 512
        rows = [store.gather(index) for index in batches]
        assert all(map(torch.equal, rows, [TABLE[index] for index in batches]))


def test_rows_of_a_batch_may_be_written_to(path: Path) -> None:
    with PackedStore(path) as store:
        store.batch(0).rows.add_(1)
        assert torch.equal(store.batch(0).rows, TABLE[BATCHES[0]])


@pytest.mark.parametrize("direct", [False, True])
def test_sequential_reads_move_at_most_a_tenth_more_than_is_used(path, direct) -> None:
    with opened(path, direct) as store:
        for _ in store.epoch():
            pass
        tier, memory = store.traffic.tier("disk"), store.traffic.tier("memory")
        rows = sum(len(index) for index in BATCHES)
        assert tier.rows + memory.rows == rows
        assert tier.useful_bytes == tier.rows * 512
        assert 1 <= tier.amplification <= 1.1
        assert memory.amplification in (0, 1)
        # Nothing but the header, the table and the resident rows is not part of it.
        first, length = store._file.place(2)[0], store._file.header.table_offset
        assert tier.moved_bytes == length - first


def test_batches_of_rows_in_memory_move_little_more_than_the_rest(tmp_path: Path) -> None:
    with PackedWriter(tmp_path / "x", MemoryStore(TABLE), torch.arange(500)) as writer:
        for index in draw(size=900):
            writer.add(index)
        writer.finish()
    with PackedStore(tmp_path / "x") as store:
        for _ in store.epoch():
            pass
        assert store.traffic.tier("disk").amplification <= 1.1
        assert 0.45 < store.traffic.share("memory") < 0.55


def test_resident_rows_may_come_from_a_store(tmp_path: Path) -> None:
    with PackedWriter(tmp_path / "x", MemoryStore(TABLE), RESIDENT) as writer:
        writer.add(BATCHES[0])
        writer.finish()
    memory = MemoryStore(TABLE)
    with PackedStore(tmp_path / "x", resident=memory) as store:
        assert torch.equal(store.batch(0).rows, TABLE[BATCHES[0]])
        assert memory.traffic.rows == store.traffic.tier("memory").rows > 0
    write_rows(tmp_path / "x.rows", TABLE)
    with (
        DiskStore(tmp_path / "x.rows") as disk,
        PackedStore(tmp_path / "x", resident=disk) as store,
        pickle.loads(pickle.dumps(store)) as other,
    ):
        assert torch.equal(other.batch(0).rows, TABLE[BATCHES[0]])
        assert disk.traffic.rows == 0
    with pytest.raises(InputError, match=r"resident is a MemoryStore\(1000 rows of 1 float32"):
        PackedStore(tmp_path / "x", resident=MemoryStore(TABLE[:, 0].clone()))
    with pytest.raises(InputTypeError, match="resident is of type Tensor: expected a store"):
        PackedStore(tmp_path / "x", resident=TABLE)


def test_gather_replays_the_batches_and_starts_again_after_the_last(path: Path) -> None:
    with PackedStore(path) as store:
        for _ in range(3):
            for index in BATCHES:
                assert torch.equal(store.gather(index.int()), TABLE[index])
        out = torch.empty(100, 128)
        assert store.gather(BATCHES[0], out) is out
        assert torch.equal(out, TABLE[BATCHES[0]])


def test_gather_refuses_an_index_that_is_not_the_packed_one(path: Path) -> None:
    with PackedStore(path) as store:
        store.gather(BATCHES[0])
        other = BATCHES[1].clone()
        other[50] = (other[50] + 1) % 1000
        for index in (BATCHES[2], BATCHES[1].flip(0), BATCHES[1][:99], other):
            with pytest.raises(InputError, match=r"is not that of batch 1 of .*rewind"):
                store.gather(index)
        assert torch.equal(store.gather(BATCHES[1]), TABLE[BATCHES[1]])
        store.rewind(7)
        assert torch.equal(store.gather(BATCHES[7]), TABLE[BATCHES[7]])
        store.rewind()
        assert torch.equal(store.gather(BATCHES[0]), TABLE[BATCHES[0]])
        with pytest.raises(InputError, match="number is 23"):
            store.rewind(23)


def test_the_first_batch_may_be_asked_for_at_any_time(path: Path) -> None:
    with PackedStore(path) as store:
        for left_after in (1, 3, 20, 0, len(BATCHES)):  # as epochs that are left early
            for index in BATCHES[:left_after]:
                assert torch.equal(store.gather(index), TABLE[index])
        store.rewind(5)
        assert torch.equal(store.gather(BATCHES[0]), TABLE[BATCHES[0]])
        for index in (BATCHES[0].flip(0), BATCHES[0][:99], BATCHES[2]):
            with pytest.raises(InputError, match="is not that of batch 1 .*from the first on"):
                store.gather(index)
        out = torch.empty(100, 128)
        assert torch.equal(store.gather(BATCHES[0], out), TABLE[BATCHES[0]])
        assert torch.equal(store.gather(BATCHES[1]), TABLE[BATCHES[1]])


def test_where_the_first_batch_comes_again_the_next_one_is_meant(tmp_path: Path) -> None:
    one, two = BATCHES[:2]
    with PackedWriter(tmp_path / "x", MemoryStore(TABLE)) as writer:
        for index in (one[:0], one, one, two):
            writer.add(index)
        writer.finish()
    with PackedStore(tmp_path / "x") as store:
        for index in (one, one, two, one, one, one, one, two):
            assert torch.equal(store.gather(index), TABLE[index])


def test_a_file_without_rows_has_nothing_to_replay(tmp_path: Path) -> None:
    with PackedWriter(tmp_path / "x", MemoryStore(TABLE)) as writer:
        writer.add(torch.empty(0, dtype=torch.int64))
        writer.finish()
    with PackedStore(tmp_path / "x") as store:
        assert store.gather(torch.empty(0, dtype=torch.int64)).shape == (0, 128)
        with pytest.raises(InputError, match="holds no batch with rows"):
            store.gather(torch.tensor([1]))


def test_damage_is_noticed_as_its_batch_is_read(path: Path) -> None:
    with PackedStore(path) as store:
        store.verify()
        flip(path, store, 3)
        with pytest.raises(InputError, match="damaged in batch 3"):
            store.verify()
        with pytest.raises(InputError, match="damaged in batch 3"):
            store.batch(3)
        batches = store.epoch()
        assert [len(next(batches).rows) for _ in range(3)] == [100] * 3
        with pytest.raises(InputError, match="damaged in batch 3"):
            next(batches)
        for index in BATCHES[:3]:
            store.gather(index)
        for _ in range(2):
            with pytest.raises(InputError, match="damaged in batch 3"):
                store.gather(BATCHES[3])


def test_leaving_an_epoch_early_or_closing_leaves_no_thread_and_no_file(path: Path) -> None:
    files, threads = open_files(), threading.active_count()
    store = PackedStore(path, read_ahead_bytes=60_000)
    for batch in store.epoch():
        assert len(batch.rows) == 100
        break
    assert threading.active_count() == threads
    waiting = store.epoch()
    next(waiting)
    store.gather(BATCHES[0])
    store.close()
    store.close()
    with pytest.raises(InputError, match="the store was closed"):  # and not at its end
        next(waiting)
    assert list(waiting) == []
    assert (open_files(), threading.active_count()) == (files, threads)
    with pytest.raises(InputError, match="the store was closed"):
        store.batch(0)
    with pytest.raises(InputError, match="the store was closed"):
        store.verify()
    with pytest.raises(InputError, match="the store was closed"):
        store.gather(BATCHES[1])
    store = PackedStore(path)
    next(store.epoch())
    store.gather(BATCHES[0])
    del store
    gc.collect()
    assert (open_files(), threading.active_count()) == (files, threads)


def test_a_file_that_is_refused_is_closed(path: Path) -> None:
    with PackedStore(path) as store:
        flip(path, store, -2)  # the ids to keep in memory, or the first batch
    before = open_files()
    write_rows(path.with_name("other"), torch.zeros(3))
    with pytest.raises(InputError, match="is no file of packed batches"):
        PackedStore(path.with_name("other"))
    with pytest.raises(InputError, match="damaged"):
        PackedStore(path).verify()
    gc.collect()
    assert open_files() == before


def test_several_epochs_run_at_once(path: Path) -> None:
    wrong: list[int] = []
    with PackedStore(path, read_ahead_bytes=100_000) as store:

        def read(number: int) -> None:
            batches = zip(BATCHES, store.epoch(), strict=True)
            if not all(torch.equal(batch.rows, TABLE[index]) for index, batch in batches):
                wrong.append(number)

        readers = [threading.Thread(target=read, args=(number,)) for number in range(4)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join()
        assert wrong == []
        assert store.traffic.rows == 4 * sum(len(index) for index in BATCHES)


def test_a_copy_reads_the_same_file_for_itself(path: Path) -> None:
    with PackedStore(path) as store:
        other = pickle.loads(pickle.dumps(store))
    assert torch.equal(other.batch(2).rows, TABLE[BATCHES[2]])
    assert repr(other) == "PackedStore(1000 rows of 128 float32, cpu)"
    other.close()
