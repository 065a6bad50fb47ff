"""The reader for a user's own edge list: csv, tsv, txt, any of these as .gz, or parquet."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch_geometric.data import Data

from graphlearn.data.edge_list_arrays import typed_pairs
from graphlearn.data.edge_list_format import check_columns, detect_format, is_parquet
from graphlearn.data.edge_list_ids import integers_or_names
from graphlearn.data.edge_list_integers import NotIntegerPairs, read_integer_pairs
from graphlearn.data.edge_list_names import NamedPairs, read_name_pairs
from graphlearn.data.edge_list_parquet import open_parquet
from graphlearn.data.pyg import from_pyg
from graphlearn.data.text_chunks import check_file
from graphlearn.errors import InputError
from graphlearn.validate import check_num_nodes


def read_edge_list(
    path: Path | str,
    *,
    num_nodes: int | None = None,
    delimiter: str | None = None,
    header: bool | None = None,
) -> Data:
    """Read a graph from a file with an edge a line: two node ids, then anything.

    Only the first two fields (parquet: columns) are read; weights, times and other columns are
    left out. Lines that start with ``#`` or ``%`` before the first other line are comments; later
    ones are edges, because ids may be hashtags. Delimiter and header are found as
    :func:`graphlearn.data.edge_list_format.detect_format` says.

    Ids that are all integers are numbered in ascending order, so ids ``0 .. N-1`` stay as they
    are; otherwise they are names, numbered in order of appearance. Ids stay as they are written:
    one that starts with ``0`` or ``+``, such as a postal code, makes names of all, and so does a
    parquet column of text. ``data.node_ids`` holds the id of each node: an int64 tensor, or a list
    of names. Edges stay as the file has them, one column a line; a split reads them as undirected.

    Args:
        path: The file; its name must end in one of the formats above.
        num_nodes: Take integer ids, however they are written, as node numbers in
            ``[0, num_nodes)``, which keeps nodes without edges.
        delimiter: The character between fields, if it is known; ``" "`` for white space.
        header: Whether the first line is a header, if it is known.

    Shapes:
        - output: ``edge_index [2, L]``, no ``x``

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it holds no edges, a line has fewer than two ids, an id is negative or not
            whole or one number is written in two ways, or the file is truncated or of an unknown
            format.
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
    check_file(path, expected="an edge list")
    found: np.ndarray | NamedPairs
    if is_parquet(path):
        found = _parquet_pairs(path)
    else:
        layout = detect_format(path, delimiter=delimiter, header=header)
        where: dict[str, Any] = {"delimiter": layout.delimiter, "skip_lines": layout.skip_lines}
        any_form = num_nodes is not None
        try:
            found = read_integer_pairs(path, **where, keep_form=not any_form)
        except NotIntegerPairs:
            names = read_name_pairs(path, **where)
            found = integers_or_names(str(path), names, any_form=any_form)
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


def _parquet_pairs(path: Path) -> np.ndarray | NamedPairs:
    with open_parquet(path) as table:
        check_columns(path, table.names)
        if len(table.names) < 2:
            raise InputError(f"{path} has {len(table.names)} columns", expected="two or more")
        return typed_pairs(str(path), [table.column(name) for name in table.names[:2]])
