"""Encoders by name, as recipes and other encoders take them."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.registries import ENCODERS
from graphlearn.registry import name_and_options, unknown_name


def make_encoder(
    what: nn.Module | str | dict[str, Any],
    in_channels: int | None,
    *,
    num_embeddings: int | None = None,
) -> nn.Module:
    """Return an encoder.

    Args:
        what: A module, which is returned; a name (``"gcn"``); or a mapping of a name and options
            (``{"name": "gcn", "hidden_channels": 64}``).
        in_channels: Number of features; None where there are none.
        num_embeddings: Number of nodes, where there are no features.

    Raises:
        UnknownNameError: If there is no such encoder or option; offers the nearest.
        InputTypeError: If it is none of these, or a module without ``out_channels``.
        InputError: If an option is missing or out of range.

    Example:
        >>> make_encoder({"name": "gcn", "hidden_channels": 8}, 5).out_channels
        8
    """
    if isinstance(what, nn.Module):
        if not isinstance(getattr(what, "out_channels", None), int):
            raise InputTypeError(
                f"the encoder {type(what).__name__} has no out_channels",
                expected="the size of its representations there",
            )
        return what
    name, options = name_and_options(what, "encoder")
    maker = ENCODERS.get(name)
    taken = inspect.signature(maker).parameters
    filled = ("in_channels", "num_embeddings")
    for key in options:
        if key not in taken or key in filled:
            raise unknown_name(f"option of {name}", key, [k for k in taken if k not in filled])
    missing = [
        key
        for key, value in taken.items()
        if value.default is value.empty and key not in options and key not in filled
    ]
    if missing:
        raise InputError(
            f"encoder {name!r} lacks {', '.join(missing)}",
            expected=f"a value for each of {', '.join(missing)}",
        )
    made: nn.Module = maker(in_channels, **options, num_embeddings=num_embeddings)
    return made
