from __future__ import annotations

import errno
import gc
import multiprocessing
import os
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from graphlearn.errors import DataNotFoundError, GraphLearnError, InputError
from graphlearn.store.file_reader import FileReader, aligned_buffer, check_path, first_page


def open_files() -> int:
    gc.collect()  # also those that a failed test left
    return len(list(Path("/proc/self/fd").iterdir()))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a"
    path.write_bytes(bytes(range(256)) * 64)
    return path


def test_bytes_are_read_at_any_offset(path: Path) -> None:
    reader = FileReader(path)
    assert reader.size == 256 * 64
    assert bytes(reader.read(255, 3)) == b"\xff\x00\x01"
    assert bytes(reader.read(5, 0)) == b""
    buffer = aligned_buffer(4096)
    buffer[2] = 99
    reader.read_into(buffer[:2], 7)
    assert bytes(buffer[:3]) == b"\x07\x08\x63"
    reader.close()


def test_reads_that_the_system_cuts_short_go_on(path: Path, monkeypatch) -> None:
    reader = FileReader(path)
    whole = os.preadv
    monkeypatch.setattr(os, "preadv", lambda file, into, at: whole(file, [into[0][:100]], at))
    assert bytes(reader.read(0, 1000)) == path.read_bytes()[:1000]


def test_a_system_without_preadv_reads_the_same(path: Path, monkeypatch) -> None:
    reader = FileReader(path)
    monkeypatch.delattr(os, "preadv")
    assert bytes(reader.read(300, 1000)) == path.read_bytes()[300:1300]


def test_a_read_past_the_end_says_where_the_file_ends(path: Path) -> None:
    reader = FileReader(path)
    with pytest.raises(InputError, match="ends at byte 16384: expected 6 bytes more"):
        reader.read(16380, 10)


def test_what_the_system_says_reaches_the_user(path: Path, monkeypatch) -> None:
    reader = FileReader(path)

    def broken(*arguments: object) -> int:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "preadv", broken)
    with pytest.raises(InputError, match=r"a could not be read \(Input/output error\)"):
        reader.read(0, 10)
    with pytest.raises(DataNotFoundError, match="no file"):
        FileReader(path.parent / "none")
    with pytest.raises(DataNotFoundError, match="no file"):
        FileReader(path.parent)


def test_a_file_system_that_refuses_direct_reads_is_not_passed_over(
    path: Path, monkeypatch
) -> None:
    plain = os.open

    def refusing(place: object, flags: int, *more: int) -> int:
        if flags & os.O_DIRECT:
            raise OSError(errno.EINVAL, "Invalid argument")
        return plain(place, flags, *more)

    monkeypatch.setattr(os, "open", refusing)
    with pytest.raises(InputError, match='file system refuses O_DIRECT; .*"mmap" or "pread"'):
        FileReader(path, direct=True)
    monkeypatch.delattr(os, "O_DIRECT")
    with pytest.raises(InputError, match="this system refuses O_DIRECT"):
        FileReader(path, direct=True)


def test_the_first_page_of_a_short_file_is_all_of_it(path: Path) -> None:
    assert first_page(FileReader(path)) == path.read_bytes()[:4096]
    (path.parent / "b").write_bytes(b"short")
    assert first_page(FileReader(path.parent / "b")) == b"short"


def test_files_are_closed_once_and_with_their_reader(path: Path) -> None:
    before = open_files()
    reader = FileReader(path)
    reader.close()
    reader.close()
    assert open_files() == before
    reader = FileReader(path)
    assert open_files() == before + 1
    del reader
    gc.collect()
    assert open_files() == before


def test_threads_read_different_places_of_one_file(path: Path) -> None:
    reader = FileReader(path)
    wrong: list[bytes] = []

    def check(start: int) -> None:
        found = {bytes(reader.read(start, 2)) for _ in range(200)}
        wrong.extend(found - {bytes([start, start + 1])})

    threads = [threading.Thread(target=check, args=(10 * k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def _overwrite(buffer: memoryview) -> None:
    buffer[:] = b"\x01" * len(buffer)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_buffers_start_at_a_page_and_are_not_shared_with_a_forked_process() -> None:
    assert len(aligned_buffer(0)) == 0
    for size in (1, 4096, 1 << 20):
        buffer = aligned_buffer(size)
        assert len(buffer) == size
        assert np.frombuffer(buffer, dtype=np.uint8).ctypes.data % 4096 == 0
    buffer[:] = bytes(len(buffer))
    child = multiprocessing.get_context("fork").Process(target=_overwrite, args=(buffer,))
    child.start()
    child.join(60)
    assert child.exitcode == 0
    assert not any(buffer)


def test_advice_is_taken_or_left(path: Path) -> None:
    reader = FileReader(path)
    for advice in ("random", "sequential", "willneed", "dontneed"):
        reader.advise(advice, 0, 4096)
    assert bytes(reader.read(1, 1)) == b"\x01"


def test_a_file_closed_under_a_read_keeps_its_number_until_the_read_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole, reader = os.preadv, FileReader(path)
    began, goes_on = threading.Event(), threading.Event()
    found: list[bytes] = []

    def waiting(file: int, into: list[memoryview], at: int) -> int:
        began.set()
        assert goes_on.wait(60)
        return whole(file, into, at)

    monkeypatch.setattr(os, "preadv", waiting)
    thread = threading.Thread(target=lambda: found.append(bytes(reader.read(255, 3))))
    thread.start()
    assert began.wait(60)
    before = open_files()
    reader.close()
    other = os.open(os.devnull, os.O_RDONLY)
    assert other != reader.descriptor
    os.close(other)
    with pytest.raises(InputError, match="a was closed: expected a file that is open"):
        reader.read(0, 1)
    reader.advise("random")
    goes_on.set()
    thread.join()
    assert found == [b"\xff\x00\x01"]
    assert open_files() == before - 1


def test_no_other_file_is_read_where_closing_races_with_reads(path: Path) -> None:
    (path.parent / "other").write_bytes(b"\xff" * 16384)
    path.write_bytes(bytes(16384))
    wrong: list[bytes] = []

    def read(reader: FileReader) -> None:
        while True:
            try:
                data = bytes(reader.read(0, 16384))
            except InputError:
                return
            if any(data):
                wrong.append(data)

    for _ in range(100):
        reader = FileReader(path)
        threads = [threading.Thread(target=read, args=(reader,)) for _ in range(3)]
        for thread in threads:
            thread.start()
        time.sleep(0.001)
        reader.close()
        others = [os.open(path.parent / "other", os.O_RDONLY) for _ in range(2)]
        for thread in threads:
            thread.join()
        for other in others:
            os.close(other)
    assert wrong == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (None, "path is a NoneType: expected a text or a Path"),
        (3, "path is a int: expected a text or a Path"),
        (b"a", "path is a bytes"),
        ("a\0b", r"path is 'a\\x00b': expected a name without a zero byte"),
        ("a" * 300, "could not be read .File name too long"),
    ],
)
def test_paths_that_are_none(given: object, said: str) -> None:
    with pytest.raises(GraphLearnError, match=said):
        FileReader(given)  # type: ignore[arg-type]
    assert check_path("a") == check_path(Path("a")) == Path("a")


def test_a_short_file_that_cannot_be_read_is_an_input_error() -> None:
    if not Path("/proc/self/mem").exists():
        pytest.skip("no such file here")
    with pytest.raises(InputError, match="could not be read"):
        first_page(FileReader("/proc/self/mem"))
