"""What a fit may be given: a file, a PyG ``Data``, a networkx graph, a frame, or plain pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.data.edge_columns import read_edge_columns
from graphlearn.data.node_table import NodeTable, read_node_table
from graphlearn.errors import InputError, InputTypeError
from graphlearn.serve.own_links import OwnLinks, own_links
from graphlearn.serve.sources_frame import frame_table, is_frame
from graphlearn.serve.sources_in_memory import GivenGraph, graph_in_memory
from graphlearn.validate import check_features


def read_own_links(
    edges: Any,
    *,
    features: Any = None,
    time: str | Sequence[Any] | Tensor | None = None,
    source_column: str | None = None,
    target_column: str | None = None,
    id_column: str | None = None,
    text_ids: bool = False,
) -> OwnLinks:
    """Read a graph from whatever holds it; the arguments are those of :func:`graphlearn.fit`.

    Args:
        edges: A file, a PyG ``Data``, a networkx graph, a pandas ``DataFrame``, or pairs of ids.
        features: A file or a ``DataFrame`` with a table of node features keyed by id (a frame's
            index, if ``id_column`` names no column), or numbers ``[N, C]``: a row for each node of
            a ``Data``, else for each integer id from 0. A ``Data`` that has ``x`` takes no others.
        time: The times, one for each edge; or what holds them by name: the column of a file or
            frame, the attribute of a ``Data``, the attribute of each edge of a networkx graph.
        source_column: The column of the first end, in a file or frame.
        target_column: The column of the second end.
        id_column: The column of ids in the table of features.
        text_ids: Take ids as text, whatever they look like.

    Raises:
        InputTypeError: If ``edges``, ``features`` or ``time`` is of a type that holds none.
        GraphLearnError: If what it holds cannot be used, or an argument would have no effect.

    Example:
        >>> read_own_links([("ann", "bob"), ("bob", "cem")])
        OwnLinks(nodes=3, links=2)
    """
    is_file = isinstance(edges, (str, Path))
    for name, column in (("source_column", source_column), ("target_column", target_column)):
        if column is not None and not is_file and not is_frame(edges):
            raise InputError(
                f"{name} is {column!r} and edges is a {type(edges).__name__}, without columns",
                expected=f"a file or a DataFrame, or no {name}",
            )
    if id_column is not None and not isinstance(features, (str, Path)) and not is_frame(features):
        raise InputError(
            f"--id-column (id_column) is {id_column!r} without a table of features",
            expected="--features (features) with it",
        )
    if is_file:
        if time is not None and not isinstance(time, str):
            raise InputTypeError(
                f"time is a {type(time).__name__}", expected="the name of a column of the file"
            )
        graph = GivenGraph(
            read_edge_columns(
                edges, source=source_column, target=target_column, time=time, text_ids=text_ids
            )
        )
    else:
        graph = graph_in_memory(
            edges, time=time, source=source_column, target=target_column, text_ids=text_ids
        )
    return own_links(graph.columns, _table(graph, features, id_column))


def feature_rows(features: Any) -> Tensor:
    """Features that were given as numbers, as float32.

    Args:
        features: A tensor, an array, or lists of numbers; integers are fine.

    Shapes:
        - output: ``[N, C]``

    Raises:
        InputTypeError: If they are no numbers.
        InputError: If they have another shape, or one is not finite as float32.

    Example:
        >>> feature_rows([[1, 2], [3, 4]]).tolist()
        [[1.0, 2.0], [3.0, 4.0]]
    """
    if isinstance(features, Tensor):
        rows = features.detach().cpu()
        rows = rows.to_dense() if rows.layout != torch.strided else rows
        array = rows.float().numpy() if rows.dtype == torch.bfloat16 else rows.numpy()
    else:
        try:
            array = np.array(features, order="C")
        except (TypeError, ValueError):  # rows of several lengths
            array = np.empty(0, dtype=object)
    if array.dtype.kind not in "fiub":
        raise InputTypeError(
            f"features is a {type(features).__name__} that holds no numbers [N, C]",
            expected="a file, a pandas DataFrame, or numbers [N, C]",
        )
    if array.dtype == np.float32:
        narrow, wrong = array, np.zeros(0, dtype=bool)
    else:
        with np.errstate(over="ignore"):
            narrow = array.astype(np.float32)
        wrong = np.isfinite(array) & ~np.isfinite(narrow)
    if wrong.any():
        place = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InputError(
            f"features holds {array[place]} at {list(place)}",
            expected="numbers that float32 can hold, below 3.4e38",
        )
    return check_features(torch.from_numpy(narrow), name="features")


def _table(graph: GivenGraph, features: Any, id_column: str | None) -> NodeTable | None:
    ids = graph.columns.ids
    if graph.x is not None:
        if features is not None:
            raise InputError(
                "features is given and edges has x itself",
                expected="one of both",
                mend="leave features out, or x out of the Data",
            )
        return NodeTable(ids, feature_rows(graph.x), [])
    if features is None:
        return None
    text_ids = not isinstance(ids, Tensor)
    if isinstance(features, (str, Path)):
        return read_node_table(features, id_column=id_column, text_ids=text_ids)
    if is_frame(features):
        return frame_table(features, id_column=id_column, text_ids=text_ids)
    rows = feature_rows(features)
    count = rows.size(0)
    if graph.rows == "place":
        if count != len(ids):
            raise InputError(
                f"features has {count} rows", expected=f"{len(ids)}, one for each node"
            )
        return NodeTable(ids, rows, [])
    if not isinstance(ids, Tensor) or graph.rows == "none":
        raise InputTypeError(
            "features has no ids and the nodes are not the integers from 0 in this order"
            if graph.rows == "none"
            else "features has no ids and the nodes have names",
            expected="a table keyed by id: a file, or a DataFrame with the ids as its index",
        )
    if int(ids.max()) >= count:
        raise InputError(
            f"features has {count} rows",
            expected=f"one for each node: there is node {int(ids.max())}",
        )
    return NodeTable(torch.arange(count), rows, [])
