"""What lies in ``raw/`` of OGB's datasets, as arrays: text files, or one ``data.npz``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.data.array_file import UNREADABLE, check_array, load_arrays
from graphlearn.data.ogb_text import read_counts, read_edges, read_table
from graphlearn.data.pairs import MAX_NODES
from graphlearn.errors import DataNotFoundError, InputError

_UNREADABLE = (*UNREADABLE, MemoryError, RuntimeError)
"""With what a header of too large a shape, and a locked or oddly packed archive, make of it."""

_MOST_UNLINKED = 1000
"""Nodes for each end of an edge, where nothing but a number says that there are nodes."""


@dataclass(frozen=True, eq=False)
class OgbRaw:
    """The graphs of a dataset, one behind the other, as stored.

    Args:
        edge_index: The edges, numbered from 0 in each graph.
        num_nodes: How many nodes each graph has.
        num_edges: How many edges each graph has.
        node_feat: Features of nodes, or None.
        edge_feat: Features of edges, or None.

    Shapes:
        - **edge_index**: ``[2, E]`` int64; **num_nodes**, **num_edges**: ``[G]`` int64
        - **node_feat**: ``[N, C]``; **edge_feat**: ``[E, D]``; float32, or int64 categories

    Example:
        >>> OgbRaw(torch.tensor([[0], [1]]), torch.tensor([2]), torch.tensor([1])).node_feat
    """

    edge_index: Tensor
    num_nodes: Tensor
    num_edges: Tensor
    node_feat: Tensor | None = None
    edge_feat: Tensor | None = None


def read_ogb_raw(
    raw: Path | str,
    name: str,
    *,
    one_graph: bool = False,
    categories: bool = False,
    node_features: bool = True,
    edge_features: bool = True,
) -> OgbRaw:
    """Read the raw files of an OGB dataset of one or many graphs with one kind of edge.

    Args:
        raw: The folder ``raw``.
        name: The dataset's name, for error texts.
        one_graph: Whether there must be one graph alone.
        categories: Whether features are integer categories, as those of molecules.
        node_features: Whether to read the features of nodes, if there are any.
        edge_features: Whether to read those of edges.

    Shapes:
        - as :class:`OgbRaw` says

    Raises:
        DataNotFoundError: If a raw file is missing.
        InputError: If a file is truncated or malformed, counts and rows differ, an edge leaves its
            graph, a feature is NaN or infinite, or it is a knowledge graph.

    Example:
        >>> read_ogb_raw("no/such/folder", "ogbn-arxiv")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: ogbn-arxiv: no raw files in no/such/folder: expected \
