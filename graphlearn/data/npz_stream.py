"""One array of a ``.npz`` file, a block of rows at a time, for those larger than memory."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from graphlearn.data.array_file import UNREADABLE
from graphlearn.errors import DataNotFoundError, InputError

BLOCK_BYTES = 64 << 20
"""Bytes of rows in memory at once."""


class NpzArray:
    """An array inside an open ``.npz`` file: its form is known, its rows are read once, in order.

    Args:
        file: The member, open, behind its header.
        shape: Its shape.
        dtype: Its dtype.

    Example:
        >>> import io
        >>> array = NpzArray(io.BytesIO(bytes(range(6))), (3, 2), np.dtype("uint8"))
        >>> [block.tolist() for block in array.blocks(2)]
        [[[0, 1], [2, 3]], [[4, 5]]]
    """

    def __init__(self, file: IO[bytes], shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self.file, self.shape, self.dtype = file, shape, dtype

    def blocks(self, rows: int | None = None) -> Iterator[NDArray[Any]]:
        """Yield the rows from first to last.

        Args:
            rows: How many at a time; as many as fit ``BLOCK_BYTES`` if None.

        Shapes:
            - each block: ``[rows, *shape[1:]]``, the last one with fewer

        Raises:
            EOFError: If the file ends before its rows do.
        """
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        step = rows or max(1, BLOCK_BYTES // max(1, row_bytes))
        for begin in range(0, self.shape[0], step):
            count = min(step, self.shape[0] - begin)
            block = np.empty((count, *self.shape[1:]), dtype=self.dtype)
            place = block.reshape(-1).view(np.uint8).data
            while place:
                piece = self.file.read(min(len(place), BLOCK_BYTES))
                if not piece:
                    raise EOFError(f"it ends before row {begin + count} of {self.shape[0]}")
                place[: len(piece)] = piece
                place = place[len(piece) :]
            yield block

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dtype}{list(self.shape)})"


@contextmanager
def open_npz_array(path: Path | str, name: str) -> Iterator[NpzArray]:
    """Open one array of a ``.npz`` file, compressed or not, without reading it.

    Args:
        path: The file.
        name: The array's name.

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it cannot be read, lacks the array, or the array holds objects or stands
            column by column.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez_compressed(f"{folder}/data.npz", node_feat=np.ones((4, 2), np.float32))
        ...     with open_npz_array(f"{folder}/data.npz", "node_feat") as array:
        ...         array, sum(len(block) for block in array.blocks(3))
        (NpzArray(float32[4, 2]), 4)
    """
    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"no file {path}", expected="OGB's raw files")
    try:
        with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as file:
            version = np.lib.format.read_magic(file)
            header = np.lib.format.read_array_header_1_0
            if version != (1, 0):
                header = np.lib.format.read_array_header_2_0
            shape, by_column, dtype = header(file)
            if dtype.hasobject:
                raise ValueError(f"{name} holds objects")
            if not shape or (by_column and len(shape) > 1):
                raise ValueError(f"{name} does not stand row by row")
            yield NpzArray(file, shape, dtype)
    except UNREADABLE as problem:
        if isinstance(problem, InputError):
            raise
        reason = " ".join(str(problem).split())
        raise InputError(f"{path} cannot be read: {reason}", expected=f"the array {name}") from None
