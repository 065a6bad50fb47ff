from __future__ import annotations

import torch

from graphlearn.kernels.gather import gather_rows_reference


def test_it_is_indexing() -> None:
    table = torch.arange(24).view(4, 3, 2)
    index = torch.tensor([3, 0, 3])
    assert torch.equal(gather_rows_reference(table, index), table[index])
    assert gather_rows_reference(table, index[:0]).shape == (0, 3, 2)
