"""Scores at the door of the metrics: what cannot be ranked is refused, never counted as a success.

A NaN compares false with everything, an empty set has no mean, and integers lose their order when
they are rounded to floats: each would give a figure, and the figure would be wrong.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError

ScoresLike: TypeAlias = Tensor | NDArray[Any]
"""A real-valued tensor or numpy array of scores, higher means likelier."""

_INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
_FLOATS = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def check_score_pair(
    positive: Any, negative: Any, *, allow_rows: bool = False
) -> tuple[Tensor, Tensor]:
    """Return both sets of scores as detached tensors of one dtype, converted without rounding.

    Args:
        positive: Scores of the true links.
        negative: Scores of the false links, of the same kind (integer or floating-point).
        allow_rows: Whether ``negative`` may also hold one row for each positive.

    Shapes:
        - positive: ``[P]``
        - negative: ``[Q]``, or ``[P, Q]`` with ``allow_rows``

    Raises:
        InputTypeError: If one is neither a dense tensor nor an array, or not of real numbers, or
            if integers meet floating-point numbers.
        InputError: If a shape is wrong, a set is empty, a score is NaN, or the devices differ.

    Example:
        >>> check_score_pair(torch.tensor([2, 1]), torch.tensor([0]))
        (tensor([2, 1]), tensor([0]))
        >>> check_score_pair(torch.tensor([float("nan")]), torch.tensor([0.0]))
        Traceback (most recent call last):
        graphlearn.errors.InputError: positive holds 1 NaN, the first at index 0: expected numbers
    """
    positive = _as_tensor(positive, "positive")
    negative = _as_tensor(negative, "negative")
    _check_shape(positive, negative, allow_rows)
    if positive.device != negative.device:
        raise InputError(
            f"positive lies on {positive.device}, negative on {negative.device}",
            expected="one device",
            mend=f"pass negative.to({str(positive.device)!r})",
        )
    if positive.is_floating_point() != negative.is_floating_point():
        raise InputTypeError(
            f"positive has dtype {positive.dtype}, negative has dtype {negative.dtype}",
            expected="both integer or both floating-point",
            mend="convert one of them, or score both with the same model",
        )
    for scores, name in ((positive, "positive"), (negative, "negative")):
        _refuse_nan(scores, name)
    dtype = torch.promote_types(positive.dtype, negative.dtype)
    # Contiguous: torch.searchsorted warns about a column of a matrix.
    return positive.to(dtype).contiguous(), negative.to(dtype).contiguous()


def _as_tensor(scores: Any, name: str) -> Tensor:
    if isinstance(scores, np.ndarray):
        if scores.dtype.kind not in "iuf" or scores.dtype.itemsize > 8:
            raise InputTypeError(f"{name} has dtype {scores.dtype}", expected="real numbers")
        # Copied: torch warns about a read-only array and refuses one with negative strides.
        scores = torch.from_numpy(scores.astype(scores.dtype.newbyteorder("="), order="C"))
    if not isinstance(scores, Tensor):
        raise InputTypeError(
            f"{name} is a {type(scores).__name__}",
            expected="a tensor or a numpy array of scores",
            mend=f"pass torch.as_tensor({name})",
        )
    if scores.layout != torch.strided:
        raise InputTypeError(f"{name} has layout {scores.layout}", expected="a dense tensor")
    if scores.dtype not in (*_INTEGERS, *_FLOATS):
        raise InputTypeError(f"{name} has dtype {scores.dtype}", expected="real numbers")
    # Half precision is ranked as float32: the same numbers in the same order, and sorting is
    # implemented for it everywhere.
    half = scores.dtype in (torch.float16, torch.bfloat16)
    return scores.detach().float() if half else scores.detach()


def _check_shape(positive: Tensor, negative: Tensor, allow_rows: bool) -> None:
    if positive.dim() != 1:
        raise InputError(f"positive has shape {list(positive.shape)}", expected="shape [P]")
    if positive.numel() == 0:
        raise InputError("positive is empty", expected="at least one score")
    count = positive.size(0)
    if negative.dim() == 2 and allow_rows:
        if negative.size(0) != count:
            raise InputError(
                f"negative has {negative.size(0)} rows",
                expected=f"{count}, one for each positive",
            )
    elif negative.dim() != 1:
        raise InputError(
            f"negative has shape {list(negative.shape)}",
            expected="shape [Q], or [P, Q]" if allow_rows else "shape [Q]",
            mend="" if allow_rows else "use mrr to rank each positive against its own negatives",
        )
    if negative.numel() == 0:
        raise InputError("negative is empty", expected="at least one score")


def _refuse_nan(scores: Tensor, name: str) -> None:
    wrong = scores.isnan()
    count = int(wrong.sum())
    if count:
        first = ", ".join(str(i) for i in wrong.nonzero()[0].tolist())
        raise InputError(
            f"{name} holds {count} NaN, the first at index {first}", expected="numbers"
        )
