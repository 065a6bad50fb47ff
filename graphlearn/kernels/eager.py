"""Keeps compiled loops out of ``torch.compile``, which cannot trace them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch

Function = TypeVar("Function", bound=Callable[..., Any])


def run_eagerly(function: Function) -> Function:
    """Let ``torch.compile`` break its graph at the function and call it as it stands.

    Without this it would trace into numba's dispatcher and fail, or not, by whether the loop had
    been called before.

    Example:
        >>> @run_eagerly
        ... def double(x):
        ...     return 2 * x
        >>> double(3)
        6
    """
    return cast(Function, torch.compiler.disable(function))  # type: ignore[no-untyped-call]
