from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.store import write_rows
from graphlearn.store.row_file import RowFile, encode_checksums


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.rows"
    write_rows(path, torch.arange(300.0).view(100, 3))
    return path


def flip(path: Path, place: int) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        byte = file.read(1)[0]
        file.seek(place)
        file.write(bytes([byte ^ 1 << place % 8]))


def test_a_whole_file_is_verified(path: Path) -> None:
    with RowFile(path) as file:
        file.verify()
        assert (file.header.num_rows, file.header.row_shape) == (100, (3,))
        assert file.header.dtype == torch.float32
        assert path.stat().st_size == file.header.file_bytes


def test_rows_stand_one_behind_the_other_from_the_second_page_on(path: Path) -> None:
    rows = np.frombuffer(path.read_bytes()[4096 : 4096 + 1200], dtype=np.float32)
    assert rows.tolist() == list(range(300))


def test_a_changed_byte_anywhere_is_noticed(path: Path) -> None:
    size = path.stat().st_size
    for place in [*range(0, size, 37), size - 1]:
        flip(path, place)
        with pytest.raises(InputError, match=r"x\.rows (is|has)"), RowFile(path) as file:
            file.verify()
        flip(path, place)
    with RowFile(path) as file:
        file.verify()


def test_damage_is_named_by_its_rows(tmp_path: Path) -> None:
    path = tmp_path / "x.rows"
    write_rows(path, torch.zeros(2000, 128))
    flip(path, 4096 + 600 * 512)
    with RowFile(path) as file, pytest.raises(InputError, match="damaged in rows 512 to 1023"):
        file.verify()
    with RowFile(path) as file:
        assert file.verify_chunk(0) == 1 << 18


def test_a_file_that_is_cut_off_or_grew_is_refused_on_opening(path: Path) -> None:
    whole = path.read_bytes()
    for length in [*range(0, len(whole), 101), len(whole) - 1]:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"(ends after|has|is no file)"):
            RowFile(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(InputError, match="has 12289 bytes: expected 12288, as its header says"):
        RowFile(path)


def test_missing_and_foreign_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        RowFile(tmp_path / "none")
    np.save(tmp_path / "a.npy", np.zeros(10_000))
    with pytest.raises(InputError, match="is no file of rows"):
        RowFile(tmp_path / "a.npy")
    (tmp_path / "empty").touch()
    with pytest.raises(InputError, match="is no file of rows"):
        RowFile(tmp_path / "empty")


def test_a_file_that_is_refused_is_closed(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"foreign" * 1000)
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(InputError):
            RowFile(tmp_path / "a")
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_checksums_fill_whole_pages() -> None:
    assert len(encode_checksums([])) == 4096
    assert len(encode_checksums([1] * 1023)) == 4096
    assert len(encode_checksums([1] * 1024)) == 8192
