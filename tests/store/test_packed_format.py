from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.store.packed_format import PackedHeader, decode_table, encode_table
from graphlearn.store.row_store import DTYPES

HEADER = PackedHeader(1000, (128,), torch.float32, 2, 5, 40_960)


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (0,)])
def test_a_header_gives_back_what_it_says(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    header = replace(HEADER, dtype=dtype, row_shape=shape)
    assert PackedHeader.decode(header.encode(), "a") == header


@pytest.mark.parametrize(
    "change",
    [{"num_rows": -1}, {"num_batches": -1}, {"num_resident": -2}, {"table_offset": 5000}],
)
def test_a_header_that_contradicts_itself_is_refused(change: dict[str, int]) -> None:
    with pytest.raises(InputError, match="a has an inconsistent header"):
        PackedHeader.decode(replace(HEADER, **change).encode(), "a")


def test_segments_are_whole_pages_with_codes_at_a_multiple_of_eight() -> None:
    odd = replace(HEADER, dtype=torch.uint8, row_shape=(7,))
    assert [odd.codes_offset(packed) for packed in (0, 1, 8)] == [0, 8, 56]
    assert odd.segment_bytes(count=0, packed=0) == 0
    assert odd.segment_bytes(count=1, packed=0) == 4096
    assert odd.segment_bytes(count=1022, packed=1) == 4096
    assert odd.segment_bytes(count=1023, packed=1) == 8192


def test_ids_take_four_bytes_while_they_fit() -> None:
    assert replace(HEADER, num_rows=(1 << 31) - 1).code_dtype == np.int32
    assert replace(HEADER, num_rows=1 << 31).code_dtype == np.int64


def test_a_changed_byte_anywhere_in_the_table_is_noticed() -> None:
    entries = [(4096 * k, k, k, 2**32 - 1 - k) for k in range(4)]
    table = encode_table(entries)
    assert len(table) == HEADER.table_bytes
    found = decode_table(memoryview(table), HEADER, "a")
    assert [entry[:4] for entry in found.tolist()] == entries
    for place in range(len(table)):
        damaged = bytearray(table)
        damaged[place] ^= 1
        with pytest.raises(InputError, match="a has a damaged table"):
            decode_table(memoryview(damaged), HEADER, "a")
