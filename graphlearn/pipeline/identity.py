"""What a training is, so that a checkpoint is not taken up by another one."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError


def layout_digest(*assignments: Tensor) -> str:
    """A short name for which chunk and way every node belongs to.

    Args:
        *assignments: Integer tensors ``[N]``.

    Example:
        >>> layout_digest(torch.tensor([0, 1])) == layout_digest(torch.tensor([0, 1]))
        True
    """
    digest = hashlib.sha256()
    for assignment in assignments:
        digest.update(assignment.long().cpu().numpy().tobytes())
    return digest.hexdigest()[:16]


def tensor_digest(*tensors: Tensor) -> str:
    """A short name for the bits of tensors.

    Example:
        >>> tensor_digest(torch.zeros(2)) == tensor_digest(torch.tensor([0.0, -0.0]))
        False
    """
    digest = hashlib.sha256()
    for tensor in tensors:
        flat = tensor.detach().cpu().contiguous().reshape(-1)
        digest.update(f"{flat.dtype} {list(tensor.shape)}".encode())
        digest.update(flat.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]


def check_agreement(given: Sequence[Any]) -> None:
    """Raise unless all processes were given the same stack, data and settings.

    Args:
        given: A dictionary from each process, by rank.

    Raises:
        InputError: If one differs.

    Example:
        >>> check_agreement([{"gamma": 2.0}, {"gamma": 2.0}])
    """
    for rank, other in enumerate(given):
        for name, value in given[0].items():
            if other.get(name) != value:
                shown = "" if name in ("weights", "y") else f": {value!r} and {other.get(name)!r}"
                raise InputError(
                    f"ranks 0 and {rank} were given different {name}{shown}",
                    expected="the same stack, data and arguments on every process",
                    mend="seed before the stack is made: torch.manual_seed(0)",
                )
