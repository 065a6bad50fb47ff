"""The binary GRU: one operator on pairs of rows, the mean of a GRU cell's two orders."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.eager import run_eagerly
from graphlearn.kernels.gru import cpu, tensor
from graphlearn.kernels.gru.reference import gru_merge_reference
from graphlearn.kernels.gru.weights import gather_gradients, lay_out

__all__ = ["gru_merge", "gru_merge_reference"]


def _path(pairs: Tensor) -> ModuleType:
    compiled = pairs.device.type == "cpu" and pairs.dtype in (torch.float32, torch.float64)
    return cpu if compiled else tensor


class _GRUMerge(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        pairs: Tensor,
        weight_ih: Tensor,
        weight_hh: Tensor,
        bias_ih: Tensor | None,
        bias_hh: Tensor | None,
    ) -> Tensor:
        ctx.save_for_backward(pairs, weight_ih, weight_hh, bias_ih, bias_hh)
        weights = lay_out(weight_ih, weight_hh, bias_ih, bias_hh)
        merged: Tensor = _path(pairs).forward(pairs.detach(), weights)
        return merged

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        pairs, *cell = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _differentiable_backward(grad, pairs, cell)
        grad_pairs, grads = _path(pairs).backward(grad.contiguous(), pairs.detach(), lay_out(*cell))
        of_cell = gather_gradients(grads)
        return grad_pairs, *(
            None if weight is None else g for weight, g in zip(cell, of_cell, strict=True)
        )


def _differentiable_backward(
    grad: Tensor, pairs: Tensor, cell: list[Tensor | None]
) -> tuple[Tensor | None, ...]:
    """The same gradients by autograd, for ``create_graph=True``: they can be differentiated."""
    zero = pairs.new_zeros(3 * pairs.size(2))
    weight_ih, weight_hh, bias_ih, bias_hh = cell
    assert weight_ih is not None
    assert weight_hh is not None
    merged = gru_merge_reference(
        pairs,
        weight_ih,
        weight_hh,
        zero if bias_ih is None else bias_ih,
        zero if bias_hh is None else bias_hh,
    )
    given = [pairs, *cell]
    wanted = [value for value in given if value is not None and value.requires_grad]
    found = iter(torch.autograd.grad(merged, wanted, grad, create_graph=True))
    return tuple(
        next(found) if value is not None and value.requires_grad else None for value in given
    )


@run_eagerly
def gru_merge(
    pairs: Tensor,
    weight_ih: Tensor,
    weight_hh: Tensor,
    bias_ih: Tensor | None = None,
    bias_hh: Tensor | None = None,
) -> Tensor:
    r"""Merge pairs of rows by the binary GRU of "Learnable Commutative Monoids for Graph Neural
    Networks" (https://arxiv.org/abs/2212.08541).

    .. math::
        \mathrm{merge}(l, r) = \tfrac{1}{2} (\mathrm{GRU}(l, r) + \mathrm{GRU}(r, l))

    Commutative to the last bit but for the order of one addition. Cost a pair: 12 C^2 multiply-adds
    forward and 36 C^2 backward, of which a third computes the gates anew: only ``pairs`` is kept
    for the backward pass, and beside the results memory does not grow with P on the CPU. Under
    autocast everything is computed in its dtype. A gradient of gradients goes by plain torch.

    Args:
        pairs: Rows to merge; differentiable.
        weight_ih: As :class:`torch.nn.GRUCell`'s, with as many inputs as states; so the others.
        weight_hh: The weights of the state.
        bias_ih: 0 if None.
        bias_hh: 0 if None.

    Shapes:
        - **pairs**: ``[P, 2, C]``; **weight_ih**, **weight_hh**: ``[3 C, C]``
        - **bias_ih**, **bias_hh**: ``[3 C]``; **output**: ``[P, C]``

    Raises:
        InputTypeError: If a dtype is not floating-point or not that of ``pairs``.
        InputError: If a shape does not fit.

    Example:
        >>> import torch
        >>> cell = torch.nn.GRUCell(4, 4)
        >>> pairs = torch.randn(3, 2, 4)
        >>> merged = gru_merge(pairs, cell.weight_ih, cell.weight_hh, cell.bias_ih, cell.bias_hh)
        >>> left, right = pairs.unbind(dim=1)
        >>> torch.allclose(merged, (cell(left, right) + cell(right, left)) / 2, atol=1e-6)
        True
    """
    cell = {"weight_ih": weight_ih, "weight_hh": weight_hh, "bias_ih": bias_ih, "bias_hh": bias_hh}
    for name, value in {"pairs": pairs, **cell}.items():
        missing = value is None and name.startswith("bias")
        if not missing and not (isinstance(value, Tensor) and value.is_floating_point()):
            kind = (
                f"dtype {value.dtype}"
                if isinstance(value, Tensor)
                else f"type {type(value).__name__}"
            )
            raise InputTypeError(f"{name} has {kind}", expected="a floating-point tensor")
    if pairs.dim() != 3 or pairs.size(1) != 2 or pairs.size(2) == 0:
        raise InputError(f"pairs has shape {list(pairs.shape)}", expected="[P, 2, C] with C >= 1")
    channels = pairs.size(2)
    kind = pairs.device.type
    autocast = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else None
    for name, weight in cell.items():
        if weight is None:
            continue
        shape = [3 * channels, channels] if name.startswith("weight") else [3 * channels]
        if list(weight.shape) != shape:
            raise InputError(
                f"{name} has shape {list(weight.shape)}",
                expected=f"{shape}, as pairs have {channels} channels",
            )
        if autocast is None and weight.dtype != pairs.dtype:
            raise InputTypeError(
                f"{name} has dtype {weight.dtype}", expected=f"{pairs.dtype}, as pairs"
            )
    values = [pairs.contiguous(), *cell.values()]
    if autocast is not None:
        values = [None if value is None else value.to(autocast) for value in values]
    merged: Tensor = _GRUMerge.apply(*values)  # type: ignore[no-untyped-call]
    return merged
