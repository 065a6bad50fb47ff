"""Recommended links as a csv or parquet file that grows block by block."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from graphlearn.errors import InputError
from graphlearn.extras import import_extra
from graphlearn.serve.whole_output import check_file_free, check_path, whole_file

ENDINGS = (".csv", ".parquet")
"""What names of such files end in."""

COLUMNS = ("source", "rank", "target", "probability")
"""The columns."""


class LinkRows(NamedTuple):
    """Rows of the file, as columns.

    Args:
        source: Ids of sources.
        rank: From 1, for each source.
        target: Ids of the nodes recommended to it.
        probability: That the link is a new one.
    """

    source: list[Any]
    rank: list[int]
    target: list[Any]
    probability: list[float]


def check_links_name(path: Path | str) -> str:
    """Return the ending of a name that can be written, before work is done for it.

    Raises:
        InputTypeError: If it is no path.
        InputError: If it ends in something else.
        MissingExtraError: If it is a parquet file and pyarrow is not installed.

    Example:
        >>> check_links_name("links.csv")
        '.csv'
    """
    ending = check_path(path, name="out").suffix.lower()
    if ending not in ENDINGS:
        raise InputError(
            f"{path} is of an unknown format", expected=f"a name that ends in {', '.join(ENDINGS)}"
        )
    if ending == ".parquet":
        import_extra("pyarrow", "parquet", extra="parquet", purpose=f"writing {Path(path).name}")
    return ending


def check_links_place(path: Path | str) -> None:
    """Refuse a name or a place that cannot be written, before a model is read for it.

    Raises:
        GraphLearnError: As :func:`check_links_name`, or if no file can be made there.

    Example:
        >>> check_links_place("no-such-folder/links.csv")
    """
    check_links_name(path)
    check_file_free(path)


@contextlib.contextmanager
def links_file(path: Path | str, *, integers: bool) -> Iterator[Callable[[LinkRows], None]]:
    """Yield a function that appends rows; the file appears, whole, once the block ends well.

    Args:
        path: The file.
        integers: Whether ids are integers.

    Raises:
        InputError: If the name ends in an unknown format.
        MissingExtraError: If it is a parquet file and pyarrow is not installed.
        OutputError: If it could not be written; a former file is then untouched.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "links.csv"
        ...     with links_file(path, integers=False) as write:
        ...         write(LinkRows(["ann"], [1], ["bob"], [0.25]))
        ...     path.read_text().splitlines()
        ['source,rank,target,probability', 'ann,1,bob,0.25']
    """
    ending = check_links_name(path)
    with whole_file(path) as name:
        if ending == ".csv":
            with name.open("x", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(COLUMNS)

                def append(rows: LinkRows) -> None:
                    chances = (f"{value:.6g}" for value in rows.probability)
                    writer.writerows(zip(rows.source, rows.rank, rows.target, chances, strict=True))

                yield append
            return
        import pyarrow
        import pyarrow.parquet

        kind = pyarrow.int64() if integers else pyarrow.string()
        schema = pyarrow.schema(
            [
                ("source", kind),
                ("rank", pyarrow.int32()),
                ("target", kind),
                ("probability", pyarrow.float64()),
            ]
        )
        with pyarrow.parquet.ParquetWriter(name, schema) as table:

            def append_table(rows: LinkRows) -> None:
                arrays = [pyarrow.array(c, f.type) for c, f in zip(rows, schema, strict=True)]
                table.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))

            yield append_table
