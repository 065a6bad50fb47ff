"""OGB's link datasets from their raw files, without the ``ogb`` package.

ogb 1.3.6 cannot load them on torch 2.6 and later. Read here: ``raw/`` (``.csv.gz`` or ``.npz``)
and ``split/<kind>/{train,valid,test}.pt``; never the pickled ``processed/``.
"""

from __future__ import annotations

import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data.edge_list_integers import read_integer_pairs
from graphlearn.data.ogb_split_file import read_split_file
from graphlearn.data.pyg import from_pyg
from graphlearn.data.text_chunks import line_chunks, open_bytes
from graphlearn.errors import DataNotFoundError, InputError

_PARTS = ("train", "valid", "test")
_PER_PAIR = ("edge", "edge_neg")


def read_ogb_link(folder: Path | str, name: str) -> Data:
    """Read the graph of one OGB link dataset: its training edges, in both directions.

    Edge weights and years are left out. Distinct years of one edge stay as repeated columns.

    Args:
        folder: The dataset's folder, with ``raw`` in it (OGB calls it ``ogbl_ddi``).
        name: The dataset's name, for error texts and to refuse the kinds that are no plain graph.

    Shapes:
        - output: ``edge_index [2, E]``, ``x [N, C]`` float32 where the dataset has node features

    Raises:
        DataNotFoundError: If a raw file is missing.
        InputError: If a file is truncated or malformed, or the dataset is a knowledge graph.

    Example:
        >>> read_ogb_link("no/such/folder", "ogbl-ddi")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: ogbl-ddi: no raw files in no/such/folder/raw: \
expected edge.csv.gz or data.npz
    """
    raw = Path(folder) / "raw"
    if (raw / "triplet-type-list.csv.gz").exists() or (raw / "edge_reltype.csv.gz").exists():
        raise InputError(f"{name} is a knowledge graph", expected="a graph with one kind of edge")
    if (raw / "data.npz").is_file():
        edges, num_nodes, x = _read_npz(raw / "data.npz")
    elif (raw / "edge.csv.gz").is_file():
        edges, num_nodes, x = _read_csv(raw)
    else:
        raise DataNotFoundError(
            f"{name}: no raw files in {raw}", expected="edge.csv.gz or data.npz"
        )
    data = Data(edge_index=torch.cat([edges, edges.flip(0)], dim=1), num_nodes=num_nodes)
    if x is not None:
        data.x = x
    return from_pyg(data)


def read_ogb_split(folder: Path | str, name: str) -> dict[str, dict[str, Tensor]]:
    """Read the official split of one OGB link dataset.

    Args:
        folder: The dataset's folder, with ``split/<kind>`` in it.
        name: The dataset's name, for error texts.

    Shapes:
        - output: part -> ``"edge"`` / ``"edge_neg"`` -> ``[2, *]`` int64; other entries (weights,
          years, citation2's node lists) as they are stored

    Raises:
        DataNotFoundError: If there is no split, or more than one.
        UnsafeFileError: If a split file would run code, or is not readable as arrays.
        InputError: If pairs are not of shape ``[*, 2]``.

    Example:
        >>> read_ogb_split("no/such/folder", "ogbl-ddi")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: ogbl-ddi: no/such/folder/split holds 0 folders with \
train.pt, valid.pt and test.pt: expected one
    """
    parent = Path(folder) / "split"
    kinds = [
        kind
        for kind in (sorted(parent.iterdir()) if parent.is_dir() else [])
        if all((kind / f"{part}.pt").is_file() for part in _PARTS)
    ]
    if len(kinds) != 1:
        raise DataNotFoundError(
            f"{name}: {parent} holds {len(kinds)} folders with train.pt, valid.pt and test.pt",
            expected="one",
        )
    split: dict[str, dict[str, Tensor]] = {}
    for part in _PARTS:
        path = kinds[0] / f"{part}.pt"
        split[part] = read_split_file(path)
        for key in set(_PER_PAIR) & set(split[part]):
            pairs = split[part][key]
            if pairs.dim() != 2 or pairs.size(1) != 2 or pairs.is_floating_point():
                raise InputError(
                    f"{path}: {key} is a {pairs.dtype} array of shape {list(pairs.shape)}",
                    expected="integers of shape [*, 2]",
                )
            split[part][key] = pairs.long().t().contiguous()
    return split


def _read_csv(raw: Path) -> tuple[Tensor, int, Tensor | None]:
    num_nodes = _read_count(raw / "num-node-list.csv.gz")
    num_edges = _read_count(raw / "num-edge-list.csv.gz")
    edges = read_integer_pairs(raw / "edge.csv.gz", delimiter=",")
    if len(edges) != num_edges:
        raise InputError(f"{raw / 'edge.csv.gz'} holds {len(edges)} edges", expected=f"{num_edges}")
    path = raw / "node-feat.csv.gz"
    x = _read_floats(path, num_nodes) if path.is_file() else None
    return torch.from_numpy(edges).t().contiguous(), num_nodes, x


def _read_count(path: Path) -> int:
    if not path.is_file():
        raise DataNotFoundError(f"no file {path}", expected="OGB's raw files")
    with open_bytes(path) as file:
        text = file.read(64).strip()
    if not text.isdigit():
        raise InputError(f"{path} holds {text!r}", expected="one number: one graph")
    return int(text)


def _read_floats(path: Path, rows: int) -> Tensor:
    try:
        with open_bytes(path) as file:
            pieces = [_floats(chunk) for chunk in line_chunks(file)]
        values = np.concatenate(pieces) if pieces else np.empty(0, np.float32)
        return torch.from_numpy(values.reshape(rows, -1))
    except ValueError as error:
        raise InputError(
            f"{path} cannot be read: {error}", expected=f"{rows} lines of as many numbers each"
        ) from None


def _floats(text: bytes) -> np.ndarray:
    # numpy's text parser is several times faster than its file readers; what it cannot read it
    # reports by a warning alone, which is made an error here.
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        try:
            return np.fromstring(text.strip().replace(b"\n", b","), dtype=np.float32, sep=",")
        except DeprecationWarning:
            raise ValueError("a value is not a number") from None


def _read_npz(path: Path) -> tuple[Tensor, int, Tensor | None]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as content:
            arrays: dict[str, Any] = {
                key: content[key]
                for key in ("edge_index", "num_nodes_list", "node_feat")
                if key in content
            }
    except (ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(f"{path} cannot be read: {error}", expected="OGB's data.npz") from error
    missing = [key for key in ("edge_index", "num_nodes_list") if key not in arrays]
    if missing or len(arrays["num_nodes_list"]) != 1:
        given = f"has no {missing[0]}" if missing else "holds several graphs"
        raise InputError(f"{path} {given}", expected="the arrays of one graph")
    x = arrays.get("node_feat")
    features = None if x is None else torch.from_numpy(np.asarray(x, dtype=np.float32))
    return torch.from_numpy(arrays["edge_index"]), int(arrays["num_nodes_list"][0]), features
