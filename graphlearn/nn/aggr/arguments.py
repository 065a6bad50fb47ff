"""Checks of what an aggregator is called with."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.dtype import fits_dtype
from graphlearn.validate import check_features


def check_generator(generator: Any) -> None:
    """Raise unless ``generator`` is a generator on the CPU, or None.

    Raises:
        InputTypeError: If it is something else.
    """
    if generator is None or (
        isinstance(generator, torch.Generator) and generator.device.type == "cpu"
    ):
        return
    raise InputTypeError(f"generator is {generator!r}", expected="a torch.Generator on the CPU")


def check_rows(x: Any, channels: int, dim: int, weight: Tensor, *, axes: int = 0) -> int:
    """Return the axis that is aggregated, if the rows fit.

    Args:
        x: The rows.
        channels: Required size of the last axis.
        dim: The axis to aggregate, as given.
        weight: One of the aggregator's weights, whose dtype ``x`` must have.
        axes: How many axes ``x`` must have; 0 for any number from 2.

    Raises:
        InputTypeError: If ``x`` is not floating-point or of another dtype than the weights.
        InputError: If a shape does not fit or a row holds NaN.

    Example:
        >>> check_rows(torch.zeros(5, 3), 3, -2, torch.zeros(1))
        0
    """
    if not isinstance(x, Tensor) or x.layout != torch.strided:
        kind = f"a {type(x).__name__}" if not isinstance(x, Tensor) else f"{x.layout}"
        raise InputTypeError(f"x is {kind}", expected="a dense tensor of rows")
    if x.dim() < 2 or not -x.dim() <= dim < x.dim():
        raise InputError(
            f"x has shape {list(x.shape)} and dim is {dim}",
            expected="two axes or more, of which dim is one",
        )
    axis = dim % x.dim()
    if axis == x.dim() - 1 or x.size(-1) != channels or (axes and x.dim() != axes):
        rest = f", and {axes} axes" if axes else ", and rows in another"
        raise InputError(
            f"x has shape {list(x.shape)} and is aggregated along axis {axis}",
            expected=f"{channels} channels in its last axis{rest}",
        )
    check_features(x.reshape(x.numel() // channels, channels))
    if not fits_dtype(x, weight):
        raise InputTypeError(
            f"x has dtype {x.dtype}",
            expected=f"{weight.dtype}, as the weights have",
            mend=f"pass x.to({weight.dtype})",
        )
    return axis
