"""How node features are stored: sparse where that saves most of the first layer's work."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

SPARSE_BELOW = 0.1
"""Features of which less than this share is non-zero are stored as ``torch.sparse_csr``."""


def compact_features(x: Tensor, sparse_below: float = SPARSE_BELOW) -> Tensor:
    """Return ``x`` as a sparse CSR tensor if it is mostly zeros, otherwise unchanged.

    Values are not normalised. Bag-of-words features (Cora: 1.3 % non-zero) become sparse; dense
    embeddings and pixels stay dense.

    Args:
        x: Dense node features.
        sparse_below: The share of non-zero values under which the sparse form is taken.

    Shapes:
        - ``x``: ``[N, C]``
        - output: ``[N, C]``

    Example:
        >>> compact_features(torch.eye(20)).layout
        torch.sparse_csr
        >>> compact_features(torch.ones(2, 3)).layout
        torch.strided
    """
    if x.layout != torch.strided or x.numel() == 0:
        return x
    if int(torch.count_nonzero(x)) >= sparse_below * x.numel():
        return x
    with warnings.catch_warnings():
        # torch says once a process that this layout is in beta; only that sentence is silenced.
        warnings.filterwarnings("ignore", message="Sparse CSR tensor support is in beta")
        return x.to_sparse_csr()
