"""Rows from anywhere as blocks of bounded size: tensors, arrays, files, stores, generators."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import DataNotFoundError, InputError, InputTypeError
from graphlearn.store.file_reader import check_path
from graphlearn.store.parquet_rows import parquet_rows
from graphlearn.store.row_store import DTYPES, RowStore, check_dtype


@dataclass(frozen=True)
class RowBlocks:
    """What a writer needs to know of its source: the form of a row, and the rows in blocks.

    Args:
        row_shape: Shape of one row.
        dtype: What it is made of.
        num_rows: How many there are, where that is known before the end.
        blocks: Tensors ``[n, *row_shape]`` on the CPU; read once.
    """

    row_shape: tuple[int, ...]
    dtype: torch.dtype
    num_rows: int | None
    blocks: Iterator[Tensor]


def row_blocks(
    source: Any,
    *,
    block_bytes: int,
    dtype: torch.dtype | None = None,
    columns: str | list[str] | None = None,
) -> RowBlocks:
    """Return the rows of ``source`` in blocks of at most ``block_bytes`` (one row at the least).

    Args:
        source: A tensor or array ``[N, ...]``, a :class:`RowStore`, the path of a ``.npy`` or
            ``.parquet`` file, or an iterable of tensors or arrays ``[n, ...]``, whose blocks are
            cut but not joined.
        block_bytes: The size of a block.
        dtype: Convert to this one; by default rows stay as they are.
        columns: Of a parquet file: see :func:`graphlearn.store.parquet_rows.parquet_rows`.

    Raises:
        DataNotFoundError: If there is no such file.
        InputTypeError: If the source, or its dtype, is none of these.
        InputError: If a file cannot be read, blocks differ in form, or there is none.
        MissingExtraError: If a parquet file is given and pyarrow is not installed.

    Example:
        >>> found = row_blocks(np.zeros((5, 2), dtype=np.float32), block_bytes=16)
        >>> found.num_rows, found.row_shape, found.dtype, [len(block) for block in found.blocks]
        (5, (2,), torch.float32, [2, 2, 1])
    """
    if dtype is not None:
        check_dtype(dtype)
    is_file = isinstance(source, str | Path)
    if columns is not None and not (is_file and Path(source).suffix.lower() == ".parquet"):
        raise InputError("columns are given", expected="them for a parquet file alone")
    num_rows: int | None
    pieces: Iterable[Any]
    if isinstance(source, RowStore):
        num_rows, pieces = source.num_rows, _store_blocks(source, block_bytes)
    elif is_file:
        path = _existing(source)
        if path.suffix.lower() == ".parquet":
            num_rows, pieces = parquet_rows(path, columns, block_bytes=block_bytes)
        elif path.suffix.lower() == ".npy":
            array = _open_npy(path)
            num_rows, pieces = len(array), [array]
        else:
            raise InputError(f"{path.name} is of an unknown format", expected=".npy or .parquet")
    elif isinstance(source, Tensor | np.ndarray):
        pieces = [source]
        num_rows = len(source) if source.ndim else None  # a scalar is refused as a block
    elif isinstance(source, Iterable) and not isinstance(source, bytes | dict):
        num_rows, pieces = None, source
    else:
        raise InputTypeError(
            f"source is of type {type(source).__name__}",
            expected="a tensor, an array, a store, a path, or an iterable of blocks",
        )
    return _alike(pieces, num_rows, block_bytes, dtype)


def _alike(
    pieces: Iterable[Any], num_rows: int | None, block_bytes: int, dtype: torch.dtype | None
) -> RowBlocks:
    waiting = iter(pieces)
    first = next(waiting, None)
    if first is None:
        raise InputError(
            "the source gives no block of rows",
            expected="at least one, which may be empty and tells the form of a row",
        )
    shape, kind = _form(first, 0)

    def blocks() -> Iterator[Tensor]:
        yield from _cut(first, block_bytes, dtype)
        for number, piece in enumerate(waiting, start=1):
            found_shape, found_kind = _form(piece, number)
            if found_shape != shape or found_kind != kind:
                raise InputError(
                    f"block {number} has rows of {found_kind} {list(found_shape)}",
                    expected=f"{kind} {list(shape)}, as in block 0",
                )
            yield from _cut(piece, block_bytes, dtype)

    return RowBlocks(shape, dtype or kind, num_rows, blocks())


def _form(piece: Any, number: int) -> tuple[tuple[int, ...], torch.dtype]:
    """The shape of a row of a block, and its dtype."""
    if isinstance(piece, np.ma.MaskedArray):
        raise InputTypeError(
            f"block {number} is a masked array",
            expected="one without a mask, since files of rows hold none",
            mend="pass block.filled(...)",
        )
    if isinstance(piece, np.ndarray):
        # By its name, so that numbers whose bytes stand in another order count as what they are.
        dtype = DTYPES.get(piece.dtype.newbyteorder("=").name)
    elif isinstance(piece, Tensor) and piece.device.type == "meta":
        raise InputTypeError(f"block {number} lies on meta", expected="a tensor that holds numbers")
    elif isinstance(piece, Tensor) and piece.layout == torch.strided:
        dtype = piece.dtype if piece.dtype in DTYPES.values() else None
    else:
        kind = str(piece.layout) if isinstance(piece, Tensor) else type(piece).__name__
        raise InputTypeError(f"block {number} is a {kind}", expected="a dense tensor or array")
    if dtype is None:
        raise InputTypeError(
            f"block {number} is of dtype {piece.dtype}", expected="one of " + ", ".join(DTYPES)
        )
    if piece.ndim == 0:
        raise InputError(f"block {number} is a single number", expected="rows [n, ...]")
    return tuple(piece.shape[1:]), dtype


def _cut(piece: Any, block_bytes: int, dtype: torch.dtype | None) -> Iterator[Tensor]:
    row_bytes = math.prod(piece.shape[1:]) * piece.dtype.itemsize
    step = max(1, block_bytes // max(1, row_bytes))
    for begin in range(0, len(piece), step):
        part = piece[begin : begin + step]
        yield _tensor(part) if dtype is None else _tensor(part).to(dtype)


def _tensor(part: Any) -> Tensor:
    if isinstance(part, Tensor):
        return part.detach().cpu().contiguous()
    array: NDArray[Any] = np.ascontiguousarray(part, dtype=part.dtype.newbyteorder("="))
    if array.size == 0:  # torch takes over steps of 0 bytes, in which it then sees no rows
        return torch.empty(array.shape, dtype=DTYPES[array.dtype.name])
    # torch warns at arrays that are read-only, as those of a file are; as a copy they are not.
    return torch.from_numpy(array if array.flags.writeable else array.copy())


def _store_blocks(store: RowStore, block_bytes: int) -> Iterator[Tensor]:
    step = max(1, block_bytes // max(1, store.row_bytes))
    for begin in range(0, max(store.num_rows, 1), step):  # of an empty store, an empty block
        yield store.read(begin, min(begin + step, store.num_rows))


def _existing(source: Path | str) -> Path:
    path = check_path(source)
    try:
        if path.is_file():
            return path
    except OSError as problem:  # a name that is too long
        raise InputError(f"{path} could not be read ({problem.strerror})") from problem
    raise DataNotFoundError(f"no file {path}", expected="rows in a .npy or .parquet file")


def _open_npy(path: Path) -> NDArray[Any]:
    try:
        # Not np.load, which would also open an archive of arrays, and leave it open.
        array: NDArray[Any] = np.lib.format.open_memmap(path, mode="r")
    except (ValueError, OSError, EOFError, OverflowError) as problem:
        reason = " ".join(str(problem).split())
        raise InputError(
            f"{path} cannot be read: {reason}", expected="a whole .npy file of numbers"
        ) from problem
    if array.ndim == 0:
        raise InputError(f"{path} holds a single number", expected="rows [N, ...]")
    return array
