"""Sparse features where they are mostly zeros, and no warning on the way."""

from __future__ import annotations

import warnings

import pytest
import torch

from graphlearn.data import compact_features


def test_mostly_zero_features_become_sparse_with_the_same_values() -> None:
    x = torch.zeros(30, 40)
    x[3, 5], x[29, 39] = 2.0, -1.0
    compact = compact_features(x)
    assert compact.layout == torch.sparse_csr
    assert torch.equal(compact.to_dense(), x)


def test_others_stay_as_they_are() -> None:
    x = torch.ones(3, 4)
    assert compact_features(x) is x
    empty = torch.ones(3, 0)
    assert compact_features(empty) is empty
    sparse = torch.eye(20).to_sparse()
    assert compact_features(sparse) is sparse


def test_the_threshold_is_exclusive() -> None:
    x = torch.zeros(10, 10)
    x.view(-1)[:10] = 1
    assert compact_features(x).layout == torch.strided
    x[0, 0] = 0
    assert compact_features(x).layout == torch.sparse_csr


def test_torch_s_beta_warning_does_not_reach_the_user() -> None:
    torch.set_warn_always(True)  # It is given once a process otherwise.
    try:
        with pytest.warns(UserWarning, match="Sparse CSR tensor support is in beta"):
            torch.eye(20).to_sparse_csr()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert compact_features(torch.eye(20)).layout == torch.sparse_csr
    finally:
        torch.set_warn_always(False)
