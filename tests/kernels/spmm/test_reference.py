from __future__ import annotations

import torch

from graphlearn.kernels.spmm.reference import spmm_reference


def test_against_a_dense_product() -> None:
    generator = torch.Generator().manual_seed(0)
    dense = torch.randn(7, 5, dtype=torch.float64, generator=generator)
    dense[torch.rand(7, 5, generator=generator) < 0.5] = 0.0
    dense[3] = 0.0
    row, col = dense.nonzero().t()
    rowptr = torch.zeros(8, dtype=torch.int64)
    rowptr[1:] = torch.bincount(row, minlength=7).cumsum(0)
    x = torch.randn(5, 3, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(spmm_reference(rowptr, col, x, dense[row, col]), dense @ x)
    torch.testing.assert_close(spmm_reference(rowptr, col, x), (dense != 0).double() @ x)


def test_repeated_entries_add_up_and_nothing_gives_zero() -> None:
    x = torch.tensor([[1.0], [10.0]])
    out = spmm_reference(torch.tensor([0, 3, 3]), torch.tensor([1, 1, 0]), x)
    assert out.tolist() == [[21.0], [0.0]]
    assert spmm_reference(torch.tensor([0]), torch.tensor([], dtype=torch.int64), x).shape == (0, 1)
