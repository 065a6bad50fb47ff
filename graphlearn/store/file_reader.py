"""Reads at a place in a file, by any number of threads, through the page cache or past it."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import weakref
from pathlib import Path
from typing import Any

import numpy as np

from graphlearn.errors import DataNotFoundError, InputError, InputTypeError
from graphlearn.store.closable import Closable
from graphlearn.store.file_header import PAGE

_ADVICE = {
    name: getattr(os, f"POSIX_FADV_{name.upper()}")
    for name in ("random", "sequential", "willneed", "dontneed")
    if hasattr(os, f"POSIX_FADV_{name.upper()}")
}
_seek_lock = threading.Lock()


def aligned_buffer(num_bytes: int) -> memoryview:
    """Return a new buffer that starts at a page of memory, which reads past the cache ask for.

    Example:
        >>> len(aligned_buffer(4096))
        4096
    """
    memory = np.empty(num_bytes + PAGE, dtype=np.uint8)
    begin = -memory.ctypes.data % PAGE
    return memory[begin : begin + num_bytes].data


def _read_at(descriptor: int, buffer: memoryview, offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, [buffer], offset)
    with _seek_lock:  # without preadv (Windows) a file has one place where it is read
        os.lseek(descriptor, offset, os.SEEK_SET)
        data = os.read(descriptor, len(buffer))
    buffer[: len(data)] = data
    return len(data)


class FileReader(Closable):
    """A file open for reading at any offset; threads may read at the same time.

    It stays open until reads that are under way have ended, since its number may then be that of
    another file.

    Args:
        path: The file.
        direct: Read past the page cache (``O_DIRECT``). Offsets, lengths and buffers
            (:func:`aligned_buffer`) are then whole pages.

    Raises:
        DataNotFoundError: If there is no such file.
        InputTypeError: If ``path`` is neither text nor a path.
        InputError: If it cannot be opened, or its file system has no reads past the cache.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = Path(folder, "a").write_bytes(b"0123456789")
        ...     reader = FileReader(Path(folder, "a"))
        ...     bytes(reader.read(3, 4))
        ...     reader.close()
        b'3456'
    """

    def __init__(self, path: Path | str, *, direct: bool = False) -> None:
        super().__init__()
        self.path = check_path(path)
        self.direct = direct
        flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        if direct:
            if not hasattr(os, "O_DIRECT"):
                raise self._refused("this system")
            flags |= os.O_DIRECT
        try:
            descriptor = os.open(self.path, flags) if self.path.is_file() else None
        except OSError as problem:
            raise self._error(problem) from problem
        if descriptor is None:
            raise DataNotFoundError(f"no file {path}")
        self.descriptor = descriptor
        self._end = weakref.finalize(self, os.close, self.descriptor)
        self.size = os.fstat(self.descriptor).st_size

    def read(self, offset: int, length: int) -> memoryview:
        """Read into a new buffer.

        Raises:
            InputError: If the file cannot be read, ends before, or is closed.
        """
        buffer = aligned_buffer(length)
        self.read_into(buffer, offset)
        return buffer

    def read_into(self, buffer: memoryview, offset: int) -> None:
        """Fill a buffer from an offset on.

        Raises:
            InputError: If the file cannot be read, ends before, or is closed.
        """
        with self._in_use():
            while len(buffer):
                try:
                    count = _read_at(self.descriptor, buffer, offset)
                except OSError as problem:
                    raise self._error(problem) from problem
                if count == 0:
                    raise InputError(
                        f"{self.path} ends at byte {offset}", expected=f"{len(buffer)} bytes more"
                    )
                buffer, offset = buffer[count:], offset + count

    def advise(self, advice: str, offset: int = 0, length: int = 0) -> None:
        """Tell the system how a part of the file will be read, where it can be told.

        Args:
            advice: ``"random"``, ``"sequential"``, ``"willneed"`` or ``"dontneed"``.
            offset: Where the part starts.
            length: Its bytes; 0 for all up to the end.
        """
        if advice in _ADVICE and not self.direct:
            # Who takes no advice does without, as does who has closed the file.
            with contextlib.suppress(OSError, InputError), self._in_use():
                os.posix_fadvise(self.descriptor, offset, length, _ADVICE[advice])

    def _release(self) -> None:
        self._end()

    def _closed_error(self) -> InputError:
        return InputError(f"{self.path} was closed", expected="a file that is open")

    def _error(self, problem: OSError) -> InputError:
        if self.direct and problem.errno in (errno.EINVAL, errno.ENOTSUP):
            return self._refused("its file system")
        return InputError(f"{self.path} could not be read ({problem.strerror})")

    def _refused(self, who: str) -> InputError:
        return InputError(
            f"{self.path} cannot be read past the page cache: {who} refuses O_DIRECT",
            mend='read through the cache: access="mmap" or "pread" (packed: direct=False)',
        )


def check_path(path: Any) -> Path:
    """Return where a file is, or is to be.

    Raises:
        InputTypeError: If ``path`` is neither text nor a path.
        InputError: If it holds a zero byte, which no name does.

    Example:
        >>> check_path("a/b.rows").name
        'b.rows'
    """
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise InputTypeError(f"path is a {type(path).__name__}", expected="a text or a Path")
    found = Path(path)
    if "\0" in str(found):
        raise InputError(f"path is {str(found)!r}", expected="a name without a zero byte")
    return found


def first_page(reader: FileReader) -> bytes:
    """Return the first 4096 bytes, or all there are: too few for a read past the cache.

    Raises:
        InputError: If they cannot be read.
    """
    if reader.size >= PAGE:
        return bytes(reader.read(0, PAGE))
    try:
        return reader.path.read_bytes()
    except OSError as problem:
        raise InputError(f"{reader.path} could not be read ({problem.strerror})") from problem
