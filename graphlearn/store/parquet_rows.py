"""Rows from a parquet file, a block at a time: several columns of numbers, or one of lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphlearn.errors import InputError, InputTypeError
from graphlearn.extras import import_extra
from graphlearn.registry import unknown_name


def parquet_rows(
    path: Path, columns: str | list[str] | None, *, block_bytes: int
) -> tuple[int, Iterator[NDArray[Any]]]:
    """Return how many rows the file has, and the rows in blocks.

    The first block is empty and tells the form of a row. The others are read as they are asked
    for, so that no more than a few are in memory at once.

    Args:
        path: The file.
        columns: One name for rows that are numbers, or the lists of a column of fixed-size lists;
            several for rows of so many numbers; None for all columns.
        block_bytes: The size of a block.

    Shapes:
        - output: blocks ``[n]`` for one name, ``[n, columns]`` for several, ``[n, size]`` for a
          column of lists

    Raises:
        InputTypeError: If columns hold no numbers, or different kinds of them.
        InputError: If the file cannot be read, lacks a column, has it twice, or has empty entries.
        MissingExtraError: If pyarrow is not installed.

    Example:
        >>> import tempfile, pyarrow, pyarrow.parquet
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     table = pyarrow.table({"a": [1.0, 2.0], "b": [3.0, 4.0]})
        ...     pyarrow.parquet.write_table(table, f"{folder}/x.parquet")
        ...     rows, blocks = parquet_rows(Path(folder, "x.parquet"), None, block_bytes=1 << 20)
        ...     rows, [block.tolist() for block in blocks]
        (2, [[], [[1.0, 3.0], [2.0, 4.0]]])
    """
    pyarrow = import_extra("pyarrow", "parquet", extra="parquet", purpose=f"reading {path.name}")
    try:
        schema = pyarrow.parquet.read_schema(path)
        num_rows = pyarrow.parquet.read_metadata(path).num_rows
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="a parquet file") from error
    names = [columns] if isinstance(columns, str) else list(columns or schema.names)
    for name in names:
        if name not in schema.names:
            raise unknown_name("column", name, schema.names, where=str(path))
        if schema.names.count(name) > 1:
            raise InputError(
                f"{path} has {schema.names.count(name)} columns {name!r}",
                expected="names that are one column's alone",
                mend="name columns that are, or rename them",
            )
    kind, width = _form(path, schema, names)
    flat = isinstance(columns, str) and width is None
    step = max(1, block_bytes // max(1, kind.itemsize * (width or len(names))))

    def blocks() -> Iterator[NDArray[Any]]:
        yield np.empty((0,) if flat else (0, width or len(names)), dtype=kind)
        try:
            # Without these two a whole row group is fetched before its first row comes.
            with pyarrow.parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
                for batch in file.iter_batches(batch_size=step, columns=names):
                    parts = [_numbers(path, batch.column(name), name, width) for name in names]
                    yield parts[0] if flat or width is not None else np.stack(parts, axis=1)
        except (pyarrow.ArrowException, OSError) as error:
            raise InputError(
                f"{path} cannot be read ({error})", expected="a whole parquet file"
            ) from error

    return num_rows, blocks()


def _form(path: Path, schema: Any, names: list[str]) -> tuple[np.dtype[Any], int | None]:
    """What the columns hold, and the length of the lists if they are lists."""
    from pyarrow import types

    kinds = [schema.field(name).type for name in names]
    width = None
    if len(kinds) == 1 and types.is_fixed_size_list(kinds[0]):
        width, kinds = kinds[0].list_size, [kinds[0].value_type]
    text = ", ".join(sorted({str(kind) for kind in kinds})) or "no columns"
    if len(set(kinds)) != 1 or not (
        types.is_integer(kinds[0]) or types.is_floating(kinds[0]) or types.is_boolean(kinds[0])
    ):
        raise InputTypeError(
            f"{path}: {', '.join(names[:8])} hold {text}",
            expected="numbers of one type, or one column of fixed-size lists of them",
            mend="choose columns of numbers, or convert them",
        )
    return np.dtype(kinds[0].to_pandas_dtype()), width


def _numbers(path: Path, column: Any, name: str, width: int | None) -> NDArray[Any]:
    values = column if width is None else column.flatten()
    if column.null_count or values.null_count:
        raise InputError(
            f"{path}: column {name!r} has {column.null_count or values.null_count} empty entries",
            expected="a number in each",
        )
    array: NDArray[Any] = values.to_numpy(zero_copy_only=False)
    return array if width is None else array.reshape(-1, width)
