"""The reader for a user's own edge list: csv, tsv, txt, any of these as .gz, or parquet."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from graphlearn.data.edge_list_format import check_columns, detect_format
from graphlearn.data.edge_list_integers import NotIntegerPairs, read_integer_pairs
from graphlearn.data.edge_list_names import NamedPairs, read_name_pairs
from graphlearn.data.pyg import from_pyg
from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.extras import import_extra
from graphlearn.validate import check_num_nodes

_TEXT = (".csv", ".tsv", ".txt", ".edges", ".edgelist")


def read_edge_list(
    path: Path | str,
    *,
    num_nodes: int | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Data:
    """Read a graph from a file with an edge a line: two node ids, then anything.

    Only the first two fields (parquet: columns) are read; weights, times and other columns are
    left out. Lines that start with ``#`` or ``%`` are comments. Delimiter and header are found
    as :func:`graphlearn.data.edge_list_format.detect_format` says.

    Ids that are all integers are numbered in ascending order, so ids ``0 .. N-1`` stay as they
    are; otherwise they are names, numbered in order of appearance. ``data.node_ids`` holds the
    id of each node: an int64 tensor, or a list of names. Edges stay as the file has them, one
    column a line; a split reads them as undirected.

    Args:
        path: The file; its name must end in one of the formats above.
        num_nodes: Take integer ids as node numbers in ``[0, num_nodes)``, which keeps nodes
            without edges.
        delimiter: The character between fields, if it is known; ``" "`` for white space.
        header: Whether the first line is a header, if it is known.

    Shapes:
        - output: ``edge_index [2, L]``, no ``x``

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it holds no edges, a line has fewer than two ids, an id is negative or not
            whole, or the file is truncated or of an unknown format.
        MissingExtraError: If a parquet file is given and pyarrow is not installed.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder, "friends.csv")
        ...     _ = path.write_text("source,target,since\\nann,bob,2019\\nbob,cem,2021\\n")
        ...     data = read_edge_list(path)
        >>> data.edge_index.tolist(), data.node_ids
        ([[0, 1], [1, 2]], ['ann', 'bob', 'cem'])
    """
    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"no file {path}", expected="an edge list")
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    found: np.ndarray | NamedPairs
    if path.name.lower().endswith(".parquet"):
        found = read_parquet_pairs(path)
    elif ending in _TEXT:
        layout = detect_format(path, delimiter=delimiter, header=header)
        where: dict[str, Any] = {"delimiter": layout.delimiter, "skip_lines": layout.skip_lines}
        try:
            found = read_integer_pairs(path, **where)
        except NotIntegerPairs:
            found = integers_or_names(path, read_name_pairs(path, **where))
    else:
        raise InputError(
            f"{path.name} is of an unknown format",
            expected=f"a name that ends in {', '.join(_TEXT)}, one of these with .gz, or .parquet",
        )
    pairs = found.pairs if isinstance(found, NamedPairs) else found
    if len(pairs) == 0:
        raise InputError(f"{path} holds no edges", expected="a line with two node ids for each")
    if num_nodes is not None:
        if isinstance(found, NamedPairs):
            raise InputError(
                f"{path} holds names such as {found.names[0]!r}",
                expected="integer ids when num_nodes is given",
            )
        edge_index = torch.from_numpy(np.ascontiguousarray(pairs.T))
        return from_pyg(Data(edge_index=edge_index, num_nodes=check_num_nodes(num_nodes)))
    node_ids: Any
    if isinstance(found, NamedPairs):
        node_ids = found.names
    else:
        pairs, node_ids = number_in_order(found)
    edge_index = torch.from_numpy(np.ascontiguousarray(pairs.T))
    return from_pyg(Data(edge_index=edge_index, num_nodes=len(node_ids), node_ids=node_ids))


def number_in_order(ids: np.ndarray) -> tuple[np.ndarray, torch.Tensor]:
    """Number integer ids in ascending order; return the numbers and the known ids.

    Shapes:
        - **ids**: any; **output**: the same, and ``[N]`` int64

    Example:
        >>> numbers, known = number_in_order(np.array([[7, 5], [5, 9]]))
        >>> numbers.tolist(), known.tolist()
        ([[1, 0], [0, 2]], [5, 7, 9])
    """
    high = int(ids.max())
    if high >= 4 * ids.size:
        known, numbered = np.unique(ids, return_inverse=True)
        return numbered.reshape(ids.shape), torch.from_numpy(known)
    # Sorting is not needed where the ids are dense enough to tick off.
    present = np.zeros(high + 1, dtype=bool)
    present[ids] = True
    known = np.flatnonzero(present)
    if len(known) <= high:
        ids = (np.cumsum(present) - 1)[ids]
    return ids, torch.from_numpy(known)


def integers_or_names(path: Path, found: NamedPairs) -> np.ndarray | NamedPairs:
    """Decide what the ids are once all are known: integers if all of them are, else names.

    Raises:
        InputError: If they are numbers that cannot be ids: negative, too large, or not whole.

    Example:
        >>> integers_or_names(Path("a.csv"), NamedPairs(np.array([[0, 1]]), ["07", "3"], [1, 1]))
        array([[7, 3]])
    """
    if all(re.fullmatch(r"[+-]?\d+", name) for name in found.names):
        values = [int(name) for name in found.names]
        low = min(values)
        if low < 0:
            line = found.lines[values.index(low)]
            raise InputError(f"{path}, line {line}, holds node id {low}", expected="ids >= 0")
        if max(values) >= 2**63:
            raise InputError(f"{path} holds node id {max(values)}", expected="ids below 2**63")
        numbered: np.ndarray = np.array(values, dtype=np.int64)[found.pairs]
        return numbered
    if all(_is_number(name) for name in found.names):
        name, line = next(
            (name, line)
            for name, line in zip(found.names, found.lines, strict=True)
            if not re.fullmatch(r"[+-]?\d+", name)
        )
        raise InputError(
            f"{path}, line {line}, holds node id {name}",
            expected="whole numbers or names",
            mend="write the ids without a decimal point",
        )
    return found


def _is_number(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True


def read_parquet_pairs(
    path: Path, columns: tuple[str, str] | None = None
) -> np.ndarray | NamedPairs:
    """Read two columns of node ids from a parquet file.

    Args:
        path: The file.
        columns: Their names; the first two if None.

    Raises:
        InputError: If the file, or what the columns hold, cannot be used.
        MissingExtraError: If pyarrow is not installed.
    """
    pyarrow = import_extra("pyarrow", "parquet", extra="parquet", purpose=f"reading {path.name}")
    try:
        columns_there = pyarrow.parquet.read_schema(path).names
        names = columns_there[:2] if columns is None else list(columns)
        table = pyarrow.parquet.read_table(path, columns=names)
    except (pyarrow.ArrowException, OSError) as error:
        raise InputError(f"{path} cannot be read ({error})", expected="a parquet file") from error
    if columns is None:
        check_columns(path, columns_there)
    if len(names) < 2:
        raise InputError(f"{path} has {len(names)} columns", expected="two or more")
    for name in names:
        if table[name].null_count:
            raise InputError(
                f"{path}: column {name!r} has {table[name].null_count} empty entries",
                expected="a node id in each row",
            )
    values = [table[name].to_numpy() for name in names]
    if all(column.dtype.kind in "iu" for column in values):
        ids: np.ndarray = np.stack([column.astype(np.int64) for column in values], axis=1)
        if ids.size and ids.min() < 0:
            row = int(np.flatnonzero((ids < 0).any(axis=1))[0])
            raise InputError(
                f"{path}, row {row}, holds node id {ids[row].min()}", expected="ids >= 0"
            )
        return ids
    if any(column.dtype.kind not in "OUT" for column in values):
        kinds = " and ".join(str(table[name].type) for name in names)
        raise InputError(
            f"{path}: columns {', '.join(names)} hold {kinds}", expected="integers or text in both"
        )
    numbers: dict[str, int] = {}
    rows = zip(*(column.tolist() for column in values), strict=True)
    flat = [numbers.setdefault(str(name), len(numbers)) for row in rows for name in row]
    return NamedPairs(np.array(flat, dtype=np.int64).reshape(-1, 2), list(numbers), [])
