"""Large output that is whole or not there: written under another name, synced, and renamed.

:func:`graphlearn.files.atomic_write_bytes` does this for what fits memory; here files grow while
they are written, and a folder of files appears at once.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from graphlearn.errors import InputError, InputTypeError
from graphlearn.files import make_folder, output_error, remove_partial_files, sync_folder

_SUFFIX = ".partial"
_SYSTEM = ("lost+found",)  # what a file system of its own begins with


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")


def check_path(value: Any, *, name: str) -> Path:
    """Return a path, or raise unless the value is one or its text.

    Raises:
        InputTypeError: If it is something else.
        InputError: If no file can have that name.

    Example:
        >>> check_path("links.csv", name="out").name
        'links.csv'
    """
    if not isinstance(value, (str, os.PathLike)) or not isinstance(os.fspath(value), str):
        raise InputTypeError(f"{name} is a {type(value).__name__}", expected="a path")
    if "\0" in os.fspath(value):
        raise InputError(f"{name} is {os.fspath(value)!r}", expected="a path")
    return Path(value)


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
    target = check_file_free(path)
    make_folder(target.parent)
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


def check_file_free(path: Path | str) -> Path:
    """Refuse the name of a file that cannot be written, before work is done for it.

    Args:
        path: The file.

    Raises:
        InputError: If it is a folder.
        OutputError: If its parent cannot be made or written to.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     check_file_free(f"{folder}/links.csv").name
        'links.csv'
    """
    target = Path(os.path.realpath(path))
    try:
        if target.is_dir():
            raise InputError(f"{path} is a folder", expected="the name of a file")
        probe = _temporary(_nearest(target) / target.name)
        probe.open("xb").close()
        probe.unlink()
    except OSError as problem:
        raise output_error(path, problem) from problem
    return target


def check_folder_free(path: Path | str, is_ours: Callable[[Path], bool]) -> Path:
    """Refuse a place where something else lies than what may be replaced.

    Args:
        path: The folder to be written.
        is_ours: Whether a folder that is there may be replaced; it may say by an error of its own
            why not.

    Raises:
        InputError: If it is a file, or a folder that is not empty and not ours.
        OutputError: If a folder cannot be made where it will be written.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     check_folder_free(folder, lambda found: False).is_dir()
        True
    """
    target = Path(os.path.realpath(path))
    try:
        within = target.is_dir()
        if not within and os.path.lexists(target):
            raise InputError(f"{path} is a file", expected="a folder for the model")
        if within and others_in(target) and not is_ours(target):
            raise InputError(
                f"{path} exists and is no model of graphlearn",
                expected="a new folder, an empty one, or a model to replace",
                mend="choose another --out",
            )
        # Made and removed: this says what permissions do not, as on a read-only disk or in /proc.
        probe = _inside(target) if within else _temporary(_nearest(target) / target.name)
        probe.mkdir()
        probe.rmdir()
    except OSError as problem:
        raise output_error(path, problem) from problem
    return target


def others_in(folder: Path) -> list[str]:
    """Names in a folder besides what unfinished writers of it and file systems leave there.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     (Path(folder) / "lost+found").mkdir()
        ...     others_in(Path(folder))
        []
    """
    left = {entry.name for entry in _unfinished(folder, "")}
    return sorted({entry.name for entry in folder.iterdir()} - left - {*_SYSTEM})


def _nearest(target: Path) -> Path:
    """The folder that ``target`` will be made in, or of the missing ones the last that is there."""
    parent = target.parent
    while not os.path.lexists(parent):
        parent = parent.parent
    return parent


@contextlib.contextmanager
def whole_folder(
    path: Path | str, is_ours: Callable[[Path], bool], last: str = ""
) -> Iterator[Path]:
    """Yield a folder to write files into; they are at ``path`` once the block ends well.

    A new folder is renamed into its place. One that is there stays, since it may be a mount point,
    or in a folder that cannot be written to: its former files are moved aside within it and the new
    ones into their places. An error puts the former ones back; a crash in between leaves both, in
    folders beside, and no file ``last``: what is read is never a mixture.

    Args:
        path: The folder.
        is_ours: Whether a folder that is there may be replaced.
        last: The file without which others are nothing: the first to go, the last to come.

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
    within = target.is_dir()
    if not within:
        make_folder(target.parent)
    temporary = _inside(target) if within else _temporary(target)
    try:
        try:
            temporary.mkdir()
            yield temporary
            for entry in temporary.iterdir():
                _sync(entry)
            sync_folder(temporary)
            if within:
                check_folder_free(path, is_ours)  # it may have got other files meanwhile
                _exchange(target, temporary, last)
            else:
                temporary.replace(target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        sync_folder(target if within else target.parent)
        _remove_unfinished(target)
    except OSError as problem:
        if type(problem).__module__.startswith("graphlearn"):
            raise
        raise output_error(path, problem) from problem


def _inside(target: Path) -> Path:
    return target / f".{secrets.token_hex(4)}{_SUFFIX}"


def _exchange(target: Path, temporary: Path, last: str) -> None:
    """Move a folder's former files aside, and those of ``temporary`` into their places."""
    former = sorted(others_in(target), key=lambda name: name != last)
    new = sorted((entry.name for entry in temporary.iterdir()), key=lambda name: name == last)
    aside = _inside(target)
    aside.mkdir()
    moved: list[tuple[Path, Path]] = []
    try:
        for name in former:
            (target / name).replace(aside / name)
            moved.append((target / name, aside / name))
        for name in new:
            (temporary / name).replace(target / name)
            moved.append((temporary / name, target / name))
    except BaseException:
        for before, after in reversed(moved):
            with contextlib.suppress(OSError):
                after.replace(before)
        with contextlib.suppress(OSError):
            aside.rmdir()
        raise
    temporary.rmdir()


def _unfinished(folder: Path, name: str) -> list[Path]:
    """Folders that writers of ``name`` made and did not remove; of the folder itself if empty."""
    pattern = re.compile(rf"{re.escape(f'.{name}.' if name else '.')}[0-9a-f]{{8}}{_SUFFIX}")
    found = (entry for entry in folder.iterdir() if pattern.fullmatch(entry.name))
    return [entry for entry in found if entry.is_dir() and not entry.is_symlink()]


def _remove_unfinished(target: Path) -> None:
    """Remove what killed writers left, now that a whole one is there."""
    with contextlib.suppress(OSError):
        for entry in [*_unfinished(target, ""), *_unfinished(target.parent, target.name)]:
            shutil.rmtree(entry, ignore_errors=True)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
