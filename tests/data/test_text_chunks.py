"""Reading text in pieces, compressed or not."""

from __future__ import annotations

import gzip
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.data import text_chunks
from graphlearn.data.text_chunks import check_file, line_chunks, open_bytes
from graphlearn.errors import DataNotFoundError, InputError


@given(st.binary(max_size=60).map(lambda b: b.replace(b"\0", b"\n")), st.integers(1, 20))
def test_pieces_are_whole_lines_and_add_up(content, size) -> None:
    pieces = list(line_chunks(io.BytesIO(content), size))
    whole = content if not content or content.endswith(b"\n") else content + b"\n"
    assert b"".join(pieces) == whole
    assert all(piece.endswith(b"\n") for piece in pieces)


def test_what_is_no_file(tmp_path) -> None:
    (tmp_path / "a.txt").touch()
    check_file(tmp_path / "a.txt", expected="a list")
    with pytest.raises(InputError, match="is a folder: expected a list"):
        check_file(tmp_path, expected="a list")
    with pytest.raises(DataNotFoundError, match="no file .*: expected a list"):
        check_file(tmp_path / "b.txt", expected="a list")


def test_plain_and_compressed_files(tmp_path) -> None:
    (tmp_path / "a.txt").write_bytes(b"0 1\n")
    (tmp_path / "a.txt.gz").write_bytes(gzip.compress(b"0 1\n"))
    for name in ("a.txt", "a.txt.gz"):
        with open_bytes(tmp_path / name) as file:
            assert file.read() == b"0 1\n"


def test_missing_and_broken_files_are_named(tmp_path) -> None:
    def read(name: str) -> bytes:
        with open_bytes(tmp_path / name) as file:
            return file.read()

    with pytest.raises(DataNotFoundError, match="no file"):
        read("none.txt")
    with pytest.raises(InputError, match="cannot be read"):
        read(".")
    (tmp_path / "a.gz").write_bytes(b"plain text")
    with pytest.raises(InputError, match="truncated or no gzip file"):
        read("a.gz")
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"0 1\n" * 1000)[:-9])
    with pytest.raises(InputError, match="truncated or no gzip file"):
        read("a.gz")
    damaged = bytearray(gzip.compress(b"0 1\n" * 1000))
    damaged[15] ^= 0xFF
    (tmp_path / "a.gz").write_bytes(damaged)
    with pytest.raises(InputError, match="truncated or no gzip file"):
        read("a.gz")


def test_a_file_without_lines_is_not_gathered_in_memory(monkeypatch) -> None:
    monkeypatch.setattr(text_chunks, "LINE_BYTES", 100)
    with pytest.raises(InputError, match="a line is longer than 100 bytes"):
        list(line_chunks(io.BytesIO(b"x" * 1000), size=30))
