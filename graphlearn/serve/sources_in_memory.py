"""Graphs that are in memory: a PyG ``Data``, a networkx graph, a pandas frame, plain pairs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data import from_pyg
from graphlearn.data.edge_columns import EdgeColumns
from graphlearn.data.edge_list import number_in_order
from graphlearn.data.edge_list_ids import TEXT_IDS
from graphlearn.data.edge_list_times import times_of_values
from graphlearn.errors import InputError, InputTypeError
from graphlearn.registry import unknown_name
from graphlearn.serve.sources_frame import frame_edges, is_frame


@dataclass(frozen=True, eq=False)
class GivenGraph:
    """A graph as it was given, and what the rows of a tensor of features would mean.

    Args:
        columns: Its edges.
        x: Features that it has itself, a row for each node in the order of ``columns.ids``.
        rows: Whether a row of another tensor belongs to the node at that place, to the node with
            that id, or to no node that anybody could name.

    Example:
        >>> GivenGraph(EdgeColumns(np.array([[0, 1]]), ["ann", "bob"])).rows
        'id'
    """

    columns: EdgeColumns
    x: Tensor | None = None
    rows: Literal["place", "id", "none"] = "id"


def graph_in_memory(
    edges: Any,
    *,
    time: Any = None,
    source: str | None = None,
    target: str | None = None,
    text_ids: bool = False,
) -> GivenGraph:
    """Read whatever holds a graph in memory.

    Args:
        edges: A ``Data``, a networkx graph, a ``DataFrame``, or pairs of ids.
        time: The times, one for each edge; or the name of a ``Data``'s attribute, of a networkx
            edge's attribute, or of a frame's column that holds them.
        source: A frame's column of the first end.
        target: A frame's column of the second end.
        text_ids: Take ids as text, whatever they are.

    Raises:
        InputTypeError: If it is of a type that holds no graph.
        GraphLearnError: If what it holds cannot be used.

    Example:
        >>> data = Data(edge_index=torch.tensor([[0], [1]]), node_ids=["ann", "bob"])
        >>> graph_in_memory(data).columns.ids
        ['ann', 'bob']
    """
    networkx = sys.modules.get("networkx")  # whoever holds such a graph has imported it
    if networkx is not None and isinstance(edges, networkx.Graph):
        return _networkx(edges, time, text_ids)
    if isinstance(edges, Data):
        return _data(edges, time, text_ids)
    if is_frame(edges):
        by_name = time if isinstance(time, str) else None
        columns = frame_edges(edges, source=source, target=target, time=by_name, text_ids=text_ids)
        if by_name is None:
            times = given_times(time, len(edges))
            columns = EdgeColumns(columns.pairs, columns.ids, times)
        return GivenGraph(columns)
    pairs, ids = _plain_pairs(edges, text_ids)
    return GivenGraph(EdgeColumns(pairs, ids, given_times(time, len(pairs))))


def given_times(time: Any, count: int) -> np.ndarray | None:
    """Times that were given as values: numbers, dates, or texts of these.

    Shapes:
        - output: ``[count]`` float64, or None if None was given

    Raises:
        InputTypeError: If they are no sequence.
        InputError: If they are not so many, or one is none.

    Example:
        >>> given_times(["1970-01-02", "1970-01-03"], 2).tolist()
        [86400.0, 172800.0]
    """
    if time is None:
        return None
    try:
        values = np.asarray(time.detach().cpu() if isinstance(time, Tensor) else time)
    except (TypeError, ValueError):  # rows of several lengths
        values = np.empty(())
    if values.ndim == 0:
        raise InputTypeError(
            f"time is a {type(time).__name__}", expected="numbers or dates, one for each edge"
        )
    if values.shape != (count,):
        raise InputError(f"time has shape {list(values.shape)}", expected=f"[{count}], as edges")
    return times_of_values(values, "time, row {}".format)


def _networkx(graph: Any, time: Any, text_ids: bool) -> GivenGraph:
    nodes = list(graph.nodes)
    if graph.number_of_edges() == 0:
        raise InputError(f"edges is a graph of {len(nodes)} nodes without edges", expected="edges")
    number = {node: place for place, node in enumerate(nodes)}
    pairs = np.array([(number[first], number[second]) for first, second in graph.edges()])
    if isinstance(time, str):
        time = _edge_attribute(graph, time)
    ids = _ids_as_given(nodes, text_ids)
    in_order = isinstance(ids, Tensor) and torch.equal(ids, torch.arange(len(nodes)))
    columns = EdgeColumns(pairs.astype(np.int64), ids, given_times(time, len(pairs)))
    return GivenGraph(columns, rows="id" if in_order else "none")


def _edge_attribute(graph: Any, name: str) -> list[Any]:
    values, names = [], dict[str, None]()
    lacking = None
    for first, second, attributes in graph.edges(data=True):
        names.update(dict.fromkeys(str(key) for key in attributes))
        if name in attributes:
            values.append(attributes[name])
        elif lacking is None:
            lacking = (first, second)
    if not values:
        raise unknown_name("attribute", name, names, where="the edges")
    if lacking is not None:
        raise InputError(
            f"edge {lacking!r} has no attribute {name!r}", expected="one at every edge"
        )
    return values


def _data(given: Data, time: Any, text_ids: bool) -> GivenGraph:
    data = from_pyg(given)
    pairs = data.edge_index.t().contiguous().cpu().numpy()
    if isinstance(time, str):
        values = data.get(time)
        if values is None:
            raise unknown_name(
                "attribute",
                time,
                set(data.keys()) - {"edge_index"},
                where="edges",
            )
        time = values
    named, nodes = data.get("node_ids"), int(data.num_nodes)
    ids: Tensor | list[str]
    if named is None:
        ids = torch.arange(nodes)
        if text_ids:
            ids = [str(number) for number in range(nodes)]
    else:
        if isinstance(named, (Tensor, np.ndarray)):
            named = named.tolist()
        if not isinstance(named, Sequence) or isinstance(named, str) or len(named) != nodes:
            raise InputError(
                "node_ids is not a list of ids", expected=f"{nodes}, one for each node"
            )
        ids = _ids_as_given(named, text_ids)
    by_place = data.get("node_ids") is not None or text_ids or "num_nodes" in given._store
    columns = EdgeColumns(pairs, ids, given_times(time, len(pairs)))
    return GivenGraph(columns, data.get("x"), "place" if by_place else "id")


def _ids_as_given(nodes: Sequence[Any], text_ids: bool) -> Tensor | list[str]:
    """Integers if all nodes are, else the text of each, if they differ as text."""
    if not text_ids and all(_is_integer(node) for node in nodes):
        if any(not -(2**63) <= node < 2**63 for node in nodes):
            raise InputError("edges has ids of 2**63 or more", expected="less", mend=TEXT_IDS)
        ids = torch.tensor([int(node) for node in nodes])
        if len(set(nodes)) < len(nodes):
            raise InputError("node_ids holds an id more than once", expected="ids that differ")
        return ids
    known: dict[str, Any] = {}
    for node in nodes:
        text = str(node)
        if text in known:
            raise InputError(
                f"edges has the nodes {known[text]!r} and {node!r}, which as text are one id",
                expected="ids that differ as text",
                mend="give the nodes other names",
            )
        known[text] = node
    return list(known)


def _plain_pairs(edges: Any, text_ids: bool) -> tuple[np.ndarray, Tensor | list[str]]:
    if isinstance(edges, Tensor):
        edges = edges.detach().cpu().numpy()
        edges = edges.T if edges.ndim == 2 and edges.shape[0] == 2 else edges
    try:
        given = edges if isinstance(edges, np.ndarray) else np.array(list(edges), dtype=object)
    except (TypeError, ValueError):
        given = np.empty(0)
    if given.ndim != 2 or given.shape[1] != 2 or len(given) == 0:
        raise InputTypeError(
            f"edges is a {type(edges).__name__} that holds no pairs",
            expected="a file, a torch_geometric.data.Data, a networkx graph, a pandas DataFrame, "
            "or pairs of ids",
        )
    if given.dtype.kind in "iu" and not text_ids:
        return number_in_order(_in_range(given).astype(np.int64))
    flat = given.ravel().tolist()
    kinds = {
        str if isinstance(value, str) else int if _is_integer(value) else None for value in flat
    }
    if kinds == {int} and not text_ids:
        values = np.array([int(value) for value in flat], dtype=object).reshape(-1, 2)
        return number_in_order(_in_range(values).astype(np.int64))
    if None in kinds or (len(kinds) > 1 and not text_ids):
        raise InputTypeError(
            "edges mixes ids of several types, or of others than integers and text",
            expected="integers, or text",
            mend="" if None in kinds else "pass text_ids=True to take all as text",
        )
    numbers: dict[str, int] = {}
    places = [numbers.setdefault(str(name), len(numbers)) for name in flat]
    return np.array(places, dtype=np.int64).reshape(-1, 2), list(numbers)


def _is_integer(value: Any) -> bool:
    return not isinstance(value, bool) and hasattr(value, "__index__")


def _in_range(ids: np.ndarray) -> np.ndarray:
    low, high = int(ids.min()), int(ids.max())
    if low < 0:
        raise InputError(f"edges holds node id {low}", expected="ids >= 0", mend=TEXT_IDS)
    if high >= 2**63:
        raise InputError(f"edges holds node id {high}", expected="ids below 2**63", mend=TEXT_IDS)
    return ids
