"""How an edge list is laid out: its delimiter, and whether its first line is a header."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from graphlearn.data.edge_list_names import data_lines, rows
from graphlearn.errors import InputError

_TEXT = (".csv", ".tsv", ".txt", ".edges", ".edgelist")
_HEADERS = {
    *("source", "target", "src", "dst", "dest", "destination", "from", "to", "head", "tail"),
    *("node1", "node2", "node_1", "node_2", "id1", "id2", "id_1", "id_2"),
    *("fromnodeid", "tonodeid", "from_node", "to_node", "sender", "receiver", "parent", "child"),
}


@dataclass(frozen=True)
class EdgeListFormat:
    """The layout of an edge list.

    Args:
        delimiter: The character between fields; ``None`` for any run of spaces and tabs.
        skip_lines: Number of lines up to and with the header; 0 where there is none.

    Example:
        >>> EdgeListFormat(",", skip_lines=1).delimiter
        ','
    """

    delimiter: str | None
    skip_lines: int


def is_parquet(path: Path) -> bool:
    """Whether an edge list is a parquet file, by its name, rather than text.

    Raises:
        InputError: If its name ends in neither.

    Example:
        >>> is_parquet(Path("a.txt.gz")), is_parquet(Path("A.PARQUET"))
        (False, True)
    """
    name = path.name.lower()
    if name.endswith(".parquet"):
        return True
    if Path(name.removesuffix(".gz")).suffix in _TEXT:
        return False
    raise InputError(
        f"{path.name} is of an unknown format",
        expected=f"a name that ends in {', '.join(_TEXT)}, one of these with .gz, or .parquet",
    )


def detect_format(
    path: Path, *, delimiter: str | None = None, header: bool | None = None
) -> EdgeListFormat:
    """Find out the layout of an edge list from its first two lines after the comments.

    The delimiter is what :func:`detect_delimiter` finds. The first line is a header if two of its
    fields are usual column names (such as ``source,target``), or if neither is an integer while
    both of the next line are.

    Args:
        path: The file, plain or ``.gz``.
        delimiter: The delimiter, if it is known; ``" "`` stands for white space.
        header: Whether there is a header, if it is known.

    Raises:
        InputError: If the file holds no line but comments.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "a.csv")
        ...     _ = path.write_text("buyer,seller\\n3,4\\n")
        ...     detect_format(path)
        EdgeListFormat(delimiter=',', skip_lines=1)
    """
    delimiter = detect_delimiter(path, delimiter)
    start = list(islice(rows(path, delimiter), 2))
    if not start:
        raise InputError(f"{path} holds no edges", expected="a line with two node ids for each")
    if header is None:
        header = _looks_like_header(*(fields for _, fields in start))
    if header:
        check_columns(path, start[0][1])
    return EdgeListFormat(delimiter, start[0][0] if header else 0)


def detect_delimiter(path: Path, delimiter: str | None = None) -> str | None:
    """Find the character between fields: None for white space.

    It is the first of tab, comma and semicolon that stands in the first line, else white space.

    Args:
        path: The file, plain or ``.gz``.
        delimiter: The delimiter, if it is known; ``" "`` stands for white space.

    Raises:
        InputError: If it cannot be one.

    Example:
        >>> import os
        >>> detect_delimiter(Path(os.devnull), ";")
        ';'
    """
    if delimiter is None:
        line = next((line for _, line in data_lines(path)), "").strip()
        return next((mark for mark in "\t,;" if mark in line), None)
    if delimiter == " ":
        return None
    if len(delimiter) != 1 or delimiter in '\r\n"#%' or delimiter.isalnum():
        raise InputError(f"delimiter is {delimiter!r}", expected="one character, such as ','")
    return delimiter


def check_columns(path: Path, names: list[str]) -> None:
    """Refuse a header by which the first two columns are not the ends of an edge.

    Args:
        path: The file, for the error text.
        names: The names of its columns.

    Raises:
        InputError: If the first column has no name (an index that pandas wrote), or two later
            columns have names such as ``source`` and ``target`` and the first two do not.

    Example:
        >>> check_columns(Path("a.csv"), ["source", "target", "weight"])
    """
    usual = [number for number, name in enumerate(names) if name.casefold() in _HEADERS]
    unnamed = len(names) > 2 and not names[0]
    if unnamed or (len(usual) >= 2 and usual[:2] != [0, 1]):
        raise InputError(
            f"{path} has columns {', '.join(name or '(no name)' for name in names)}",
            expected="the two ends of an edge in the first two",
            mend="leave out an index column (pandas: index=False), or reorder the columns",
        )


def _looks_like_header(first: list[str], second: list[str] | None = None) -> bool:
    if sum(field.casefold() in _HEADERS for field in first) >= 2:
        return True
    first = first[:2]
    return (
        second is not None
        and len(first) == len(second[:2]) == 2
        and not any(_is_integer(field) for field in first)
        and all(_is_integer(field) for field in second[:2])
    )


def _is_integer(field: str) -> bool:
    return field.lstrip("+-").isdecimal()
