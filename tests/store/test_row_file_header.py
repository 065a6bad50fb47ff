from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.store.file_header import encode_header
from graphlearn.store.row_file_header import RowFileHeader
from graphlearn.store.row_store import DTYPES


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (0,)])
def test_a_header_gives_back_what_it_says(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    for rows in (0, 1, 100_000):
        header = RowFileHeader(rows, shape, dtype)
        assert RowFileHeader.decode(header.encode(), "a") == header


def test_all_parts_are_whole_pages_and_every_row_has_a_checksum() -> None:
    for rows in (0, 1, 8, 9, 512, 513, 100_001):
        header = RowFileHeader(rows, (128,), torch.float32)
        assert header.row_bytes == 512
        assert header.checksum_offset >= header.data_offset + rows * 512
        assert header.num_chunks * header.chunk_bytes >= header.data_bytes
        assert (header.num_chunks - 1) * header.chunk_bytes < max(header.data_bytes, 1)
        assert header.file_bytes - header.checksum_offset >= 4 * header.num_chunks + 4
        assert header.checksum_offset % 4096 == header.file_bytes % 4096 == 0


@pytest.mark.parametrize(
    "change",
    [
        {"num_rows": -1},
        {"num_rows": None},
        {"row_shape": 3},
        {"dtype": "complex64"},
        {"chunk_bytes": 0},
        {"chunk_bytes": 1000},
        {"row_stride": 516},
        {"checksum": "sha256"},
    ],
)
def test_a_header_that_contradicts_itself_is_refused(change: dict[str, object]) -> None:
    fields = {
        "num_rows": 3,
        "row_shape": [2],
        "dtype": "float32",
        "row_stride": 8,
        "data_offset": 4096,
        "chunk_bytes": 1 << 18,
        "checksum": "crc32",
        "file_bytes": 3 * 4096,
    }
    whole = RowFileHeader(3, (2,), torch.float32)
    assert RowFileHeader.decode(encode_header(b"\x89GLROWS\n", 1, fields), "a") == whole
    with pytest.raises(InputError, match="a has an inconsistent header"):
        RowFileHeader.decode(encode_header(b"\x89GLROWS\n", 1, fields | change), "a")
