from __future__ import annotations

import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store import DiskStore, MemoryStore, PackedStore, PackedWriter, RowStore, write_rows
from graphlearn.store.row_store import DTYPES

TABLE = torch.arange(7000.0).view(1000, 7)


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def draw(count: int, size: int, num_rows: int = 1000) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.randint(0, num_rows, (size,), generator=generator) for _ in range(count)]


def pack(path: Path, source: RowStore, batches: list[Tensor], **options: object) -> None:
    with PackedWriter(path, source, **options) as writer:
        for index in batches:
            writer.add(index)
        assert writer.finish().num_batches == len(batches)


class Watched(MemoryStore):
    """Keeps what was asked for."""

    def __init__(self, table: Tensor) -> None:
        super().__init__(table)
        self.asked: list[Tensor] = []

    def gather(self, index: Tensor, out: Tensor | None = None) -> Tensor:
        self.asked.append(index.clone())
        return super().gather(index, out)


@pytest.mark.parametrize("group_bytes", [1, 10_000, 1 << 30])
@pytest.mark.parametrize("resident", [None, torch.tensor([999, 5, 0]), torch.arange(1000)])
def test_groups_of_any_size_make_the_same_file(tmp_path, group_bytes, resident) -> None:
    batches = [*draw(20, 50), torch.tensor([3, 3, 999, 3]), torch.empty(0, dtype=torch.int64)]
    source = MemoryStore(TABLE)
    pack(tmp_path / "a", source, batches, resident=resident, group_bytes=group_bytes)
    pack(tmp_path / "b", source, batches, resident=resident)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with PackedStore(tmp_path / "a") as store:
        for index, batch in zip(batches, store.epoch(), strict=True):
            assert torch.equal(batch.index, index)
            assert torch.equal(batch.rows, TABLE[index])


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("shape", [(), (1,), (7,), (100,), (3, 5), (0,)])
def test_rows_of_every_form_are_packed(tmp_path, dtype, shape) -> None:
    table = torch.arange(1000 * max(1, torch.Size(shape).numel()))
    table = (table % 50).to(dtype)[: 1000 * torch.Size(shape).numel()].view(1000, *shape)
    batches = draw(3, 40)
    pack(tmp_path / "x", MemoryStore(table), [b.int() for b in batches], resident=batches[0][:1])
    with PackedStore(tmp_path / "x") as store:
        for number, index in enumerate(batches):
            assert torch.equal(store.batch(number).rows, table[index])


def test_a_group_reads_each_row_once_in_ascending_order(tmp_path: Path) -> None:
    source, batches = Watched(TABLE), draw(30, 100)
    pack(tmp_path / "x", source, batches, resident=torch.arange(100))
    resident, *groups = source.asked
    assert resident.tolist() == list(range(100))
    assert len(groups) == 1
    wanted = torch.cat(batches).unique()
    assert torch.equal(groups[0], wanted[wanted >= 100])


def test_a_page_of_the_source_is_read_once_a_group(tmp_path: Path) -> None:
    write_rows(tmp_path / "x", torch.zeros(20_000, 128))  # 512 bytes a row, 2500 pages
    batches = draw(40, 1000, num_rows=20_000)
    with DiskStore(tmp_path / "x", access="pread", threads=1) as source:
        pack(tmp_path / "y", source, batches)
        assert source.traffic.tier("disk").moved_bytes <= 20_000 * 512
        source.traffic.reset()
        group = 10 * 1000 * (512 + 32 + 4)
        pack(tmp_path / "y", source, batches, group_bytes=group)
        assert source.traffic.tier("disk").moved_bytes <= 4 * 20_000 * 512


def test_memory_is_bounded_by_the_group(tmp_path: Path) -> None:
    source = MemoryStore(torch.zeros(20_000, 128))
    batches = draw(100, 1000, num_rows=20_000)  # 51 MB of rows
    tracemalloc.start()
    pack(tmp_path / "x", source, batches, group_bytes=4 << 20)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 12 << 20


def test_a_bad_batch_is_refused_and_the_next_one_may_be_added(tmp_path: Path) -> None:
    with PackedWriter(tmp_path / "x", MemoryStore(TABLE)) as writer:
        for index, error in (
            (torch.tensor([1000]), InputError),
            (torch.tensor([-1]), InputError),
            (torch.tensor([0.0]), InputTypeError),
            (torch.tensor([[0]]), InputError),
            ([0], InputTypeError),
        ):
            with pytest.raises(error, match="index"):
                writer.add(index)
        writer.add(torch.tensor([4]))
        writer.finish()
    with PackedStore(tmp_path / "x") as store:
        assert store.num_batches == 1


def test_bad_sources_and_resident_rows_are_refused(tmp_path: Path) -> None:
    source = MemoryStore(TABLE)
    with pytest.raises(InputTypeError, match="source is of type Tensor: expected a store"):
        PackedWriter(tmp_path / "x", TABLE)
    with pytest.raises(InputError, match="resident holds 1000"):
        PackedWriter(tmp_path / "x", source, torch.tensor([1000]))
    with pytest.raises(InputError, match="resident holds 3 twice"):
        PackedWriter(tmp_path / "x", source, torch.tensor([3, 1, 3]))
    with pytest.raises(InputError, match="group_bytes is 0"):
        PackedWriter(tmp_path / "x", source, group_bytes=0)
    assert names(tmp_path) == []


def test_without_finish_or_after_an_error_the_old_pack_stays(tmp_path: Path) -> None:
    class Failing(MemoryStore):
        def _gather(self, index: Tensor, out: Tensor) -> None:
            raise InputError("the disk is gone")

    pack(tmp_path / "x", MemoryStore(TABLE), draw(2, 5))
    before = (tmp_path / "x").read_bytes()
    with PackedWriter(tmp_path / "x", MemoryStore(TABLE)) as writer:
        writer.add(torch.tensor([1]))
    with pytest.raises(InputError, match="the disk is gone"):
        pack(tmp_path / "x", Failing(TABLE), draw(2, 5))
    with pytest.raises(InputError, match="the disk is gone"):
        PackedWriter(tmp_path / "x", Failing(TABLE), torch.tensor([1]))
    assert (tmp_path / "x").read_bytes() == before
    assert names(tmp_path) == ["x"]


def test_a_writer_that_is_done_or_gave_up_takes_no_more(tmp_path: Path) -> None:
    writer = PackedWriter(tmp_path / "x", MemoryStore(TABLE))
    writer.finish()
    for more in (writer.finish, lambda: writer.add(torch.tensor([1]))):
        with pytest.raises(InputError, match="is finished, or was given up"):
            more()
    with PackedStore(tmp_path / "x") as store:
        assert list(store.epoch()) == []


def test_a_disk_that_fills_keeps_the_old_pack(tmp_path: Path) -> None:
    pack(tmp_path / "x", MemoryStore(TABLE), draw(2, 5))
    before = (tmp_path / "x").read_bytes()
    code = """
import resource, signal, sys, torch
from graphlearn.errors import OutputError
from graphlearn.store import MemoryStore, PackedWriter
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
writer = PackedWriter(sys.argv[1], MemoryStore(torch.zeros(1000, 7)), group_bytes=20_000)
try:
    while True:
        writer.add(torch.arange(500))
except OutputError as problem:
    print(problem)
"""
    command = [sys.executable, "-c", code, str(tmp_path / "x")]
    run = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "could not be written (File too large)" in run.stdout
    assert (tmp_path / "x").read_bytes() == before
    assert names(tmp_path) == ["x"]
