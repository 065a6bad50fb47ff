from __future__ import annotations

import errno
import gc
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from graphlearn.errors import GraphLearnError, InputError, OutputError
from graphlearn.files import remove_partial_files
from graphlearn.store import MemoryStore, PackedWriter, write_rows
from graphlearn.store.whole_file import WholeFile, remove_dead_files


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


KILLED = """
import os, signal, sys, torch
from graphlearn.store import MemoryStore, PackedWriter, write_rows
table = torch.zeros(100, 4)
if sys.argv[2] == "rows":
    def blocks():
        yield table
        print("half", flush=True)
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGKILL)
    write_rows(sys.argv[1], blocks())
writer = PackedWriter(sys.argv[1], MemoryStore(table))
writer.add(torch.arange(5))
print("half", flush=True)
sys.stdin.read()
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("kind", ["rows", "packed"])
def test_files_of_killed_writers_go_with_the_next_and_those_of_living_ones_stay(
    tmp_path: Path, kind: str
) -> None:
    pytest.importorskip("fcntl", reason="without locks nobody knows who is dead")
    command = [sys.executable, "-c", KILLED, str(tmp_path / "x"), kind]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "half\n"
        (partial,) = names(tmp_path)
        (tmp_path / ".x.00000000.partial").touch()  # of a writer long dead
        (tmp_path / ".x.y.00000000.partial").touch()  # of another file
        write_rows(tmp_path / "x", torch.ones(3, 2))
        others = [".x.y.00000000.partial", "x"]
        assert names(tmp_path) == sorted([partial, *others])
        writer.stdin.close()
        assert writer.wait(60) == -signal.SIGKILL
    assert names(tmp_path) == sorted([partial, *others])
    if kind == "rows":
        write_rows(tmp_path / "x", torch.ones(3, 2))
    else:
        with PackedWriter(tmp_path / "x", MemoryStore(torch.ones(3, 2))) as packed:
            packed.finish()
    assert names(tmp_path) == others


def test_a_file_that_is_cleared_away_before_it_is_locked_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")
    lock, calls = fcntl.flock, []

    def late(file: object, how: int) -> None:
        calls.append(how)
        if len(calls) == 1:
            assert remove_partial_files(tmp_path / "x") == 1
        if len(calls) == 2:
            raise BlockingIOError
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", late)
    with WholeFile(tmp_path / "x") as file:
        file.write(b"whole")
        file.finish()
    assert len(calls) == 3
    assert (tmp_path / "x").read_bytes() == b"whole"


def test_a_file_system_without_locks_is_written_to_and_cleared_of_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fcntl = pytest.importorskip("fcntl")

    def without(*arguments: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", without)
    (tmp_path / ".x.00000000.partial").touch()
    with WholeFile(tmp_path / "x") as file:
        file.finish()
    assert names(tmp_path) == [".x.00000000.partial", "x"]
    assert remove_dead_files(tmp_path / "x") == 0


def test_two_writers_of_one_path_do_not_remove_each_other_s_file(tmp_path: Path) -> None:
    with WholeFile(tmp_path / "x") as one, WholeFile(tmp_path / "x") as other:
        one.write(b"one")
        other.write(b"other")
        one.finish()
        other.finish()
    assert (tmp_path / "x").read_bytes() == b"other"
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (None, "path is a NoneType: expected a text or a Path"),
        (3, "path is a int"),
        (b"x", "path is a bytes"),
        ("a\0b", r"path is 'a\\x00b': expected a name without a zero byte"),
        ("a" * 300, "could not be written"),
    ],
)
def test_paths_that_are_none(path: object, said: str) -> None:
    with pytest.raises(GraphLearnError, match=said):
        WholeFile(path)  # type: ignore[arg-type]
