"""A model's folder: a card that says what it is, and tensors, each file with its checksum.

Nothing in it can hold code. It appears whole, and is refused if one byte has changed since.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from graphlearn.errors import CheckpointError, DataNotFoundError, InputError, UnsafeFileError
from graphlearn.serve.whole_output import check_folder_free, check_path, others_in, whole_folder

CARD = "card.json"
FORMAT, VERSION = "graphlearn-recommender", 2

_NAME = re.compile(r"[A-Za-z0-9_-]{1,100}\.safetensors")

Tensors = Mapping[str, Mapping[str, Tensor]]
"""For each file, by its name without the ending, its tensors by name."""


def write_folder(path: Path | str, card: Mapping[str, Any], tensors: Tensors) -> None:
    """Write a model.

    Args:
        path: The folder; an older model there is replaced.
        card: What the model is: JSON values.
        tensors: Of each file.

    Raises:
        InputTypeError: If it is no path.
        InputError: If something else than a model is there, or something beside it.
        OutputError: If it could not be written; nothing new is then there.

    Example:
        >>> import tempfile, torch
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_folder(f"{folder}/model", {"scorer": "ra"}, {"graph": {"a": torch.ones(1)}})
        ...     card, tensors = read_folder(f"{folder}/model")
        >>> card["scorer"], tensors["graph"]["a"].tolist()
        ('ra', [1.0])
    """
    with whole_folder(check_path(path, name="folder"), is_model, last=CARD) as folder:
        checksums = {}
        for name, content in tensors.items():
            file = folder / f"{name}.safetensors"
            _save(content, file)
            checksums[file.name] = _checksum(file)
        whole = {"format": FORMAT, "format_version": VERSION, **card, "files": checksums}
        text = json.dumps(whole, indent=2, allow_nan=False)
        place = folder / CARD
        place.write_text(text + "\n", encoding="utf-8")
        for name in checksums:
            # safetensors makes private files; they get the permissions the user's umask asks for.
            (folder / name).chmod(place.stat().st_mode)


def _save(content: Mapping[str, Tensor], file: Path) -> None:
    # Copies where tensors share memory or are strided, which the format refuses.
    copies = {key: value.contiguous().clone() for key, value in content.items()}
    try:
        save_file(copies, file)
    except SafetensorError as problem:
        # A full disk comes as this, with the system's number in its text.
        found = re.search(r"os error (\d+)", str(problem))
        number = int(found[1]) if found else errno.EIO
        raise OSError(number, os.strerror(number) if found else str(problem)) from problem


def check_place(path: Path | str) -> Path:
    """Return a place for a model, or refuse it before work is done for it.

    Raises:
        InputTypeError: If it is no path.
        InputError: If something else than a model is there, or something beside it.
        OutputError: If it cannot be written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     check_place(f"{folder}/model").name
        'model'
    """
    place = check_path(path, name="out")
    check_folder_free(place, is_model)
    return place


def is_model(folder: Path) -> bool:
    """Whether a folder holds a model, of whatever version, and nothing else.

    Raises:
        InputError: If it holds something besides.

    Example:
        >>> is_model(Path("no-such-folder"))
        False
    """
    try:
        card = _card(folder)
    except (CheckpointError, DataNotFoundError):
        return False
    if card.get("format") != FORMAT:
        return False
    files = card.get("files")
    named = files if isinstance(files, dict) else {}
    ours = {CARD, *(name for name in named if _NAME.fullmatch(name))}
    for name in others_in(folder):
        if name not in ours or not (folder / name).is_file():
            raise InputError(
                f"{folder} holds {name!r} beside a model",
                expected="a new folder, an empty one, or the files of a model alone to replace",
                mend="move it elsewhere, or choose another --out",
            )
    return True


def read_folder(path: Path | str) -> tuple[dict[str, Any], dict[str, dict[str, Tensor]]]:
    """Read what :func:`write_folder` wrote, after a check of every file.

    Args:
        path: The folder.

    Raises:
        InputTypeError: If it is no path.
        DataNotFoundError: If there is no model.
        CheckpointError: If it is of another format or version, or damaged.
        UnsafeFileError: If a file is not the one that its card was written for.
    """
    folder = check_path(path, name="folder")
    card = _card(folder)
    if card.get("format") != FORMAT:
        raise CheckpointError(
            f"{folder / CARD} has format {card.get('format')!r}",
            expected=f"{FORMAT!r}, as graphlearn fit writes it",
        )
    if card.get("format_version") != VERSION:
        raise CheckpointError(
            f"{folder} has format_version {card.get('format_version')!r}",
            expected=f"{VERSION}",
            mend="read it with the version of graphlearn that wrote it, or fit again",
        )
    checksums = card.get("files")
    if not isinstance(checksums, dict) or not checksums:
        raise CheckpointError(f"{folder / CARD} names no files", expected="a checksum for each")
    tensors = {}
    for name, checksum in checksums.items():
        file = folder / name
        if not _NAME.fullmatch(name):
            shown = name if len(name) < 60 else f"{name[:50]}..."
            raise CheckpointError(
                f"{folder / CARD} names the file {shown!r}", expected="one beside it"
            )
        if not file.is_file():
            raise CheckpointError(f"{folder} has no {name}", expected="the files of its card")
        try:
            if _checksum(file) != checksum:
                raise UnsafeFileError(
                    f"{file} has changed since the model was written",
                    expected=f"a file with the checksum in {CARD}",
                    mend="fetch the model again, or fit again",
                )
            tensors[name.removesuffix(".safetensors")] = load_file(file)
        except (OSError, SafetensorError) as problem:
            reason = " ".join(str(problem).split())
            raise CheckpointError(f"{file} could not be read ({reason})") from problem
    return card, tensors


def _card(folder: Path) -> dict[str, Any]:
    path = folder / CARD
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataNotFoundError(
            f"no model at {folder}", expected=f"a folder with {CARD}, as graphlearn fit writes it"
        ) from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(
            f"{path} is truncated or not JSON", expected="a model's card"
        ) from error
    if not isinstance(card, dict):
        raise CheckpointError(f"{path} holds no mapping", expected="a model's card")
    return card


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return f"sha256:{hashlib.file_digest(file, 'sha256').hexdigest()}"
