"""Modules in evaluation mode for a while, and back in the mode that each of their parts had."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def evaluating(*modules: nn.Module, enabled: bool = True) -> Iterator[None]:
    """Put modules and their parts into evaluation mode, and back into what each was in.

    Args:
        modules: The modules.
        enabled: Whether to do anything.

    Example:
        >>> layer = nn.Dropout()
        >>> with evaluating(layer):
        ...     print(layer.training)
        False
        >>> layer.training
        True
    """
    training = (
        [part for module in modules for part in module.modules() if part.training]
        if enabled
        else []
    )
    # Not by assignment: a module looks through its parameters at each, a tenth of a millisecond
    # a call for all of them.
    for part in training:
        vars(part)["training"] = False
    try:
        yield
    finally:
        for part in training:
            vars(part)["training"] = True
