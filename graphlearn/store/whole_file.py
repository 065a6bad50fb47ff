"""A large file written piece by piece that is either whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
import sys
import weakref
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from graphlearn.errors import InputError, OutputError
from graphlearn.files import make_folder, output_error, sync_folder
from graphlearn.store.file_reader import check_path

if sys.platform != "win32":
    import fcntl

_SUFFIX = ".partial"
_TRIES = 100  # to make a temporary file; one is lost where another writer clears up meanwhile


def _discard(file: FileIO, temporary: Path) -> None:
    file.close()
    with contextlib.suppress(OSError):
        temporary.unlink()


class WholeFile:
    """A file under a temporary name beside its own, which takes its own once :meth:`finish` ran.

    Until then, and after any error, what stood there before stays; the temporary file goes at an
    error, at the end of a ``with`` block without :meth:`finish`, and with the object. That of a
    process that was killed goes when the same file is written again
    (:func:`remove_dead_files`).

    Args:
        path: Where to write; if it is a link, the file it points to is replaced.

    Raises:
        InputTypeError: If ``path`` is neither text nor a path.
        OutputError: If it cannot be made, written or renamed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with WholeFile(Path(folder) / "a") as file:
        ...         file.write(b"who")
        ...         file.write(b"le")
        ...         file.finish()
        ...     (Path(folder) / "a").read_bytes()
        b'whole'
    """

    def __init__(self, path: Path | str) -> None:
        self.path = path
        self._target = Path(os.path.realpath(check_path(path)))
        make_folder(self._target.parent)
        try:
            remove_dead_files(self._target)
            self._file, self._temporary = _open_locked(self._target)
        except OutputError:
            raise
        except OSError as problem:
            raise output_error(path, problem) from problem
        self._discard = weakref.finalize(self, _discard, self._file, self._temporary)

    def write(self, data: bytes | memoryview) -> None:
        """Write at the end of what is there."""
        self.check_open()
        left = memoryview(data).cast("B")
        try:
            while len(left):
                # A disk that fills within a write takes a part of it; the next write says why.
                left = left[self._file.write(left) :]
        except OSError as problem:
            self.discard()
            raise output_error(self.path, problem) from problem

    def rewrite(self, offset: int, data: bytes) -> None:
        """Write over what is there, from an offset on; later writes go on at the end."""
        self.check_open()
        self._file.seek(offset)
        self.write(data)
        self.check_open()
        self._file.seek(0, os.SEEK_END)

    def finish(self) -> None:
        """Bring all to the disk and give the file its name."""
        self.check_open()
        try:
            os.fsync(self._file.fileno())
            if sys.platform == "win32":  # which renames no open file
                self._file.close()
            self._temporary.replace(self._target)  # while its lock is held
            self._discard.detach()
            self._file.close()
            sync_folder(self._target.parent)
        except OSError as problem:
            self.discard()
            raise output_error(self.path, problem) from problem

    def discard(self) -> None:
        """Remove the temporary file; what stood at the path stays. Nothing after finish()."""
        self._discard()

    def check_open(self) -> None:
        """Raise if it is finished or given up.

        Raises:
            InputError: If it is.
        """
        if self._file.closed:
            raise InputError(f"{self.path} is finished, or was given up at an error")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.discard()


def remove_dead_files(path: Path | str) -> int:
    """Remove temporary files of writers of ``path`` that were killed; return how many.

    A writer holds a lock on its temporary file, which ends with its process: those that someone
    holds stay, so that other processes may be writing the same path. Nothing is removed on Windows,
    nor where the file system has no locks.

    Args:
        path: What is written; the file itself is left alone.

    Raises:
        OutputError: If its folder cannot be listed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, ".a.0f0f0f0f.partial").write_bytes(b"hal")
        ...     with WholeFile(Path(folder, "b")):
        ...         remove_dead_files(Path(folder, "a")), remove_dead_files(Path(folder, "b"))
        (1, 0)
    """
    target = Path(os.path.realpath(check_path(path)))
    prefix, removed = f".{target.name}.", 0
    if sys.platform == "win32":
        return removed
    try:
        names = [entry.name for entry in target.parent.iterdir()]
    except OSError as problem:
        raise output_error(target.parent, problem) from problem
    for name in names:
        token = name.removeprefix(prefix).removesuffix(_SUFFIX)
        if name == f"{prefix}{token}{_SUFFIX}" and len(token) == 8:
            removed += _remove_unlocked(target.with_name(name))
    return removed


def _remove_unlocked(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink()
    except OSError:  # its writer lives, or it is not ours to remove
        return False
    else:
        return True
    finally:
        os.close(descriptor)


def _open_locked(target: Path) -> tuple[FileIO, Path]:
    """A new temporary file of ``target``, locked where it can be, and its path."""
    for _ in range(_TRIES):
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}{_SUFFIX}")
        file = temporary.open("xb", buffering=0)
        if sys.platform == "win32":
            return file, temporary
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another writer has just found it without a lock, and removes it
            file.close()
            continue
        except OSError:  # no locks here: then nobody removes it either
            return file, temporary
        if os.fstat(file.fileno()).st_nlink:
            return file, temporary
        file.close()
    raise OutputError(
        f"{target} could not be written ({_TRIES} temporary files of it were removed)",
        mend="let one process write it",
    )
