"""Ragged tree reduction: one operator on pairs of rows reduces every segment to one row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.eager import run_eagerly
from graphlearn.kernels.segment.segments import Segments, check_segments
from graphlearn.kernels.segment.tree_plan import TreeLevel, TreePlan, plan_tree


class MergeTrace(NamedTuple):
    """What one level merged.

    Args:
        pairs: ``[P, 2, C]``, what was merged.
        merged: ``[P, C]``, into what.
        left: ``[P]``, which merge of the level before the left row of each pair is; None in the
            first level.
    """

    pairs: Tensor
    merged: Tensor
    left: Tensor | None


class _Permute(torch.autograd.Function):
    """``rows[order]`` for a permutation: the gradient is gathered, not summed."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, order: Tensor, inverse: Tensor | None) -> Tensor:
        if inverse is None:
            inverse = torch.empty_like(order)
            inverse[order] = torch.arange(order.numel(), device=order.device)
        ctx.save_for_backward(order, inverse)
        return rows.index_select(0, order)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        order, inverse = ctx.saved_tensors
        return _permute(grad, inverse, order), None, None


def _permute(rows: Tensor, order: Tensor | None, inverse: Tensor | None) -> Tensor:
    if order is None:
        return rows
    moved: Tensor = _Permute.apply(rows, order, inverse)  # type: ignore[no-untyped-call]
    return moved


@run_eagerly
def tree_reduce(
    values: Tensor,
    segments: Segments,
    merge: Callable[[Tensor], Tensor],
    identity: Tensor,
    *,
    plan: TreePlan | None = None,
    pad_odd: bool = False,
    trace: list[MergeTrace] | None = None,
) -> Tensor:
    """Reduce the rows of every segment to one by merging them two by two.

    A segment's result depends on its own rows and their order alone. ``merge`` is called once a
    level, on all pairs of all segments: E - S' merges in all for S' segments with rows (with
    ``pad_odd`` one more for each odd row). Beside what ``merge`` costs, E rows are moved a few
    times; memory is O(E) and nothing is padded to the longest segment.

    Args:
        values: The rows; differentiable.
        segments: Which rows belong together.
        merge: The operator, ``[P, 2, C]`` to ``[P, C]``, each pair by itself; differentiated by
            autograd.
        identity: What an empty segment gives; differentiable.
        plan: The plan of ``segments``, for reuse; a balanced tree if None.
        pad_odd: Merge an odd row with the identity instead of moving it up. Single rows stay.
        trace: A list that gets what each level merged.

    Shapes:
        - **values**: ``[E, C]``; **identity**: ``[C]``; **output**: ``[S, C]``

    Raises:
        InputError: If a shape does not fit, or ``merge`` returns another shape than ``[P, C]``.
        InputTypeError: If ``values`` is not floating-point.

    Example:
        >>> import torch
        >>> segments = Segments.from_index(torch.tensor([0, 0, 2, 0]), num_segments=3)
        >>> rows = torch.tensor([[3.0], [5.0], [7.0], [4.0]])
        >>> largest = lambda pairs: pairs.amax(dim=1)
        >>> tree_reduce(rows, segments, largest, torch.tensor([-torch.inf])).flatten().tolist()
        [5.0, -inf, 7.0]
    """
    _check(values, segments, identity)
    plan = plan_tree(segments) if plan is None else plan
    if not np.array_equal(plan.lengths, segments.lengths):
        raise InputError(
            "the plan is of other segments", expected="one of segments of these lengths, in order"
        )
    if segments.order is not None:
        values = _permute(values, segments.order, None)
    if plan.entry is not None:
        values = _permute(values, plan.entry, None)
    entering = torch.split(values, [level.entering for level in plan.levels]) if plan.levels else ()
    channels = values.size(1)
    merged = waiting = values[:0]
    roots = []
    for level, fresh in zip(plan.levels, entering, strict=True):
        pool = [rows for rows in (merged, waiting, fresh) if rows.size(0)]
        rows = pool[0] if len(pool) == 1 else torch.cat(pool)
        rows = _permute(rows, level.order, level.inverse)
        pair_rows, odd, ended = torch.split(rows, [2 * level.pairs, level.odd, level.roots])
        roots.append(ended)
        if level.pairs == 0:
            break
        pairs = pair_rows.view(level.pairs, 2, channels)
        padded = level.odd if pad_odd else 0
        if padded:
            with_identity = torch.stack([odd, identity.to(odd.dtype).expand_as(odd)], dim=1)
            pairs, odd = torch.cat([pairs, with_identity]), odd[:0]
        result: Any = merge(pairs)
        if not isinstance(result, Tensor):
            raise InputTypeError(
                f"the operator returned {result!r}",
                expected=f"a tensor {[pairs.size(0), channels]}",
            )
        merged, waiting = result, odd
        if merged.shape != (pairs.size(0), channels):
            raise InputError(
                f"the operator returned shape {list(merged.shape)} for left and right of shape "
                f"{[pairs.size(0), channels]}",
                expected="the same shape as its operands",
            )
        if trace is not None:
            trace.append(
                MergeTrace(
                    pairs, merged, _left_rows(level, padded, values.device) if trace else None
                )
            )
    everything = [part for part in roots if part.size(0)]
    if plan.empty or not everything:
        dtype = everything[0].dtype if everything else values.dtype
        everything.append(identity.to(dtype).expand(plan.empty, channels))
    return _permute(torch.cat(everything), plan.root_place, None)


def _left_rows(level: TreeLevel, padded: int, device: torch.device) -> Tensor:
    """The pool's row at the left of each pair: always one that the level before merged."""
    size = 2 * level.pairs
    order = torch.arange(size + padded, device=device) if level.order is None else level.order
    return torch.cat([order[0:size:2], order[size : size + padded]])


def _check(values: Any, segments: Any, identity: Any) -> None:
    check_segments(segments)
    for name, value in (("values", values), ("identity", identity)):
        if not isinstance(value, Tensor):
            raise InputTypeError(f"{name} is a {type(value).__name__}", expected="a tensor")
    if not values.is_floating_point():
        raise InputTypeError(
            f"values has dtype {values.dtype}", expected="a floating-point tensor [E, C]"
        )
    if values.dim() != 2 or values.size(0) != segments.num_rows:
        raise InputError(
            f"values has shape {list(values.shape)}", expected=f"[{segments.num_rows}, C]"
        )
    if identity.shape != values.shape[1:]:
        raise InputError(
            f"identity has shape {list(identity.shape)}", expected=f"{[values.size(1)]}"
        )
