"""Large output that is whole or not there: written under another name, synced, and renamed.

:func:`graphlearn.files.atomic_write_bytes` does this for what fits memory; here files grow while
they are written, and a folder of files appears at once.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from graphlearn.errors import InputError
from graphlearn.files import make_folder, output_error, remove_partial_files, sync_folder

_SUFFIX = ".partial"


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")


@contextlib.contextmanager
def whole_file(path: Path | str) -> Iterator[Path]:
    """Yield a name to write to; the file has its own name once the block ends well.

    Args:
        path: The file; a former one is replaced.

    Raises:
        OutputError: If it could not be written. What was there before is then untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole_file(Path(folder) / "a.csv") as name:
        ...         _ = name.write_text("1,2")
        ...     [entry.name for entry in Path(folder).iterdir()]
        ['a.csv']
    """
    target = Path(os.path.realpath(path))
    make_folder(target.parent)
    if target.is_dir():
        raise InputError(f"{path} is a folder", expected="the name of a file")
    remove_partial_files(target)
    temporary = _temporary(target)
    try:
        try:
            yield temporary
            _sync(temporary)
            temporary.replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise
        sync_folder(target.parent)
    except OSError as problem:
        if type(problem).__module__.startswith("graphlearn"):
            raise
        raise output_error(path, problem) from problem


def check_folder_free(path: Path | str, is_ours: Callable[[Path], bool]) -> Path:
    """Refuse a place where something else lies than what may be replaced.

    Args:
        path: The folder to be written.
        is_ours: Whether a folder that is there may be replaced.

    Raises:
        InputError: If it is a file, or a folder that is not empty and not ours.
        OutputError: If its parent cannot be made or written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     check_folder_free(folder, lambda found: False).is_dir()
        True
    """
    target = Path(os.path.realpath(path))
    if target.exists() and not target.is_dir():
        raise InputError(f"{path} is a file", expected="a folder for the model")
    if target.is_dir() and any(target.iterdir()) and not is_ours(target):
        raise InputError(
            f"{path} exists and is no model of graphlearn",
            expected="a new folder, an empty one, or a model to replace",
            mend="choose another --out",
        )
    # The parent, or of the missing ones the last that is there: nothing is made yet.
    parent = target.parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise output_error(target, PermissionError(13, os.strerror(13)))
    return target


@contextlib.contextmanager
def whole_folder(path: Path | str, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield a folder to write files into; it has its own name once the block ends well.

    A folder cannot be renamed onto a full one, so a former model is moved aside first and removed
    last: a crash in between leaves both, under other names; an error puts it back.

    Args:
        path: The folder.
        is_ours: Whether a folder that is there may be replaced.

    Raises:
        InputError: If something else is there.
        OutputError: If it could not be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with whole_folder(Path(folder) / "model", lambda found: False) as name:
        ...         _ = (name / "card.json").write_text("{}")
        ...     [entry.name for entry in (Path(folder) / "model").iterdir()]
        ['card.json']
    """
    target = check_folder_free(path, is_ours)
    make_folder(target.parent)
    temporary = _temporary(target)
    aside: Path | None = None
    try:
        try:
            temporary.mkdir()
            yield temporary
            for entry in temporary.iterdir():
                _sync(entry)
            sync_folder(temporary)
            if target.is_dir():
                aside = _temporary(target)
                target.replace(aside)
            temporary.replace(target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            if aside is not None and not target.exists():
                aside.replace(target)
            raise
        sync_folder(target.parent)
        if aside is not None:
            shutil.rmtree(aside, ignore_errors=True)
    except OSError as problem:
        if type(problem).__module__.startswith("graphlearn"):
            raise
        raise output_error(path, problem) from problem


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
