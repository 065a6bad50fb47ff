from __future__ import annotations

import json
import struct
import zlib

import pytest

from graphlearn.errors import InputError
from graphlearn.store.file_header import PAGE, decode_header, encode_header, whole_pages

MAGIC = b"\x89TESTED\n"


def decode(page: bytes) -> dict[str, object]:
    return decode_header(page, MAGIC, 1, path="a.file", kind="file of tests")


def test_a_header_is_one_page_and_gives_its_fields_back() -> None:
    page = encode_header(MAGIC, 1, {"rows": 3, "name": "größer"})
    assert len(page) == PAGE
    fields = decode(page)
    assert (fields["rows"], fields["name"]) == (3, "größer")


def test_a_flipped_bit_in_any_byte_is_noticed() -> None:
    page = encode_header(MAGIC, 1, {"rows": 3})
    for place in range(PAGE):
        damaged = bytearray(page)
        damaged[place] ^= 1 << place % 8
        with pytest.raises(InputError, match=r"a\.file (is|has)"):
            decode(bytes(damaged))


def test_a_header_that_is_cut_off_anywhere_is_refused() -> None:
    page = encode_header(MAGIC, 1, {"rows": 3})
    for length in range(PAGE):
        with pytest.raises(InputError, match="ends after" if length >= 8 else "is no file"):
            decode(page[:length])


def test_foreign_files_other_versions_and_other_machines_are_told_apart() -> None:
    with pytest.raises(InputError, match=r"a\.file is no file of tests.*starts with"):
        decode(b"\x93NUMPY" * 1000)
    with pytest.raises(InputError, match="is a file of tests of version 2: expected version 1"):
        decode(encode_header(MAGIC, 2, {}))
    text = json.dumps({"byte_order": "big", "rows": 3}).encode()
    body = struct.pack("<8sII", MAGIC, 1, len(text)) + text.ljust(PAGE - 20, b"\0")
    with pytest.raises(InputError, match="big-endian order: expected little-endian"):
        decode(body + struct.pack("<I", zlib.crc32(body)))


def test_a_description_that_is_too_long_for_a_page_is_refused() -> None:
    with pytest.raises(InputError, match="at most 4076"):
        encode_header(MAGIC, 1, {"row_shape": [1] * 2000})


def test_sizes_are_rounded_up_to_pages() -> None:
    assert [whole_pages(size) for size in (0, 1, 4096, 4097)] == [0, 4096, 4096, 8192]
