"""What lies in ``raw/`` of OGB's datasets, as arrays: text files, or one ``data.npz``."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.data.array_file import load_arrays
from graphlearn.data.edge_list_integers import read_integer_pairs
from graphlearn.data.ogb_text import read_counts, read_table
from graphlearn.errors import DataNotFoundError, InputError


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
            graph, or it is a knowledge graph.

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
    nodes, edges = found["num_nodes_list"], found["num_edges_list"]
    if one_graph and len(nodes) != 1:
        raise InputError(f"{source} holds several graphs", expected="the arrays of one graph")
    if len(edges) != len(nodes):
        raise InputError(f"{source}: {len(edges)} numbers of edges", expected=f"{len(nodes)}")
    if min(nodes.min(initial=0), edges.min(initial=0)) < 0:
        raise InputError(f"{source}: a number of nodes or edges is negative", expected="0 or more")
    edge_index = found["edge_index"]
    if edge_index.ndim != 2 or edge_index.shape[0] != 2 or edge_index.dtype.kind not in "iu":
        raise InputError(
            f"{source}: edge_index is {edge_index.dtype} of shape {list(edge_index.shape)}",
            expected="integers of shape [2, E]",
        )
    _check_edges(found, source)
    for key, rows in (("node_feat", nodes.sum()), ("edge_feat", edges.sum())):
        table = found.get(key)
        if table is not None and (table.ndim != 2 or len(table) != rows):
            raise InputError(
                f"{source}: {key} has shape {list(table.shape)}", expected=f"{rows} rows"
            )
    kind = torch.int64 if categories else torch.float32
    features = {
        key: torch.from_numpy(found[key]).to(kind) for key in wanted if found.get(key) is not None
    }
    result = OgbRaw(
        torch.from_numpy(np.ascontiguousarray(edge_index)).long(),
        torch.from_numpy(nodes.astype(np.int64)),
        torch.from_numpy(edges.astype(np.int64)),
        **features,
    )
    _check_ids(result, source)
    return result


def _check_edges(found: dict[str, NDArray[Any]], source: Path) -> None:
    stored, wanted = found["edge_index"].shape[1], int(found["num_edges_list"].sum())
    if stored != wanted:
        raise InputError(f"{source} holds {stored} edges", expected=f"{wanted}")


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
    found["edge_index"] = read_integer_pairs(raw / "edge.csv.gz", delimiter=",").T
    _check_edges(found, raw / "edge.csv.gz")  # before features, which take long, are read
    kind = np.int64 if categories else np.float32
    rows = {"node_feat": int(nodes.sum()), "edge_feat": int(edges.sum())}
    for key, is_wanted in wanted.items():
        path = raw / f"{key.replace('_', '-')}.csv.gz"
        if is_wanted and path.is_file():
            found[key] = read_table(path, rows[key], kind)
    return found


def _read_npz(path: Path, wanted: dict[str, bool]) -> dict[str, NDArray[Any]]:
    needed = ("edge_index", "num_nodes_list", "num_edges_list")
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            optional = [key for key, is_wanted in wanted.items() if is_wanted]
            found = {key: content[key] for key in (*needed, *optional) if key in content}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise InputError(f"{path} cannot be read: {error}", expected="OGB's data.npz") from error
    missing = [key for key in needed if key not in found]
    if missing == ["num_edges_list"] and len(found["num_nodes_list"]) == 1:
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
        return stored, load_arrays(stored, [name])[name]
    if text.is_file():
        return text, read_table(text, rows, gaps=True)
    raise DataNotFoundError(f"no labels in {raw}", expected=f"{text.name} or {stored.name}")
