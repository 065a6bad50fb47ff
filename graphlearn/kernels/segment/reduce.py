"""Sum, mean, maximum and softmax over segments, with exact gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.eager import run_eagerly
from graphlearn.kernels.segment import cpu_reduce
from graphlearn.kernels.segment.segments import Segments, check_segments

_CPU_DTYPES = (torch.float32, torch.float64)
_HALF = (torch.float16, torch.bfloat16)


# A backward pass that is itself to be differentiated (create_graph=True) runs with gradients on:
# the plain torch form, which autograd can follow, then takes the compiled one's place.


def _compiled(values: Tensor) -> bool:
    return values.device.type == "cpu" and values.dtype in _CPU_DTYPES


def _arrays(segments: Segments) -> tuple[Any, Any]:
    order = segments.order
    return segments.rowptr.numpy(), None if order is None else order.numpy()


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, segments: Segments, mean: bool) -> Tensor:
        ctx.segments, ctx.mean = segments, mean
        if _compiled(values):
            out = cpu_reduce.sums(values.detach().numpy(), *_arrays(segments), mean=mean)
            return torch.from_numpy(out)
        # Half precision adds up in float32: a large sum would overflow, and its mean with it.
        wide = values.float() if values.dtype in _HALF else values
        total = wide.new_zeros(len(segments), values.size(1))
        total = total.index_add(0, segments.row_segment, wide)
        if mean:
            total = total / segments.counts().clamp(min=1)[:, None]
        return total.to(values.dtype)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        segments, mean = ctx.segments, ctx.mean
        if _compiled(grad) and not torch.is_grad_enabled():
            out = cpu_reduce.spread(grad.contiguous().numpy(), *_arrays(segments), mean=mean)
            return torch.from_numpy(out), None, None
        if mean:
            grad = grad / segments.counts().clamp(min=1)[:, None]
        return grad.index_select(0, segments.row_segment), None, None


class _Max(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, segments: Segments) -> Tensor:
        if _compiled(values):
            top, row = cpu_reduce.maxima(values.detach().numpy(), *_arrays(segments))
            out, where = torch.from_numpy(top), torch.from_numpy(row)
        else:
            out, where = _maxima(values, segments)
        ctx.save_for_backward(where)
        ctx.rows = values.size(0)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (where,) = ctx.saved_tensors
        if _compiled(grad) and not torch.is_grad_enabled():
            placed = cpu_reduce.to_places(grad.contiguous().numpy(), where.numpy(), ctx.rows)
            return torch.from_numpy(placed), None
        # One row more, for the segments that have none.
        out = grad.new_zeros(ctx.rows + 1, grad.size(1))
        return out.scatter(0, where % (ctx.rows + 1), grad)[:-1], None


def _maxima(values: Tensor, segments: Segments) -> tuple[Tensor, Tensor]:
    """As the compiled kernel: of equals the first in the segment's order."""
    at = segments.row_segment[:, None].expand_as(values)
    shape = (len(segments), values.size(1))
    out = values.new_zeros(shape).scatter_reduce(0, at, values, "amax", include_self=False)
    rows = torch.arange(values.size(0), device=values.device)
    is_top = (values == out.gather(0, at)) | values.isnan()
    candidates = torch.where(is_top, rows[:, None], values.size(0))
    where = at.new_full(shape, values.size(0)).scatter_reduce(0, at, candidates, "amin")
    return out, torch.where(where == values.size(0), -1, where)


class _Softmax(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor, segments: Segments) -> Tensor:
        ctx.segments = segments
        if _compiled(values):
            arrays = _arrays(segments)
            out = torch.from_numpy(cpu_reduce.below_top(values.detach().numpy(), *arrays)).exp_()
            cpu_reduce.normalize(out.numpy(), *arrays)
        else:
            of_row = segments.row_segment
            top, _ = _maxima(values, segments)
            shift = torch.where(values == top[of_row], 0.0, values - top[of_row])
            weight = shift.to(values.dtype).exp()
            zeros = values.new_zeros(len(segments), values.size(1))
            out = weight / zeros.index_add(0, of_row, weight)[of_row]
        ctx.save_for_backward(out)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (result,) = ctx.saved_tensors
        segments = ctx.segments
        if _compiled(grad) and not torch.is_grad_enabled():
            out = cpu_reduce.softmax_backward(
                grad.contiguous().numpy(), result.detach().numpy(), *_arrays(segments)
            )
            return torch.from_numpy(out), None
        of_row = segments.row_segment
        zeros = grad.new_zeros(len(segments), grad.size(1))
        total = zeros.index_add(0, of_row, grad * result)
        return result * (grad - total[of_row]), None


