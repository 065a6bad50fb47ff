"""Columns of a parquet file, one at a time."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from graphlearn.data.edge_list_arrays import TypedColumn
from graphlearn.errors import InputError
from graphlearn.extras import import_extra


class ParquetColumns:
    """An open parquet file.

    Args:
        path: Its name, for errors.
        file: pyarrow's.
        pyarrow: The package.

    Raises:
        InputError: From :meth:`column`.

    Example:
        >>> ParquetColumns.__name__  # made by open_parquet
        'ParquetColumns'
    """

    def __init__(self, path: Path, file: Any, pyarrow: Any) -> None:
        self.path, self._file, self._pyarrow = path, file, pyarrow
        self.names: list[str] = list(file.schema_arrow.names)
        self.num_rows: int = file.metadata.num_rows

    def column(self, name: str) -> TypedColumn:
        """Read one column.

        Raises:
            InputError: If several have this name, or the file is damaged.
        """
        count = self.names.count(name)
        if count > 1:
            raise InputError(
                f"{self.path} has {count} columns called {name!r}", expected="names that differ"
            )
        pyarrow = self._pyarrow
        with _named_errors(self.path, pyarrow):
            found = self._file.read(columns=[name])[name]
            kind_name, types = str(found.type), pyarrow.types
            if types.is_dictionary(found.type):
                found = found.cast(found.type.value_type)
            if kind_name == "string_view":
                found = found.cast(pyarrow.string())
            kind = _kind(types, found.type)
            if types.is_decimal(found.type):
                found = found.cast(pyarrow.float64())
            values = np.empty(self.num_rows, dtype=object) if kind == "other" else found.to_numpy()
        return TypedColumn(name, kind_name, kind, values, found.null_count)


@contextlib.contextmanager
def open_parquet(path: Path) -> Iterator[ParquetColumns]:
    """Open a parquet file.

    Args:
        path: The file.

    Raises:
        InputError: If it is none.
        MissingExtraError: If pyarrow is not installed.

    Example:
        >>> with open_parquet(Path(".")):
        ...     pass
        Traceback (most recent call last):
        graphlearn.errors.InputError: . cannot be read (Is a directory): expected a parquet file
    """
    pyarrow = import_extra("pyarrow", "parquet", extra="parquet", purpose=f"reading {path.name}")
    with contextlib.ExitStack() as stack:
        with _named_errors(path, pyarrow):
            plain = stack.enter_context(path.open("rb"))
            file = stack.enter_context(pyarrow.parquet.ParquetFile(plain))
        yield ParquetColumns(path, file, pyarrow)


@contextlib.contextmanager
def _named_errors(path: Path, pyarrow: Any) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = error.strerror or str(error)
        raise InputError(f"{path} cannot be read ({text})", expected="a parquet file") from error
    except pyarrow.ArrowException as error:
        text = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read ({text})", expected="a parquet file") from error


def _kind(types: Any, of: Any) -> str:
    for kind, tests in (
        ("integer", (types.is_integer,)),
        ("number", (types.is_floating, types.is_decimal)),
        ("date", (types.is_date, types.is_timestamp)),
        ("text", (types.is_string, types.is_large_string, types.is_null)),
        ("boolean", (types.is_boolean,)),
    ):
        if any(test(of) for test in tests):
            return kind
    return "other"
