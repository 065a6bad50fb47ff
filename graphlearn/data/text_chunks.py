"""Text files, compressed or not, a bounded piece at a time."""

from __future__ import annotations

import contextlib
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

from graphlearn.errors import DataNotFoundError, InputError

CHUNK_BYTES = 1 << 22
"""How much text is parsed at once; it bounds the working memory of the readers."""

LINE_BYTES = 1 << 26
"""A longer line is no text, and is not gathered in memory."""


def check_file(path: Path, *, expected: str) -> None:
    """Refuse a path at which there is no file.

    Args:
        path: Where it should be.
        expected: What the file should be.

    Raises:
        DataNotFoundError: If there is nothing.
        InputError: If there is a folder.

    Example:
        >>> check_file(Path("."), expected="an edge list")
        Traceback (most recent call last):
        graphlearn.errors.InputError: . is a folder: expected an edge list
    """
    if path.is_dir():
        raise InputError(f"{path} is a folder", expected=expected)
    if not path.exists():
        raise DataNotFoundError(f"no file {path}", expected=expected)


@contextlib.contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file for reading, through gzip if its name ends in ``.gz``.

    Args:
        path: The file.

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it is truncated, or no gzip file, or cannot be read.

    Example:
        >>> import os
        >>> with open_bytes(Path(os.devnull)) as file:
        ...     file.read()
        b''
    """
    try:
        with path.open("rb") as plain:
            if path.suffix.lower() == ".gz":
                with gzip.GzipFile(fileobj=plain) as unzipped:
                    yield cast(IO[bytes], unzipped)
            else:
                yield plain
    except FileNotFoundError:
        raise DataNotFoundError(f"no file {path}", expected="a file that exists") from None
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise InputError(
            f"{path} is truncated or no gzip file ({error})", mend="fetch it again"
        ) from error
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror})") from error


def line_chunks(file: IO[bytes], size: int = CHUNK_BYTES) -> Iterator[bytes]:
    r"""Yield the text of a file in pieces of whole lines, each ending in a newline.

    Args:
        file: An open file.
        size: About how long a piece is.

    Raises:
        InputError: If a line is longer than ``LINE_BYTES``.

    Example:
        >>> import io
        >>> list(line_chunks(io.BytesIO(b"0 1\n1 2\n2 3"), size=6))
        [b'0 1\n', b'1 2\n', b'2 3\n']
    """
    rest = b""
    while chunk := file.read(size):
        head, newline, rest = (rest + chunk).rpartition(b"\n")
        if newline:
            yield head + newline
        if len(rest) > LINE_BYTES:
            raise InputError(f"a line is longer than {LINE_BYTES} bytes", expected="lines of text")
    if rest:
        yield rest + b"\n"
