"""The files of a checkpoint: a manifest in JSON, and the tensors of every layer and way."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from graphlearn.errors import CheckpointError
from graphlearn.files import atomic_write_bytes, atomic_write_text

MANIFEST = "manifest.json"
VERSION = 3
_NAME = re.compile(r"epoch-(\d{6,})")
_KINDS = {
    "epoch": int,
    "identity": dict,
    "watch": list,
    "groups": list,
    "settings": list,
    "files": dict,
    "has_best": bool,
}
_MAY_BE_NONE = ("optimizer", "schedule", "schedule_state", "extra")


def folder_name(epoch: int) -> str:
    """What the checkpoint of an epoch is called.

    Example:
        >>> folder_name(12)
        'epoch-000012'
    """
    return f"epoch-{epoch:06d}"


def file_name(number: int, way: int) -> str:
    """What the file of a layer is called; ways after the first have histories of their own.

    Example:
        >>> file_name(3, 0), file_name(3, 1)
        ('layer-0003.safetensors', 'layer-0003.way-1.safetensors')
    """
    return f"layer-{number:04d}{f'.way-{way}' if way else ''}.safetensors"


def find_checkpoints(home: Path) -> list[Path]:
    """Whole checkpoints in a folder, the newest last."""
    if not home.is_dir():
        return []
    named = [entry for entry in home.iterdir() if _NAME.fullmatch(entry.name)]
    return sorted(
        (entry for entry in named if (entry / MANIFEST).is_file()),
        key=lambda entry: int(entry.name.partition("-")[2]),
    )


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> str:
    """Write tensors, and return the digest of the file.

    Raises:
        OutputError: If it cannot be written.

    Example:
        >>> import tempfile, torch
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     digest = write_tensors(Path(folder, "a"), {"x": torch.ones(2)})
        ...     read_tensors(Path(folder, "a"), digest)
        {'x': tensor([1., 1.])}
    """
    content = safetensors.torch.save({name: t.contiguous() for name, t in tensors.items()})
    atomic_write_bytes(path, content)
    return hashlib.sha256(content).hexdigest()


def read_tensors(path: Path, digest: str | None) -> dict[str, Tensor]:
    """Read the tensors of a file, on the CPU.

    Args:
        path: The file.
        digest: What :func:`write_tensors` gave.

    Raises:
        CheckpointError: If it is missing, or has been changed.
    """
    try:
        content = path.read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise damaged(path, "its content was changed or cut off")
        tensors: dict[str, Tensor] = safetensors.torch.load(content)
    except (OSError, SafetensorError) as problem:
        raise damaged(path, str(problem)) from problem
    return tensors


def write_manifest(checkpoint: Path, values: Mapping[str, Any]) -> None:
    """Write the manifest of a checkpoint.

    Args:
        checkpoint: Its folder.
        values: What is in it, but for the version.

    Raises:
        OutputError: If it cannot be written.
    """
    text = json.dumps({"version": VERSION, **values}, indent=1)
    atomic_write_text(checkpoint / MANIFEST, text)


def read_manifest(checkpoint: Path) -> dict[str, Any]:
    """Read the manifest of a checkpoint.

    Args:
        checkpoint: Its folder.

    Raises:
        CheckpointError: If it is damaged, or of another version.
    """
    try:
        manifest = json.loads((checkpoint / MANIFEST).read_text("utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise damaged(checkpoint / MANIFEST, str(problem)) from problem
    version = manifest.get("version", VERSION) if isinstance(manifest, dict) else VERSION
    if version != VERSION:
        raise CheckpointError(
            f"{checkpoint} is of version {version}", expected=f"version {VERSION}"
        )
    if not _is_manifest(manifest, checkpoint.name):
        raise damaged(checkpoint / MANIFEST, "parts of it are missing or of another kind")
    found: dict[str, Any] = manifest
    return found


def _is_manifest(manifest: Any, folder: str) -> bool:
    return (
        isinstance(manifest, dict)
        and all(name in manifest for name in _MAY_BE_NONE)
        and all(isinstance(manifest.get(name), kind) for name, kind in _KINDS.items())
        and isinstance(manifest["schedule_state"], (dict, type(None)))
        and (manifest["schedule"] is None) == (manifest["schedule_state"] is None)
        and len(manifest["watch"]) == 2
        and isinstance(manifest["watch"][0], (int, float, type(None)))
        and isinstance(manifest["watch"][1], int)
        and folder_name(manifest["epoch"]) == folder
        and all(isinstance(group, dict) for group in manifest["groups"])
    )


def damaged(path: Path, reason: str) -> CheckpointError:
    """The error for a file that is not what was written.

    Args:
        path: Which file.
        reason: What is wrong with it.
    """
    return CheckpointError(
        f"{path} cannot be read ({reason})",
        expected="a whole checkpoint",
        mend="remove this checkpoint's folder, and the one before it is taken",
    )
