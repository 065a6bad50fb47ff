"""What a fit may be given: a file, a PyG ``Data``, a networkx graph, or plain pairs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data import from_networkx, from_pyg
from graphlearn.data.edge_columns import EdgeColumns, read_edge_columns
from graphlearn.data.edge_list import number_in_order
from graphlearn.data.node_table import NodeTable, read_node_table
from graphlearn.errors import InputError, InputTypeError
from graphlearn.serve.own_links import OwnLinks, own_links
from graphlearn.validate import check_features


def read_own_links(
    edges: Any,
    *,
    features: Path | str | Tensor | None = None,
    time: str | Sequence[float] | Tensor | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    id_column: str | None = None,
    text_ids: bool = False,
) -> OwnLinks:
    """Read a graph from whatever holds it; the arguments are those of :func:`graphlearn.fit`.

    Raises:
        InputTypeError: If ``edges``, ``features`` or ``time`` is of a type that holds none.
        GraphLearnError: If what it holds cannot be used.

    Example:
        >>> read_own_links([("ann", "bob"), ("bob", "cem")])
        OwnLinks(nodes=3, links=2)
    """
    rows: Any = None
    if isinstance(edges, (str, Path)):
        if time is not None and not isinstance(time, str):
            raise InputTypeError(
                f"time is a {type(time).__name__}", expected="the name of a column of the file"
            )
        columns = read_edge_columns(
            edges, source=source_column, target=target_column, time=time, text_ids=text_ids
        )
    else:
        columns, rows = _in_memory(edges, time)
    table: NodeTable | None = None
    if isinstance(features, (str, Path)):
        table = read_node_table(
            features, id_column=id_column, text_ids=not isinstance(columns.ids, Tensor)
        )
    elif features is not None:
        rows = torch.as_tensor(features)
    if rows is not None:
        ids = columns.ids
        if not isinstance(ids, Tensor):
            raise InputTypeError(
                "features has no ids and the nodes have names", expected="a table keyed by id"
            )
        rows = check_features(rows.to_dense() if rows.layout != torch.strided else rows)
        count = rows.size(0)
        if int(ids.max()) >= count:
            raise InputError(
                f"features has {count} rows",
                expected=f"one for each node: there is node {int(ids.max())}",
            )
        table = NodeTable(torch.arange(count), rows.float(), [])
    return own_links(columns, table)


def _in_memory(edges: Any, time: Any) -> tuple[EdgeColumns, Tensor | None]:
    networkx = sys.modules.get("networkx")  # whoever holds such a graph has imported it
    if networkx is not None and isinstance(edges, networkx.Graph):
        data = from_networkx(edges)
    elif isinstance(edges, Data):
        data = from_pyg(edges)
        if isinstance(time, str):
            time = data.get(time)
    else:
        pairs, ids = _plain_pairs(edges)
        return EdgeColumns(pairs, ids, _times(time, len(pairs))), None
    ids = data.get("node_ids")
    if not isinstance(ids, (list, Tensor)):
        ids = torch.arange(int(data.num_nodes))
    elif isinstance(ids, list):
        ids = [str(name) for name in ids]
    pairs = data.edge_index.t().contiguous().numpy()
    return EdgeColumns(pairs, ids, _times(time, len(pairs))), data.get("x")


def _plain_pairs(edges: Any) -> tuple[np.ndarray, Tensor | list[str]]:
    if isinstance(edges, Tensor):
        edges = (
            edges.t().cpu().numpy() if edges.dim() == 2 and edges.size(0) == 2 else edges.numpy()
        )
    try:
        given = edges if isinstance(edges, np.ndarray) else np.array(list(edges), dtype=object)
    except (TypeError, ValueError):
        given = np.empty(0)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) == 0:
        raise InputTypeError(
            f"edges is a {type(edges).__name__} that holds no pairs",
            expected="a file, a torch_geometric.data.Data, a networkx graph, or pairs of ids",
        )
    if given.dtype.kind in "iu":
        return number_in_order(_not_negative(given.astype(np.int64)))
    flat = given.ravel().tolist()
    kinds = {
        str if isinstance(value, str) else int if _is_integer(value) else None for value in flat
    }
    if kinds == {int}:
        return number_in_order(_not_negative(np.array(flat, dtype=np.int64).reshape(-1, 2)))
    if kinds != {str}:
        raise InputTypeError(
            "edges mixes ids of several types, or of others than integers and text",
            expected="integers, or text",
        )
    numbers: dict[str, int] = {}
    places = [numbers.setdefault(name, len(numbers)) for name in flat]
    return np.array(places, dtype=np.int64).reshape(-1, 2), list(numbers)


def _is_integer(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__index__")


def _not_negative(ids: np.ndarray) -> np.ndarray:
    if int(ids.min()) < 0:
        raise InputError(f"edges holds node id {int(ids.min())}", expected="ids >= 0")
    return ids


def _times(time: Any, count: int) -> np.ndarray | None:
    if time is None:
        return None
    try:
        values = np.asarray(time, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputTypeError(
            f"time is a {type(time).__name__}", expected="numbers, one for each edge"
        ) from None
    if values.shape != (count,):
        raise InputError(f"time has shape {list(values.shape)}", expected=f"[{count}], as edges")
    if not np.isfinite(values).all() or values.min() < 0:
        raise InputError("time holds a value that is missing or negative", expected="numbers >= 0")
    return values
