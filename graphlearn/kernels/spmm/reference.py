"""The plain form of the list-sum: the oracle of the tests, written to be read."""

from __future__ import annotations

import torch
from torch import Tensor


def spmm_reference(rowptr: Tensor, col: Tensor, x: Tensor, weight: Tensor | None = None) -> Tensor:
    """``out[r] = sum_{k in row r} weight[k] * x[col[k]]`` by ``index_add``; allocates ``[K, C]``.

    Shapes:
        - **rowptr**: ``[R + 1]``; **col**, **weight**: ``[K]``; **x**: ``[N, C]``
        - **output**: ``[R, C]``

    Example:
        >>> import torch
        >>> spmm_reference(torch.tensor([0, 2, 2]), torch.tensor([0, 1]), torch.ones(2, 1)).tolist()
        [[2.0], [0.0]]
    """
    rows = rowptr.numel() - 1
    row = torch.repeat_interleave(torch.arange(rows, device=x.device), rowptr.diff().long())
    messages = x.index_select(0, col.long())
    if weight is not None:
        messages = messages * weight[:, None]
    return x.new_zeros(rows, x.size(1)).index_add(0, row, messages)
