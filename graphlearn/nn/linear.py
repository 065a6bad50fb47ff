"""A linear map whose input may stay sparse."""

from __future__ import annotations

import math
import weakref
from typing import Any

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.spmm import Transposed, spmm
from graphlearn.nn.dropout import dropout
from graphlearn.nn.dtype import check_dtype
from graphlearn.validate import check_probability, check_size


def transpose_csr(x: Tensor) -> Transposed:
    """The entries of a sparse CSR matrix by column; O(nnz log nnz), done once a feature matrix.

    Example:
        >>> import torch
        >>> turned = Transposed(torch.tensor([0, 1]), torch.tensor([0]), torch.tensor([0]))
        >>> turned.col.tolist()
        [0]
    """
    rowptr, col = x.crow_indices(), x.col_indices()
    row = torch.repeat_interleave(torch.arange(x.size(0), device=x.device), rowptr.diff().long())
    order = torch.argsort(col.long(), stable=True)
    by_column = torch.zeros(x.size(1) + 1, dtype=torch.int64, device=x.device)
    by_column[1:] = torch.bincount(col.long(), minlength=x.size(1)).cumsum(0)
    return Transposed(by_column.to(rowptr.dtype), row[order].to(col.dtype), order)


def check_feature_matrix(x: Any, channels: int) -> Tensor:
    """Return ``x`` if it is a matrix of features, dense or sparse CSR, with so many columns.

    Raises:
        InputTypeError: If it is no floating-point tensor of one of these layouts.
        InputError: If it has another shape.

    Example:
        >>> import torch
        >>> check_feature_matrix(torch.eye(2), 2).shape
        torch.Size([2, 2])
    """
    if not isinstance(x, Tensor) or not x.is_floating_point():
        kind = f"dtype {x.dtype}" if isinstance(x, Tensor) else f"type {type(x).__name__}"
        raise InputTypeError(f"x has {kind}", expected="a floating-point tensor [N, C]")
    if x.layout not in (torch.strided, torch.sparse_csr):
        raise InputTypeError(
            f"x has layout {x.layout}",
            expected="a strided or CSR tensor",
            mend="pass x.to_sparse_csr()",
        )
    if x.dim() != 2 or x.size(1) != channels:
        raise InputError(f"x has shape {list(x.shape)}", expected=f"shape [N, {channels}]")
    return x


class SparseLinear(nn.Module):
    r"""Linear map :math:`\mathbf{X}\mathbf{W} + \mathbf{b}` of dense or sparse CSR features.

    Sparse features are never made dense: a bag of words with 1 % of its entries set costs 1 % of
    the dense product, forward and backward, and dropout is drawn on the stored values alone
    (dropping a zero changes nothing). With dropout ``p`` the dropped values are skipped too.

    Args:
        in_channels (int): Size of each input row.
        out_channels (int): Size of each output row.
        bias (bool): Learn an additive bias. (default: :obj:`True`)
        input_dropout (float): Dropout on the input. (default: :obj:`0.0`)

    Shapes:
        - **input**: ``[N, in_channels]``, strided or ``torch.sparse_csr``
        - **output**: ``[N, out_channels]``

    Raises:
        InputError: If the input has another number of channels.

    Example:
        >>> import torch
        >>> layer = SparseLinear(3, 2)
        >>> layer(torch.eye(3)).shape
        torch.Size([3, 2])
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        bias: bool = True,
        input_dropout: float = 0.0,
    ) -> None:
        super().__init__()
        self.in_channels = check_size(in_channels, name="in_channels")
        self.out_channels = check_size(out_channels, name="out_channels")
        self.input_dropout = check_probability(input_dropout, name="input_dropout")
        # Stored [in, out], so that a sparse row gathers contiguous rows of it.
        self.weight = nn.Parameter(torch.empty(in_channels, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None
        self._turned: tuple[weakref.ref[Tensor], Transposed] | None = None
        self.reset_parameters()

    def __getstate__(self) -> dict[str, object]:
        return {**self.__dict__, "_turned": None}  # a weak reference cannot be pickled

    def reset_parameters(self) -> None:
        """Draw weights as :class:`torch.nn.Linear` does."""
        bound = 1.0 / math.sqrt(max(1, self.in_channels))
        nn.init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            nn.init.uniform_(self.bias, -bound, bound)

    def _transposed(self, x: Tensor) -> Transposed:
        if self._turned is None or self._turned[0]() is not x:
            self._turned = (weakref.ref(x), transpose_csr(x))
        return self._turned[1]

    def forward(self, x: Any) -> Tensor:
        """Return the mapped rows."""
        x = check_feature_matrix(x, self.in_channels)
        if x.layout == torch.strided:
            check_dtype(x, self.weight, name="x", whose="weight")
        if x.layout == torch.sparse_csr:
            values = dropout(x.values(), self.input_dropout, training=self.training)
            out = spmm(
                x.crow_indices(),
                x.col_indices(),
                self.weight,
                values.to(self.weight.dtype),
                transposed=self._transposed(x),
            )
        else:
            out = dropout(x, self.input_dropout, training=self.training) @ self.weight
        return out if self.bias is None else out + self.bias

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return (
            f"{self.in_channels}, {self.out_channels}, bias={self.bias is not None}, "
            f"input_dropout={self.input_dropout}"
        )
