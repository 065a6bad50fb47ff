from __future__ import annotations

import gc
import os
from pathlib import Path

import pytest

from graphlearn.errors import InputError, OutputError
from graphlearn.files import remove_partial_files
from graphlearn.store.whole_file import WholeFile


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def test_pieces_make_a_file_whose_folders_are_made(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "x"
    with WholeFile(path) as file:
        file.write(b"....")
        file.write(memoryview(b"le"))
        file.rewrite(0, b"who")
        file.write(b"!")
        assert names(path.parent) != ["x"]
        file.finish()
        with pytest.raises(InputError, match="is finished"):
            file.write(b"more")
    assert path.read_bytes() == b"who.le!"
    assert names(path.parent) == ["x"]


def test_without_finish_the_former_file_stays(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"former")
    with WholeFile(tmp_path / "x") as file:
        file.write(b"latter")
    file = WholeFile(tmp_path / "x")
    file.write(b"latter")
    del file
    gc.collect()
    file = WholeFile(tmp_path / "x")
    file.write(b"latter")
    file.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert (tmp_path / "x").read_bytes() == b"former"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_disk_that_fills_at_the_end_leaves_the_former_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    (tmp_path / "x").write_bytes(b"former")

    def full(*arguments: object) -> None:
        raise OSError(28, "No space left on device")

    file = WholeFile(tmp_path / "x")
    file.write(b"latter")
    monkeypatch.setattr(os, function, full)
    with pytest.raises(OutputError, match="x could not be written .*free some space"):
        file.finish()
    monkeypatch.undo()
    assert (tmp_path / "x").read_bytes() == b"former"
    assert names(tmp_path) == ["x"]
    with pytest.raises(InputError, match="given up"):
        file.write(b"more")


def test_what_a_killed_writer_left_is_removed_on_demand(tmp_path: Path) -> None:
    file = WholeFile(tmp_path / "x")
    file.write(b"hal")
    assert remove_partial_files(tmp_path / "x") == 1
    assert names(tmp_path) == []
    file.discard()


def test_a_link_keeps_pointing_at_the_file_that_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with WholeFile(tmp_path / "link") as file:
        file.write(b"new")
        file.finish()
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="could not be written"):
        WholeFile(tmp_path / "file" / "x")
