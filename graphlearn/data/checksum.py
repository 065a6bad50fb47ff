"""Checksums of data files, so that what is read is what its card says."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

from graphlearn.errors import InputError, UnsafeFileError

_CHUNK = 1 << 20


def file_checksum(path: Path, scheme: str = "sha256") -> str:
    """Return ``<scheme>:<hex>`` of a file.

    Args:
        path: The file.
        scheme: ``"sha256"``, or ``"git-blob-sha1"``: the name that git gives the content, where
            the origin is a repository and that is what it states.

    Raises:
        InputError: If the scheme is unknown.

    Example:
        >>> import os
        >>> file_checksum(Path(os.devnull))[:15]
        'sha256:e3b0c442'
    """
    if scheme == "sha256":
        digest = hashlib.sha256()
    elif scheme == "git-blob-sha1":
        digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    else:
        raise InputError(f"checksum scheme {scheme!r}", expected="sha256 or git-blob-sha1")
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return f"{scheme}:{digest.hexdigest()}"


def check_file(path: Path, checksum: str | None, *, shown_as: str = "") -> None:
    """Refuse a file whose content is not what its card states; ``None`` states nothing.

    Args:
        path: The file.
        checksum: As :func:`file_checksum` returns it.
        shown_as: What to call the file in the error text; by default its path.

    Raises:
        UnsafeFileError: If the checksum differs.

    Example:
        >>> import os
        >>> check_file(Path(os.devnull), None)
    """
    if checksum is None:
        return
    found = file_checksum(path, checksum.partition(":")[0])
    if found != checksum:
        raise UnsafeFileError(
            f"{shown_as or path} has {found}",
            expected=f"{checksum}, as its dataset card states",
            mend="delete the file to have it fetched again",
        )


def check_files(root: Path, files: Mapping[str, str | None]) -> None:
    """Check every file of a card that has a checksum.

    Args:
        root: The data root.
        files: Path under the root -> checksum or ``None``.

    Raises:
        UnsafeFileError: If one differs.

    Example:
        >>> check_files(Path("."), {})
    """
    for path, checksum in files.items():
        check_file(root / path, checksum)
