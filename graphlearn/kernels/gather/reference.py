"""The plain form of the row gather: the oracle of the tests, written to be read."""

from __future__ import annotations

from torch import Tensor


def gather_rows_reference(table: Tensor, index: Tensor) -> Tensor:
    """``out[i] = table[index[i]]`` by ``index_select``.

    Shapes:
        - **table**: ``[N, ...]``; **index**: ``[B]``; **output**: ``[B, ...]``

    Example:
        >>> import torch
        >>> gather_rows_reference(torch.tensor([[1], [2], [3]]), torch.tensor([2, 0])).tolist()
        [[3], [1]]
    """
    return table.index_select(0, index)
