"""Checksums, by sha256 and as git names a file's content."""

from __future__ import annotations

import pytest

from graphlearn.data.checksum import check_file, check_files, file_checksum
from graphlearn.errors import InputError, UnsafeFileError

SHA256_OF_ABC = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_known_values(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    assert file_checksum(path) == SHA256_OF_ABC
    path.write_bytes(b"what is up, doc?")  # The example of the book "Pro Git".
    expected = "git-blob-sha1:bd9dbf5aae1a3862dd1526723246b20206e5fc37"
    assert file_checksum(path, "git-blob-sha1") == expected


def test_a_changed_file_is_refused(tmp_path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"abc")
    check_file(path, SHA256_OF_ABC)
    check_file(path, None)
    check_files(tmp_path, {"file": SHA256_OF_ABC})
    path.write_bytes(b"abd")
    with pytest.raises(UnsafeFileError, match=r"file has sha256:a5.*as its dataset card states"):
        check_files(tmp_path, {"file": SHA256_OF_ABC})
    with pytest.raises(UnsafeFileError, match="the download has sha256"):
        check_file(path, SHA256_OF_ABC, shown_as="the download")


def test_an_unknown_scheme_is_refused(tmp_path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="'crc32': expected sha256"):
        check_file(tmp_path / "file", "crc32:00")
