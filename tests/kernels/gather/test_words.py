from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlearn.kernels.gather.words import as_bytes, as_words, common_word


def test_bytes_share_memory_with_the_rows() -> None:
    rows = torch.zeros(2, 3, dtype=torch.bfloat16)
    as_bytes(rows)[1, 5] = 64
    assert rows.tolist() == [[0, 0, 0], [0, 0, 2]]


def test_rows_of_any_shape_and_none() -> None:
    assert as_bytes(torch.zeros(4, 2, 3)).shape == (4, 24)
    assert as_bytes(torch.zeros(4)).shape == (4, 4)
    assert as_bytes(torch.zeros(0, 3)).shape == (0, 12)
    assert as_bytes(torch.zeros(3, 0)).shape == (3, 0)


def placed(row_bytes: int, offset: int) -> Tensor:
    return torch.zeros(4 * row_bytes + offset, dtype=torch.uint8)[offset:].view(4, row_bytes)


@pytest.mark.parametrize(
    ("row_bytes", "table_at", "out_at", "word"),
    [(512, 0, 0, 8), (100, 0, 0, 4), (14, 0, 0, 2), (7, 0, 0, 1), (512, 4, 0, 4), (512, 0, 2, 2)],
)
def test_the_longest_word_that_fits_row_and_places(
    row_bytes: int, table_at: int, out_at: int, word: int
) -> None:
    table, out = placed(row_bytes, table_at), placed(row_bytes, out_at)
    assert common_word(table, out) == word
    as_words(table, word).copy_(as_words(out, word))


def test_a_place_that_fits_by_chance_in_memory_that_does_not() -> None:
    memory = torch.from_numpy(np.zeros(64, np.uint8)[1:])  # an odd address, and an odd offset
    table = memory[7:47].view(5, 8)
    assert table.data_ptr() % 8 == 0
    assert common_word(table, table) == 1


def test_words_share_memory_with_the_rows() -> None:
    rows = torch.zeros(3, 2, 2, dtype=torch.float16)
    as_words(rows, 4)[2, 1] = 0x3C003C00
    assert rows[2].tolist() == [[0, 0], [1, 1]]
    assert as_words(rows, 8).shape == (3, 1)
    assert as_words(torch.ones(3, requires_grad=True), 4).shape == (3, 1)
