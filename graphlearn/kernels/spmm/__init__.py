"""Weighted sums of rows over ragged lists, with exact gradients: one kernel for three jobs.

The first linear map of sparse features, weightless propagation, and the pooling of common
neighbors are all ``out[r] = sum_k weight[k] * x[col[k]]``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.spmm import cpu
from graphlearn.kernels.spmm.reference import spmm_reference

__all__ = ["Transposed", "spmm", "spmm_reference"]

_CPU_DTYPES = (torch.float32, torch.float64)
_HALF = (torch.float16, torch.bfloat16)


class Transposed(NamedTuple):
    """The same entries by column: lets the backward pass gather instead of scatter.

    Args:
        rowptr: ``[N + 1]``.
        col: ``[K]``, the row of every entry, ordered by column.
        entry: ``[K]``, where each of them stands in the forward order; None if the lists are
            symmetric in structure *and* weight, so that forward and transposed order coincide.
    """

    rowptr: Tensor
    col: Tensor
    entry: Tensor | None


def _product(rowptr: Tensor, col: Tensor, weight: Tensor | None, x: Tensor) -> Tensor:
    if x.device.type == "cpu" and x.dtype in _CPU_DTYPES:
        values = None if weight is None else weight.contiguous().numpy()
        return torch.from_numpy(
            cpu.gather(rowptr.numpy(), col.numpy(), values, x.contiguous().numpy())
        )
    return spmm_reference(rowptr, col, x, weight)


def _transposed_product(
    rowptr: Tensor, col: Tensor, weight: Tensor | None, grad: Tensor, nodes: int
) -> Tensor:
    if grad.device.type == "cpu" and grad.dtype in _CPU_DTYPES:
        values = None if weight is None else weight.contiguous().numpy()
        return torch.from_numpy(
            cpu.scatter(rowptr.numpy(), col.numpy(), values, grad.contiguous().numpy(), nodes)
        )
    row = torch.repeat_interleave(
        torch.arange(rowptr.numel() - 1, device=grad.device), rowptr.diff().long()
    )
    messages = grad.index_select(0, row)
    if weight is not None:
        messages = messages * weight[:, None]
    return grad.new_zeros(nodes, grad.size(1)).index_add(0, col.long(), messages)


def _entry_dots(rowptr: Tensor, col: Tensor, grad: Tensor, x: Tensor) -> Tensor:
    if grad.device.type == "cpu" and grad.dtype in _CPU_DTYPES:
        return torch.from_numpy(
            cpu.dot(rowptr.numpy(), col.numpy(), grad.contiguous().numpy(), x.contiguous().numpy())
        )
    row = torch.repeat_interleave(
        torch.arange(rowptr.numel() - 1, device=grad.device), rowptr.diff().long()
    )
    return (grad.index_select(0, row) * x.index_select(0, col.long())).sum(dim=1)


class _SpMM(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        rowptr: Tensor,
        col: Tensor,
        x: Tensor,
        weight: Tensor | None,
        transposed: Transposed | None,
    ) -> Tensor:
        weight_needs_grad = weight is not None and weight.requires_grad
        ctx.save_for_backward(rowptr, col, x if weight_needs_grad else None, weight)
        ctx.transposed = transposed
        ctx.nodes = x.size(0)
        return _product(rowptr, col, None if weight is None else weight.detach(), x.detach())

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        rowptr, col, x, weight = ctx.saved_tensors
        grad_x = grad_weight = None
        if ctx.needs_input_grad[2]:
            turned: Transposed | None = ctx.transposed
            if turned is None:
                grad_x = _transposed_product(
                    rowptr, col, None if weight is None else weight.detach(), grad, ctx.nodes
                )
            else:
                values = weight
                if values is not None and turned.entry is not None:
                    values = values.index_select(0, turned.entry)
                grad_x = _product(
                    turned.rowptr, turned.col, None if values is None else values.detach(), grad
                )
        if weight is not None and ctx.needs_input_grad[3]:
            grad_weight = _entry_dots(rowptr, col, grad, x.detach())
        return None, None, grad_x, grad_weight, None


def spmm(
    rowptr: Tensor,
    col: Tensor,
    x: Tensor,
    weight: Tensor | None = None,
    *,
    transposed: Transposed | None = None,
) -> Tensor:
    """Sum rows of ``x`` over ragged lists: ``out[r] = sum_{k in row r} weight[k] * x[col[k]]``.

    Cost: K C multiply-adds and reads of ``x``, R C writes, no ``[K, C]`` intermediate on the CPU;
    entries of weight 0 are skipped. The backward pass for ``x`` costs the same (a gather over
    ``transposed`` if given, else a scatter cut by channels), for ``weight`` K dot products of
    length C. Both are exact, and the same for every thread count. Half precision is summed in
    float32 on the CPU and rounded once. On other devices the plain torch form runs, which allocates
    ``[K, C]``.

    Args:
        rowptr: Where each list starts.
        col: Which row of ``x`` each entry adds.
        x: Rows to add; differentiable.
        weight: One factor an entry; 1 if None; differentiable.
        transposed: The same entries by column, for a list that is used often.

    Shapes:
        - **rowptr**: ``[R + 1]``; **col**, **weight**: ``[K]``; **x**: ``[N, C]``
        - **output**: ``[R, C]``

    Raises:
        InputTypeError: If ``x`` is not floating-point or ``weight`` has another dtype.
        InputError: If the shapes do not fit. Values of ``col`` are trusted: check them where the
            lists are made.

    Example:
        >>> import torch
        >>> x = torch.tensor([[1.0], [10.0]], requires_grad=True)
        >>> out = spmm(torch.tensor([0, 2, 3]), torch.tensor([0, 1, 1]), x)
        >>> out.flatten().tolist()
        [11.0, 10.0]
        >>> out.sum().backward()
        >>> x.grad.flatten().tolist()
        [1.0, 2.0]
    """
    if not x.is_floating_point():
        raise InputTypeError(f"x has dtype {x.dtype}", expected="a floating-point tensor [N, C]")
    if x.dim() != 2:
        raise InputError(f"x has shape {list(x.shape)}", expected="shape [N, C]")
    if rowptr.dim() != 1 or rowptr.numel() == 0 or col.dim() != 1:
        raise InputError(
            f"rowptr has shape {list(rowptr.shape)} and col {list(col.shape)}",
            expected="[R + 1] and [K]",
        )
    if col.is_floating_point() or rowptr.is_floating_point():
        raise InputTypeError(
            f"col has dtype {col.dtype} and rowptr {rowptr.dtype}", expected="integer tensors"
        )
    if x.device.type == "cpu" and int(rowptr[-1]) != col.numel():
        raise InputError(
            f"rowptr ends at {int(rowptr[-1])}", expected=f"{col.numel()}, the number of entries"
        )
    if weight is not None:
        if weight.shape != col.shape:
            raise InputError(
                f"weight has shape {list(weight.shape)}", expected=f"{list(col.shape)}, as col"
            )
        if weight.dtype != x.dtype:
            raise InputTypeError(f"weight has dtype {weight.dtype}", expected=f"{x.dtype}, as x")
    if x.device.type == "cpu" and x.dtype in _HALF:
        wide = None if weight is None else weight.float()
        return spmm(rowptr, col, x.float(), wide, transposed=transposed).to(x.dtype)
    result: Tensor = _SpMM.apply(rowptr, col, x, weight, transposed)  # type: ignore[no-untyped-call]
    return result
