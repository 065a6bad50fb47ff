"""OGB's text tables: comma-separated numbers, gzipped, without a header, some gigabytes long."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from graphlearn.data.edge_list_integers import parse_integer_pairs
from graphlearn.data.text_chunks import CHUNK_BYTES, line_chunks, open_bytes
from graphlearn.errors import DataNotFoundError, InputError

_BYTES_A_BYTE = 1032
"""No gzip file holds more for each of its bytes."""

_GAP = re.compile(rb"(?<=,)(?=[,\n])|^(?=,)|^(?=\n)", re.MULTILINE)


def read_counts(path: Path | str) -> NDArray[np.int64]:
    """Read one whole number a line, such as how many nodes each graph has.

    Args:
        path: The file.

    Shapes:
        - output: ``[G]``

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it is truncated, empty, or holds anything else.

    Example:
        >>> import gzip, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "num-node-list.csv.gz")
        ...     _ = path.write_bytes(gzip.compress(b"13\\n7\\n"))
        ...     read_counts(path)
        array([13,  7])
    """
    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"no file {path}", expected="OGB's raw files")
    with open_bytes(path) as file:
        words = [word for chunk in line_chunks(file) for word in chunk.split()]
    wrong = next((word for word in words if not word.isdigit() or len(word) > 18), None)
    if wrong is not None or not words:
        given = "is empty" if wrong is None else f"holds {wrong[:64].decode(errors='replace')!r}"
        raise InputError(f"{path} {given}", expected="one number a line: one number a graph")
    return np.array(words, dtype=np.int64)


def read_edges(path: Path | str) -> NDArray[np.int64]:
    """Read two node numbers a line, and nothing else: no comments, blank lines or other columns.

    Args:
        path: The file.

    Shapes:
        - output: ``[E, 2]``

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it is truncated, or a line holds anything else.

    Example:
        >>> import gzip, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "edge.csv.gz")
        ...     _ = path.write_bytes(gzip.compress(b"0,10\\n7,2\\n"))
        ...     read_edges(path).tolist()
        [[0, 10], [7, 2]]
    """
    path = Path(path)
    with open_bytes(path) as file:
        return parse_integer_pairs(
            _two_columns(line_chunks(file), path), delimiter=",", shown_as=str(path)
        )


def _two_columns(chunks: Iterable[bytes], path: Path) -> Iterator[bytes]:
    """The same pieces of text, each looked at first: what the parser would pass over is refused."""
    before = 0
    for chunk in chunks:
        lines = chunk.count(b"\n")
        odd = chunk.count(b",") != lines or chunk.count(b"\r") != chunk.count(b"\r\n")
        # Of lines with a comma each, a blank one would have to be made up for by one with two.
        odd |= any(mark in chunk for mark in (b"#", b"%", b" ", b"\t", b"\n\n", b"\n\r\n"))
        if odd or chunk[:1] in (b"\n", b"\r"):
            for number, line in enumerate(chunk.split(b"\n")[:lines], start=before + 1):
                bare = line.removesuffix(b"\r")
                if bare.count(b",") != 1 or b"\r" in bare or bare.lstrip()[:1] in (b"#", b"%"):
                    shown = bare[:64].decode(errors="replace")
                    raise InputError(
                        f"{path}, line {number}, is {shown!r}",
                        expected="two node numbers and no more",
                    )
        before += lines
        yield chunk


def table_blocks(
    path: Path | str,
    dtype: DTypeLike = np.float32,
    *,
    gaps: bool = False,
    chunk_bytes: int = CHUNK_BYTES,
) -> Iterator[NDArray[Any]]:
    """Yield a table's rows a block at a time, so that it need not fit into memory.

    Args:
        path: The file.
        dtype: ``float32``, or ``int64`` where all numbers are whole.
        gaps: Whether a field may be empty, or ``nan``; both come as NaN.
        chunk_bytes: How much text is parsed at once.

    Shapes:
        - each block: ``[rows, C]``, with the C of the first line

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it is truncated, a field is no number, or a line has not C of them.

    Example:
        >>> import gzip, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "graph-label.csv.gz")
        ...     _ = path.write_bytes(gzip.compress(b"1,0\\n,1\\n"))
        ...     next(table_blocks(path, gaps=True))
        array([[ 1.,  0.],
               [nan,  1.]], dtype=float32)
    """
    path = Path(path)
    width = 0
    with open_bytes(path) as file:
        for chunk in line_chunks(file, chunk_bytes):
            text = chunk.replace(b"\r", b"")
            width = width or 1 + text.partition(b"\n")[0].count(b",")
            lines = text.count(b"\n")
            try:
                numbers = _numbers(_GAP.sub(b"nan", text) if gaps else text, dtype)
                if numbers.size != lines * width or text.count(b",") != lines * (width - 1):
                    raise ValueError(f"{lines} lines hold {numbers.size} numbers")
            except ValueError as problem:
                raise InputError(
                    f"{path} cannot be read: {problem}", expected=f"{width} numbers a line"
                ) from None
            yield numbers.reshape(lines, width)


def read_table(
    path: Path | str, rows: int, dtype: DTypeLike = np.float32, *, gaps: bool = False
) -> NDArray[Any]:
    """Read a whole table that must have a certain number of rows.

    Args:
        path: The file.
        rows: How many rows there must be.
        dtype: As for :func:`table_blocks`.
        gaps: As for :func:`table_blocks`.

    Shapes:
        - output: ``[rows, C]``

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it cannot be read, or has another number of rows.

    Example:
        >>> read_table("no/such/file.csv.gz", 3)
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: no file no/such/file.csv.gz: expected a file that \
exists
    """
    expected = f"{rows} lines of as many numbers each"
    table: NDArray[Any] | None = None
    filled = 0
    try:
        for block in table_blocks(path, dtype, gaps=gaps):
            if table is None:  # filled in place: a list of blocks would need the room twice
                table = _room(Path(path), rows, block.shape[1], dtype)
            if filled + len(block) > rows:
                raise InputError(f"{path} holds more than {rows} lines", expected=expected)
            table[filled : filled + len(block)] = block
            filled += len(block)
    except InputError as problem:
        if "numbers a line" not in problem.expected:  # of a block
            raise
        raise InputError(problem.given, expected=expected) from None
    if table is None or filled != rows:
        raise InputError(f"{path} holds {filled} lines", expected=expected)
    return table


def _room(path: Path, rows: int, width: int, dtype: DTypeLike) -> NDArray[Any]:
    """An array for a whole table, unless the file is too small to hold so many rows."""
    most = path.stat().st_size * (_BYTES_A_BYTE if path.suffix == ".gz" else 1)
    # Each number is ended by a character at least, but for the last one.
    if rows * width > most + 1:
        raise InputError(
            f"{path} has {path.stat().st_size} bytes",
            expected=f"{rows} lines of {width} numbers each, which need more",
        )
    try:
        return np.empty((rows, width), dtype=dtype)
    except MemoryError:
        raise InputError(
            f"{path} does not fit into memory", expected=f"room for {rows} lines of {width} numbers"
        ) from None


def _numbers(text: bytes, dtype: DTypeLike) -> NDArray[Any]:
    # numpy's text parser is several times faster than its file readers; what it cannot read it
    # reports by a warning alone, which is made an error here.
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text.rstrip(b"\n").replace(b"\n", b","), dtype=dtype, sep=",")
        except DeprecationWarning:
            raise ValueError("a value is not a number") from None