def _check(values: Any, segments: Any) -> Tensor:
    """``values`` as ``[E, C]``."""
    check_segments(segments)
    if not isinstance(values, Tensor) or not values.is_floating_point():
        kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise InputTypeError(f"values is {kind}", expected="a floating-point tensor [E, ...]")
    if values.dim() == 0 or values.size(0) != segments.num_rows:
        raise InputError(
            f"values has shape {list(values.shape)}",
            expected=f"{segments.num_rows} rows, as the segments have",
        )
    return values.reshape(values.size(0), values.shape[1:].numel()).contiguous()


@run_eagerly
def segment_sum(values: Tensor, segments: Segments) -> Tensor:
    """Sum the rows of every segment.

    Reads E C values and writes S C, and the gradient the other way round: no ``[E, C]`` index and
    no atomic additions on the CPU. The same for every thread count.

    Args:
        values: The rows; differentiable.
        segments: Which rows belong together.

    Shapes:
        - **values**: ``[E, ...]``; **output**: ``[S, ...]``; 0 for a segment without rows

    Raises:
        InputTypeError: If ``values`` is not floating-point.
        InputError: If it has another number of rows than the segments.

    Example:
        >>> segments = Segments.from_index(torch.tensor([0, 2, 0]), num_segments=3)
        >>> segment_sum(torch.tensor([1.0, 10.0, 2.0]), segments).tolist()
        [3.0, 0.0, 10.0]
    """
    rows = _check(values, segments)
    total: Tensor = _Sum.apply(rows, segments, False)  # type: ignore[no-untyped-call]
    return total.view(len(segments), *values.shape[1:])


@run_eagerly
def segment_mean(values: Tensor, segments: Segments) -> Tensor:
    """Mean of the rows of every segment; costs and errors as :func:`segment_sum`.

    Shapes:
        - **values**: ``[E, ...]``; **output**: ``[S, ...]``; 0 for a segment without rows

    Example:
        >>> segments = Segments.from_ptr(torch.tensor([0, 2, 2]), num_rows=2)
        >>> segment_mean(torch.tensor([1.0, 2.0]), segments).tolist()
        [1.5, 0.0]
    """
    rows = _check(values, segments)
    mean: Tensor = _Sum.apply(rows, segments, True)  # type: ignore[no-untyped-call]
    return mean.view(len(segments), *values.shape[1:])


@run_eagerly
def segment_max(values: Tensor, segments: Segments) -> Tensor:
    """Largest value of every segment, channel by channel; errors as :func:`segment_sum`.

    The gradient goes to the first of equals alone. NaN is larger than everything.

    Shapes:
        - **values**: ``[E, ...]``; **output**: ``[S, ...]``; 0 for a segment without rows

    Example:
        >>> segments = Segments.from_ptr(torch.tensor([0, 2, 2]), num_rows=2)
        >>> segment_max(torch.tensor([-1.0, -2.0]), segments).tolist()
        [-1.0, 0.0]
    """
    rows = _check(values, segments)
    top: Tensor = _Max.apply(rows, segments)  # type: ignore[no-untyped-call]
    return top.view(len(segments), *values.shape[1:])


@run_eagerly
def segment_softmax(values: Tensor, segments: Segments) -> Tensor:
    """Softmax over the rows of every segment, channel by channel; errors as :func:`segment_sum`.

    A segment of ``-inf`` alone, as a mask may leave it, is shared out evenly.

    Shapes:
        - **values**, **output**: ``[E, ...]``

    Example:
        >>> segments = Segments.from_index(torch.tensor([0, 1, 0]), num_segments=2)
        >>> segment_softmax(torch.tensor([0.0, 5.0, 0.0]), segments).tolist()
        [0.5, 1.0, 0.5]
    """
    rows = _check(values, segments)
    weights: Tensor = _Softmax.apply(rows, segments)  # type: ignore[no-untyped-call]
    return weights.view(values.shape)
