from __future__ import annotations

from pathlib import Path

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.store import MemoryStore, PackedWriter
from graphlearn.store.packed_batches import PackedBatch, PackedBatches
from graphlearn.store.packed_file import PackedFile
from graphlearn.store.row_store import DTYPES
from graphlearn.store.traffic import Traffic

INDEX = torch.tensor([7, 3, 2, 99, 7])


def packed(path: Path, table: torch.Tensor, resident: torch.Tensor | None) -> PackedFile:
    with PackedWriter(path, MemoryStore(table), resident) as writer:
        writer.add(INDEX)
        writer.add(torch.tensor([7, 2]))
        writer.finish()
    return PackedFile(path)


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("shape", [(), (7,), (3, 5), (0,)])
def test_rows_of_both_places_come_in_the_order_of_the_batch(tmp_path, dtype, shape) -> None:
    width = torch.Size(shape).numel()
    table = (torch.arange(100 * width) % 100).to(dtype).view(100, *shape)
    file = packed(tmp_path / "x", table, torch.tensor([7, 2]))
    for resident in (None, MemoryStore(table)):
        batch = PackedBatches(file, resident, Traffic()).read(0)
        assert isinstance(batch, PackedBatch)
        assert batch.index.tolist() == INDEX.tolist()
        assert torch.equal(batch.rows, table[INDEX])
    file.close()


def test_traffic_tells_disk_from_memory(tmp_path: Path) -> None:
    file, traffic = packed(tmp_path / "x", torch.zeros(100, 2), torch.tensor([7, 2])), Traffic()
    batches = PackedBatches(file, None, traffic)
    for number in (0, 1):
        batches.read_in_order(number)
    disk, memory = traffic.tier("disk"), traffic.tier("memory")
    assert (disk.rows, disk.useful_bytes, disk.moved_bytes) == (2, 16, 8192)
    assert (memory.rows, memory.useful_bytes, memory.moved_bytes) == (5, 40, 40)
    file.close()


def test_sizes_count_the_copy_that_rows_of_memory_ask_for(tmp_path: Path) -> None:
    table = torch.zeros(100, 2)
    file = packed(tmp_path / "x", table, torch.tensor([7, 2]))
    assert PackedBatches(file, None, Traffic()).sizes() == [4096 + 5 * 8, 4096 + 2 * 8]
    file.close()
    file = packed(tmp_path / "x", table, None)
    assert PackedBatches(file, None, Traffic()).sizes() == [4096, 4096]
    file.close()


def test_a_closed_file_is_named(tmp_path: Path) -> None:
    file = packed(tmp_path / "x", torch.zeros(100, 2), None)
    batches = PackedBatches(file, None, Traffic())
    file.close()
    with pytest.raises(InputError, match="was closed"):
        batches.read_in_order(0)


def test_the_first_batch_with_rows(tmp_path: Path) -> None:
    none = torch.empty(0, dtype=torch.int64)
    for batches, first in (([], None), ([none], None), ([none, none, torch.tensor([1])], 2)):
        with PackedWriter(tmp_path / "x", MemoryStore(torch.arange(4.0))) as writer:
            for index in batches:
                writer.add(index)
            writer.finish()
        file = PackedFile(tmp_path / "x")
        assert PackedBatches(file, None, Traffic()).first_with_rows() == first
        file.close()
