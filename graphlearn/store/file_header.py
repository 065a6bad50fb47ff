"""The first page of our files of rows: what the file is, and a checksum of the page itself."""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from graphlearn.errors import InputError

PAGE = 4096
"""What the system reads from a disk at the least; all that our files hold starts at such a page."""

_PREFIX = struct.Struct("<8sII")  # magic, version, length of the JSON text
_CHECKSUM = struct.Struct("<I")
_REWRITE = "write the file again"


def whole_pages(num_bytes: int) -> int:
    """Bytes of the pages that ``num_bytes`` take up.

    Example:
        >>> whole_pages(1), whole_pages(8192)
        (4096, 8192)
    """
    return -(-num_bytes // PAGE) * PAGE


def encode_header(magic: bytes, version: int, fields: Mapping[str, Any]) -> bytes:
    """Return the page: magic, version, fields as JSON, zeros, and CRC-32 of all of it at the end.

    The order of bytes in numbers, which is this machine's, is stated among the fields.

    Args:
        magic: Eight bytes that no other kind of file starts with.
        version: Of the layout; a reader takes its own alone.
        fields: What JSON can say.

    Raises:
        InputError: If they take more than the page.

    Example:
        >>> page = encode_header(b"\\x89EXAMPL\\n", 1, {"rows": 3})
        >>> decode_header(page, b"\\x89EXAMPL\\n", 1, path="a", kind="file of examples")["rows"]
        3
    """
    assert len(magic) == 8, magic
    text = json.dumps({"byte_order": sys.byteorder, **fields}).encode("ascii")
    room = PAGE - _PREFIX.size - _CHECKSUM.size
    if len(text) > room:
        raise InputError(
            f"the description of the rows takes {len(text)} bytes",
            expected=f"at most {room}",
            mend="give rows fewer axes",
        )
    page = _PREFIX.pack(magic, version, len(text)) + text.ljust(room, b"\0")
    return page + _CHECKSUM.pack(zlib.crc32(page))


def decode_header(
    page: bytes, magic: bytes, version: int, *, path: Path | str, kind: str
) -> dict[str, Any]:
    """Return the fields of a page that :func:`encode_header` made.

    Args:
        page: The first 4096 bytes of the file, or all it has if it is shorter.
        magic: What it must start with.
        version: The version that the reader knows.
        path: The file, for the error text.
        kind: What it should be, likewise: ``"file of rows"``.

    Raises:
        InputError: If it is another kind of file, of another version, cut off, changed, or written
            on a machine with another order of bytes.
    """
    if not page.startswith(magic):
        raise InputError(f"{path} is no {kind}", expected=f"a file that starts with {magic!r}")
    if len(page) < PAGE:
        raise InputError(
            f"{path} ends after {len(page)} bytes", expected=f"a whole {kind}", mend=_REWRITE
        )
    _, found, length = _PREFIX.unpack_from(page)
    if found != version:
        raise InputError(
            f"{path} is a {kind} of version {found}", expected=f"version {version}", mend=_REWRITE
        )
    if _CHECKSUM.unpack_from(page, PAGE - 4)[0] != zlib.crc32(page[: PAGE - 4]):
        raise InputError(
            f"{path} has a damaged header", expected="the bytes that were written", mend=_REWRITE
        )
    fields: dict[str, Any] = json.loads(page[_PREFIX.size : _PREFIX.size + length])
    if fields["byte_order"] != sys.byteorder:
        raise InputError(
            f"{path} has numbers whose bytes are in {fields['byte_order']}-endian order",
            expected=f"{sys.byteorder}-endian order, this machine's",
            mend="write the file on this machine",
        )
    return fields
