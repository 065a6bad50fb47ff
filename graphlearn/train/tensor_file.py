"""Named tensors and a JSON state in one safetensors file, written whole or not at all.

The format cannot hold code: reading one unpickles nothing. The state lies in the file's metadata
under one key, with a format number, the kind of file, and a checksum of state and tensors: a disk
that changed some bytes would otherwise give other weights without a word.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from graphlearn.errors import CheckpointError
from graphlearn.files import atomic_write_bytes

KEY = "graphlearn"
"""The metadata key under which the state lies."""

FORMAT = 1
"""Raised when an older reader would misread the file."""


def write_tensors(
    path: Path | str, kind: str, tensors: Mapping[str, Tensor], state: Mapping[str, Any]
) -> None:
    """Write tensors and state to one file, atomically.

    Args:
        path: The file.
        kind: What kind of file it is; :func:`read_tensors` asks for the same.
        tensors: Dense tensors on any device; tied ones are written once for each name.
        state: Plain values: what JSON can hold, numbers finite.

    Raises:
        CheckpointError: If a tensor is not dense.
        OutputError: If the file could not be written; the former one is then intact.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.safetensors"
        ...     write_tensors(path, "weights", {"w": torch.ones(2)}, {"seed": 0})
        ...     read_tensors(path, "weights")
        ({'w': tensor([1., 1.])}, {'seed': 0})
    """
    plain = _plain(tensors)
    header = {"format": FORMAT, "kind": kind, "state": state, "crc32": _checksum(plain, state)}
    text = json.dumps(header, allow_nan=False)
    atomic_write_bytes(path, save(plain, metadata={KEY: text}))


def _checksum(tensors: Mapping[str, Tensor], state: Mapping[str, Any]) -> int:
    """Return the CRC-32 of a state and of named dense tensors on the CPU."""
    crc = zlib.crc32(json.dumps(state, allow_nan=False).encode())
    for name, tensor in sorted(tensors.items()):
        crc = zlib.crc32(f"{name} {describe(tensor)}".encode(), crc)
        crc = zlib.crc32(tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data, crc)
    return crc


def _plain(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return contiguous CPU tensors of which no two share memory, as the format asks."""
    plain: dict[str, Tensor] = {}
    taken: set[int] = set()
    for name, tensor in tensors.items():
        # A module may put anything into its state_dict (get_extra_state), whatever the types say.
        layout = getattr(tensor, "layout", type(tensor).__name__)
        if layout != torch.strided:
            raise CheckpointError(f"{name} is {layout}", expected="a dense tensor in the state")
        value = tensor.detach().cpu().contiguous()
        storage = value.untyped_storage()
        if storage.data_ptr() in taken or storage.nbytes() != value.nbytes:
            value = value.clone()
        taken.add(value.untyped_storage().data_ptr())
        plain[name] = value
    return plain


def read_tensors(path: Path | str, kind: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Read what :func:`write_tensors` wrote.

    Args:
        path: The file.
        kind: What kind of file it must be.

    Raises:
        CheckpointError: If it is missing, truncated, damaged, not one of ours, of another kind, or
            of a later format.
    """
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as problem:
        raise CheckpointError(
            f"{path} could not be read ({problem})",
            expected="a whole safetensors file",
            mend="it is truncated or another kind of file: remove it, or name the right one",
        ) from problem
    try:
        header = json.loads(metadata[KEY])
        found, found_kind, state = header["format"], header["kind"], header["state"]
    except (KeyError, ValueError, TypeError) as problem:
        raise CheckpointError(
            f"{path} is a safetensors file without this package's state",
            expected=f"a file of kind {kind!r} that graphlearn wrote",
        ) from problem
    if found != FORMAT:
        raise CheckpointError(f"{path} has format {found}", expected=f"format {FORMAT}")
    if found_kind != kind or not isinstance(state, dict):
        raise CheckpointError(f"{path} is of kind {found_kind!r}", expected=f"kind {kind!r}")
    # Files of earlier versions have no checksum.
    if "crc32" in header and header["crc32"] != _checksum(tensors, state):
        raise CheckpointError(
            f"{path} is damaged: its content does not have the checksum it was written with",
            expected="the file as it was written",
            mend="remove it, or fetch a copy that is whole",
        )
    return tensors, state


def load_into(model: nn.Module, tensors: Mapping[str, Tensor], where: Path | str) -> None:
    """Copy named tensors into a model, after a check that they are exactly the model's.

    Args:
        model: The model; nothing of it changes if an error is raised.
        tensors: Its ``state_dict`` as it was stored.
        where: The file, for the error text.

    Raises:
        CheckpointError: Naming the first tensor that is missing, unknown, or of another shape or
            dtype.

    Example:
        >>> layer = nn.Linear(1, 1)
        >>> load_into(layer, {"weight": torch.ones(1, 1)}, "a.safetensors")
        Traceback (most recent call last):
        ...
        graphlearn.errors.CheckpointError: a.safetensors has no 'bias': expected the weights of \
this Linear
    """
    expected = f"the weights of this {type(model).__name__}"
    wanted = model.state_dict()
    for name, value in wanted.items():
        if name not in tensors:
            raise CheckpointError(f"{where} has no {name!r}", expected=expected)
        there, here = describe(tensors[name]), describe(value)
        if there != here:
            raise CheckpointError(f"{where}: {name} is {there}", expected=f"{here}")
    for name in tensors:
        if name not in wanted:
            raise CheckpointError(f"{where} holds {name!r}", expected=expected)
    model.load_state_dict(dict(tensors))


def describe(tensor: Tensor) -> str:
    """Return dtype and shape in a word.

    Example:
        >>> describe(torch.ones(2, 3))
        'float32[2, 3]'
    """
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"