edge.csv.gz or data.npz
    """
    raw = Path(raw)
    if (raw / "triplet-type-list.csv.gz").exists() or (raw / "edge_reltype.csv.gz").exists():
        raise InputError(f"{name} is a knowledge graph", expected="a graph with one kind of edge")
    wanted = {"node_feat": node_features, "edge_feat": edge_features}
    if (raw / "data.npz").is_file():
        found, source = _read_npz(raw / "data.npz", wanted), raw / "data.npz"
    elif (raw / "edge.csv.gz").is_file():
        found, source = _read_text(raw, wanted, categories, one_graph), raw / "edge.csv.gz"
    else:
        raise DataNotFoundError(
            f"{name}: no raw files in {raw}", expected="edge.csv.gz or data.npz"
        )
    _check_counts(found, source, one_graph)
    check_array(source, "edge_index", found["edge_index"], (2, None), "iu")
    _check_edges(found, source)
    totals = {key: sum(found[f"num_{key}s_list"].tolist()) for key in ("node", "edge")}
    features = {
        key: _features(found[key], totals[key.removesuffix("_feat")], source, key, categories)
        for key in wanted
        if found.get(key) is not None
    }
    most = _MOST_UNLINKED * (len(found["num_nodes_list"]) + 2 * totals["edge"])
    if node_features and "node_feat" not in features and totals["node"] > most:
        raise InputError(
            f"{source}: {totals['node']} nodes have no features and {totals['edge']} edges",
            expected=f"at most {most} nodes, {_MOST_UNLINKED} for each end of an edge",
        )
    result = OgbRaw(
        torch.from_numpy(np.ascontiguousarray(found["edge_index"], dtype=np.int64)),
        torch.from_numpy(found["num_nodes_list"].astype(np.int64)),
        torch.from_numpy(found["num_edges_list"].astype(np.int64)),
        **features,
    )
    _check_ids(result, source)
    return result


def _check_counts(found: dict[str, NDArray[Any]], source: Path, one_graph: bool) -> None:
    for key in ("num_nodes_list", "num_edges_list"):
        check_array(source, key, found[key], (None,), "iu")
    nodes, edges = found["num_nodes_list"], found["num_edges_list"]
    if one_graph and len(nodes) != 1:
        raise InputError(f"{source} holds several graphs", expected="the arrays of one graph")
    if len(edges) != len(nodes):
        raise InputError(f"{source}: {len(edges)} numbers of edges", expected=f"{len(nodes)}")
    if min(nodes.min(initial=0), edges.min(initial=0)) < 0:
        raise InputError(f"{source}: a number of nodes or edges is negative", expected="0 or more")
    if nodes.max(initial=0) > MAX_NODES:
        raise InputError(
            f"{source}: a graph has {int(nodes.max())} nodes", expected=f"at most {MAX_NODES}"
        )


def _check_edges(found: dict[str, NDArray[Any]], source: Path) -> None:
    # Python's integers: those of numpy would wrap around.
    stored, wanted = found["edge_index"].shape[1], sum(found["num_edges_list"].tolist())
    if stored != wanted:
        raise InputError(f"{source} holds {stored} edges", expected=f"{wanted}")


def _features(table: NDArray[Any], rows: int, source: Path, key: str, categories: bool) -> Tensor:
    """A table of one row each, as float32 or as int64 categories."""
    if source.name != "data.npz":
        source = source.with_name(f"{key.replace('_', '-')}.csv.gz")
    if table.ndim != 2 or len(table) != rows:
        raise InputError(
            f"{source}: {key} has shape {list(table.shape)}", expected=f"{rows} rows of features"
        )
    check_array(source, key, table, (rows, None), "biuf")
    if categories:
        # Beyond 2**53 a float is no whole number in particular; NaN is none at all.
        numbers = table.astype(np.float64) if table.dtype.kind == "f" else np.zeros(0)
        if not ((abs(numbers) <= 2**53) & (numbers == np.trunc(numbers))).all():
            raise InputError(f"{source}: {key} has what is no category", expected="whole numbers")
        return torch.from_numpy(table.astype(np.int64, copy=False))
    with np.errstate(over="ignore", invalid="ignore"):
        values = table.astype(np.float32, copy=False)
        whole = np.isfinite(values.sum(dtype=np.float64))
    # The sum costs no mask as large as the table, and is finite where all of it is.
    if not whole:
        row, column = (int(place) for place in np.argwhere(~np.isfinite(values))[0])
        raise InputError(
            f"{source}: {key} holds {values[row, column]} in row {row}, column {column}",
            expected="finite numbers, neither NaN nor infinite",
        )
    return torch.from_numpy(values)


def _check_ids(raw: OgbRaw, source: Path) -> None:
    size = raw.num_nodes
    if len(size) > 1:
        size = torch.repeat_interleave(size, raw.num_edges)
    outside = ((raw.edge_index < 0) | (raw.edge_index >= size)).any(dim=0)
    if bool(outside.any()):
        column = int(outside.nonzero()[0])
        low, high = sorted(raw.edge_index[:, column].tolist())
        limit = int(size[column if len(raw.num_nodes) > 1 else 0])
        raise InputError(
            f"{source}: edge {column} holds node id {low if low < 0 else high}",
            expected=f"ids in [0, {limit})",
        )


def _read_text(
    raw: Path, wanted: dict[str, bool], categories: bool, one_graph: bool
) -> dict[str, NDArray[Any]]:
    nodes = read_counts(raw / "num-node-list.csv.gz")
    edges = read_counts(raw / "num-edge-list.csv.gz")
    if one_graph and len(nodes) != 1:
        raise InputError(
            f"{raw / 'num-node-list.csv.gz'} holds {len(nodes)} numbers",
            expected="one number: one graph",
        )
    found: dict[str, NDArray[Any]] = {"num_nodes_list": nodes, "num_edges_list": edges}
    found["edge_index"] = read_edges(raw / "edge.csv.gz").T
    _check_edges(found, raw / "edge.csv.gz")  # before features, which take long, are read
    kind = np.int64 if categories else np.float32
    rows = {"node_feat": sum(nodes.tolist()), "edge_feat": sum(edges.tolist())}
    for key, is_wanted in wanted.items():
        path = raw / f"{key.replace('_', '-')}.csv.gz"
        if is_wanted and path.is_file():
            found[key] = read_table(path, rows[key], kind)
    return found


def _read_npz(path: Path, wanted: dict[str, bool]) -> dict[str, NDArray[Any]]:
    needed = ("edge_index", "num_nodes_list", "num_edges_list")
    try:
        with path.open("rb") as file:
            content = np.load(file, allow_pickle=False)
            if not isinstance(content, np.lib.npyio.NpzFile):
                raise ValueError("it holds one array")
            optional = [key for key, is_wanted in wanted.items() if is_wanted]
            found = {key: content[key] for key in (*needed, *optional) if key in content}
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read: {reason}", expected="OGB's data.npz") from error
    missing = [key for key in needed if key not in found]
    one = "num_nodes_list" not in missing and found["num_nodes_list"].shape == (1,)
    if missing == ["num_edges_list"] and one and found["edge_index"].ndim == 2:
        found["num_edges_list"] = np.array([found["edge_index"].shape[-1]])
    elif missing:
        raise InputError(f"{path} has no {missing[0]}", expected="the arrays of one graph")
    return found


def read_labels(raw: Path, kind: str, rows: int) -> tuple[Path, NDArray[Any]]:
    """Read what is to be predicted, from text with gaps or from ``.npz``, and say from which file.

    Args:
        raw: The folder ``raw``.
        kind: ``"graph"`` or ``"node"``.
        rows: How many lines a text has.

    Raises:
        DataNotFoundError: If there is neither.
        InputError: If the file is not what it should be.
    """
    stored, text = raw / f"{kind}-label.npz", raw / f"{kind}-label.csv.gz"
    if stored.is_file():
        name = f"{kind}_label"
        try:
            return stored, load_arrays(stored, [name])[name]
        except _UNREADABLE as error:
            if isinstance(error, InputError):
                raise
            reason = " ".join(str(error).split())
            raise InputError(f"{stored} cannot be read: {reason}", expected=name) from error
    if text.is_file():
        return text, read_table(text, rows, gaps=True)
    raise DataNotFoundError(f"no labels in {raw}", expected=f"{text.name} or {stored.name}")
