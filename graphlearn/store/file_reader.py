"""Reads at a place in a file, by any number of threads, through the page cache or past it."""

from __future__ import annotations

import contextlib
import errno
import os
import threading
import weakref
from pathlib import Path

import numpy as np

from graphlearn.errors import DataNotFoundError, InputError
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


class FileReader:
    """A file open for reading at any offset; threads may read at the same time.

    Args:
        path: The file.
        direct: Read past the page cache (``O_DIRECT``). Offsets, lengths and buffers
            (:func:`aligned_buffer`) are then whole pages.

    Raises:
        DataNotFoundError: If there is no such file.
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
        self.path = Path(path)
        self.direct = direct
        flags = os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
        if direct:
            if not hasattr(os, "O_DIRECT"):
                raise self._refused("this system")
            flags |= os.O_DIRECT
        if not self.path.is_file():
            raise DataNotFoundError(f"no file {path}")
        try:
            self.descriptor = os.open(self.path, flags)
        except OSError as problem:
            raise self._error(problem) from problem
        self._close = weakref.finalize(self, os.close, self.descriptor)
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
        if not self._close.alive:  # its number may be another file's by now
            raise InputError(f"{self.path} is closed", expected="a store that is open")
        while len(buffer):
            try:
                count = _read_at(self.descriptor, buffer, offset)
            except OSError as problem:
                raise self._error(problem) from problem
            if count == len(buffer):
                return
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
        if advice in _ADVICE and not self.direct and self._close.alive:
            with contextlib.suppress(OSError):  # whoever takes no advice does without
                os.posix_fadvise(self.descriptor, offset, length, _ADVICE[advice])

    def close(self) -> None:
        """Close the file; a second call does nothing."""
        self._close()

    def _error(self, problem: OSError) -> InputError:
        if self.direct and problem.errno in (errno.EINVAL, errno.ENOTSUP):
            return self._refused("its file system")
        return InputError(f"{self.path} could not be read ({problem.strerror})")

    def _refused(self, who: str) -> InputError:
        return InputError(
            f"{self.path} cannot be read past the page cache: {who} refuses O_DIRECT",
            mend='read through the cache: access="mmap" or "pread" (packed: direct=False)',
        )


def first_page(reader: FileReader) -> bytes:
    """Return the first 4096 bytes, or all there are: too few for a read past the cache."""
    if reader.size < PAGE:
        return reader.path.read_bytes()
    return bytes(reader.read(0, PAGE))
