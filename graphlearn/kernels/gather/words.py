"""Rows seen as bytes or as integer words: copied so, every dtype comes out bit for bit."""

from __future__ import annotations

import math
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

_WORDS = {8: torch.int64, 4: torch.int32, 2: torch.int16, 1: torch.int8}


def as_bytes(rows: Tensor) -> NDArray[Any]:
    """A contiguous CPU tensor ``[N, ...]`` as an array ``[N, bytes of a row]``; copies nothing.

    numpy has no bfloat16, bytes it has.

    Example:
        >>> as_bytes(torch.ones(2, 3, dtype=torch.bfloat16)).shape
        (2, 6)
    """
    return rows.view(rows.size(0), math.prod(rows.shape[1:])).view(torch.uint8).numpy()


def common_word(table: Tensor, out: Tensor) -> int:
    """The longest word, of 8, 4, 2 or 1 bytes, that rows of two tensors can be copied by.

    It divides the bytes of a row, and both begin at a multiple of it.

    Args:
        table: ``[N, ...]``.
        out: ``[B, ...]``, with rows of as many bytes.

    Example:
        >>> common_word(torch.zeros(5, 25), torch.zeros(2, 25))
        4
    """
    sizes: list[Any] = [math.prod(table.shape[1:]) * table.element_size()]
    for rows in (table, out):
        sizes += [rows.data_ptr(), rows.storage_offset() * rows.element_size()]
    return next(word for word in _WORDS if all(size % word == 0 for size in sizes))


def as_words(rows: Tensor, word: int) -> Tensor:
    """A contiguous tensor ``[N, ...]`` as integers of ``word`` bytes; copies nothing.

    Example:
        >>> as_words(torch.zeros(2, 3, 4, dtype=torch.bfloat16), 8).shape
        torch.Size([2, 3])
    """
    return rows.detach().view(rows.size(0), math.prod(rows.shape[1:])).view(_WORDS[word])
