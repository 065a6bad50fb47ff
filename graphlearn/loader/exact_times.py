"""Times of seeds as numbers that compare with the graph's exactly."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError

_END = 2.0**63  # the first float that no int64 reaches


def exact_times(times: Tensor, *, as_float: bool) -> NDArray[Any]:
    """Return times as int64 or float64, none later than it was.

    Large whole numbers and floats do not meet: converted to the nearest, a seed's time could move
    past that of a neighbor which is later than it.

    Args:
        times: Of seeds; any real numbers.
        as_float: Whether the graph's times are floats.

    Shapes:
        - **times**, **output**: ``[S]``

    Raises:
        InputError: If one is NaN.

    Example:
        >>> import torch
        >>> exact_times(torch.tensor([2.5, -0.5]), as_float=False).tolist()
        [2, -1]
    """
    values = times.detach().numpy()
    if np.isnan(values).any():
        raise InputError("a seed's time is NaN", expected="a time for each")
    if as_float == (values.dtype.kind == "f"):
        return values.astype(np.float64 if as_float else np.int64)
    if not as_float:  # t <= s for a whole t just if t <= floor(s)
        values = values.astype(np.float64)  # a narrower one would round the bounds
        whole = np.floor(values.clip(-_END, _END - 1024)).astype(np.int64)
        return np.where(values < _END, whole, np.iinfo(np.int64).max)
    nearest = values.astype(np.float64)
    # Of a large number the nearest float may be later than the number itself.
    later = nearest.clip(max=_END - 1024).astype(np.int64) > values
    return np.where(later | (nearest == _END), np.nextafter(nearest, -np.inf), nearest)
