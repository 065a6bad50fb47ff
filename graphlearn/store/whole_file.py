"""A large file written piece by piece that is either whole or not there."""

from __future__ import annotations

import contextlib
import os
import secrets
import weakref
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Self

from graphlearn.errors import InputError
from graphlearn.files import make_folder, output_error, sync_folder


def _discard(file: FileIO, temporary: Path) -> None:
    file.close()
    with contextlib.suppress(OSError):
        temporary.unlink()


class WholeFile:
    """A file under a temporary name beside its own, which takes its own once :meth:`finish` ran.

    Until then, and after any error, what stood there before stays; the temporary file goes at an
    error, at the end of a ``with`` block without :meth:`finish`, and with the object. That of a
    process that was killed is removed by :func:`graphlearn.files.remove_partial_files`.

    Args:
        path: Where to write; if it is a link, the file it points to is replaced.

    Raises:
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
        self._target = Path(os.path.realpath(path))
        make_folder(self._target.parent)
        token = secrets.token_hex(4)
        self._temporary = self._target.with_name(f".{self._target.name}.{token}.partial")
        try:
            self._file = self._temporary.open("xb", buffering=0)
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
            self._file.close()
            self._temporary.replace(self._target)
            self._discard.detach()
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
