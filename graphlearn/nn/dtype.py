"""The check that states and weights are of one precision."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.errors import InputTypeError


def fits_dtype(x: Tensor, weight: Tensor) -> bool:
    """Whether ``x`` can meet a layer's weights: of one dtype, or autocast brings both to one.

    It does so for all floating-point types but float64, which it leaves as it is.

    Args:
        x: States or features.
        weight: One of the weights.

    Example:
        >>> x, weight = torch.ones(1, dtype=torch.bfloat16), torch.ones(1)
        >>> fits_dtype(x, weight)
        False
        >>> with torch.autocast("cpu", torch.bfloat16):
        ...     fits_dtype(x, weight), fits_dtype(x.double(), weight)
        (True, False)
    """
    if x.dtype == weight.dtype:
        return True
    mixes = torch.is_autocast_enabled(x.device.type)
    return mixes and torch.float64 not in (x.dtype, weight.dtype)


def check_dtype(x: Tensor, weight: Tensor, *, name: str, whose: str = "weights") -> None:
    """Raise unless :func:`fits_dtype`.

    Args:
        x: States or features.
        weight: One of the weights.
        name: What to call ``x``.
        whose: What to call the weights.

    Raises:
        InputTypeError: If it is of another dtype.

    Example:
        >>> check_dtype(torch.ones(1), torch.ones(1), name="x")
    """
    if not fits_dtype(x, weight):
        raise InputTypeError(f"{name} has dtype {x.dtype}", expected=f"{weight.dtype}, as {whose}")
