from __future__ import annotations

from pathlib import Path

import pytest
import torch

from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.store import MemoryStore, PackedWriter, write_rows
from graphlearn.store.packed_file import PackedFile
from graphlearn.store.packed_format import FIRST_BATCH, RESIDENT_IDS, RESIDENT_ROWS


@pytest.fixture
def path(tmp_path: Path) -> Path:
    table = MemoryStore(torch.arange(300.0).view(100, 3))
    with PackedWriter(tmp_path / "x.pack", table, torch.tensor([7, 2])) as writer:
        writer.add(torch.tensor([5, 7, 99]))
        writer.add(torch.tensor([2]))
        writer.add(torch.empty(0, dtype=torch.int64))
        writer.finish()
    return tmp_path / "x.pack"


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << place % 8]))


def test_segments_hold_rows_and_codes(path: Path) -> None:
    file = PackedFile(path)
    assert file.read(RESIDENT_IDS)[1].tolist() == [2, 7]
    assert file.read(RESIDENT_ROWS)[0].tolist() == [[6, 7, 8], [21, 22, 23]]
    rows, codes = file.read(FIRST_BATCH)
    assert rows.tolist() == [[15, 16, 17], [297, 298, 299]]
    assert codes.tolist() == [5, -2, 99]
    rows, codes = file.read(FIRST_BATCH + 1)
    assert (rows.shape, codes.tolist()) == ((0, 3), [-1])
    rows, codes = file.read(FIRST_BATCH + 2)
    assert (rows.shape, codes.tolist()) == ((0, 3), [])
    assert file.header.num_batches == 3
    file.close()
    with pytest.raises(InputError, match="was closed"):
        file.read(FIRST_BATCH)


def test_every_segment_starts_at_a_page_and_is_whole_pages(path: Path) -> None:
    file = PackedFile(path)
    end = 4096
    for segment in range(len(file.segments)):
        offset, length = file.place(segment)
        assert (offset, length % 4096) == (end, 0)
        end += length
    assert (end, path.stat().st_size) == (file.header.table_offset, file.header.file_bytes)
    for advice in ("willneed", "dontneed"):
        for segment in range(len(file.segments) + 1):
            file.advise(advice, segment)
    file.close()


def test_a_changed_byte_anywhere_is_noticed(path: Path) -> None:
    size = path.stat().st_size
    for place in [*range(0, size, 37), size - 1]:
        flip(path, place)
        with pytest.raises(InputError, match=r"x\.pack (is|has)"):
            PackedFile(path).verify()
        flip(path, place)
    PackedFile(path).verify()


def test_damage_is_named_by_its_batch(path: Path) -> None:
    file = PackedFile(path)
    for segment, what in ((RESIDENT_ROWS, "the rows to keep"), (FIRST_BATCH + 1, "batch 1")):
        flip(path, file.place(segment)[0])
        with pytest.raises(InputError, match=f"damaged in {what}"):
            file.read(segment)
    file.close()


def test_a_file_that_is_cut_off_or_foreign_is_refused_on_opening(path: Path) -> None:
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 101), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"(ends after|has|is no file)"):
            PackedFile(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(InputError, match="as its header says"):
        PackedFile(path)
    write_rows(path, torch.zeros(10))
    with pytest.raises(InputError, match="is no file of packed batches"):
        PackedFile(path)
    with pytest.raises(DataNotFoundError, match="no file"):
        PackedFile(path.parent / "none")
