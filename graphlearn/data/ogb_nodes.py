"""OGB's graphs for the classes of their nodes: ogbn-arxiv, ogbn-products, ogbn-papers100M."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from graphlearn.data.array_file import check_array, load_arrays
from graphlearn.data.node_protocols import class_labels
from graphlearn.data.npz_stream import BLOCK_BYTES, open_npz_array
from graphlearn.data.ogb_index_split import read_ogb_index_split
from graphlearn.data.ogb_raw import read_labels, read_ogb_raw
from graphlearn.data.ogb_text import read_counts, table_blocks
from graphlearn.data.pyg import from_pyg
from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.validate import check_flag, check_size

_MASKS = {"train": "train_mask", "valid": "val_mask", "test": "test_mask"}


def read_ogb_nodes(
    folder: Path | str,
    name: str,
    *,
    undirected: bool = True,
    features: bool = True,
    classes: int | None = None,
) -> Data:
    """Read one graph with classes and OGB's split of its nodes.

    From "Open Graph Benchmark" (https://arxiv.org/abs/2005.00687): ``raw/`` as text
    (``edge.csv.gz``, ``node-feat.csv.gz``, ``node-label.csv.gz``) or as ``data.npz`` and
    ``node-label.npz``. A node whose class is NaN, as most of papers100M's, gets class -1.

    Args:
        folder: The dataset's folder (OGB calls it ``ogbn_arxiv``).
        name: The dataset's name, for error texts.
        undirected: Whether each edge goes both ways, once each; else edges are as stored.
        features: Whether to read the features; those that do not fit into memory come from
            :func:`ogb_feature_blocks` instead.
        classes: How many classes there are; any number if None.

    Shapes:
        - output: ``x [N, C]`` float32, ``edge_index [2, E]``, ``y [N]`` int64, and ``train_mask``,
          ``val_mask``, ``test_mask``, each ``[N]``

    Raises:
        DataNotFoundError: If a file is missing.
        InputError: If a file is truncated or malformed, counts and rows differ, or a class is none
            of ``classes``.
        UnsafeFileError: If a split file would run code.
        LeakError: If two parts share a node.

    Example:
        >>> read_ogb_nodes("no/such/folder", "ogbn-arxiv")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: ogbn-arxiv: no raw files in no/such/folder/raw: \
expected edge.csv.gz or data.npz
    """
    undirected = check_flag(undirected, name="undirected")
    classes = None if classes is None else check_size(classes, name="classes")
    folder = Path(folder)
    found = read_ogb_raw(
        folder / "raw", name, one_graph=True, node_features=features, edge_features=False
    )
    nodes = int(found.num_nodes[0])
    labels = _labels(folder / "raw", nodes, classes)
    data = Data(edge_index=found.edge_index, y=labels, num_nodes=nodes)
    if found.node_feat is not None:
        data.x = found.node_feat
    elif features:
        raise DataNotFoundError(
            f"{name}: no features in {folder / 'raw'}",
            expected="node-feat.csv.gz, or node_feat in data.npz",
        )
    for part, ids in read_ogb_index_split(folder, name, nodes).items():
        data[_MASKS[part]] = torch.zeros(nodes, dtype=torch.bool).index_fill_(0, ids, True)
    data = from_pyg(data)
    if undirected:
        data.edge_index = to_undirected(data.edge_index, num_nodes=nodes)
    return data


def ogb_feature_blocks(folder: Path | str, *, rows: int | None = None) -> Iterator[NDArray[Any]]:
    """Yield the features of an OGB graph's nodes a block at a time, for those beyond memory.

    :func:`graphlearn.store.write_rows` takes them as they come, so that they go from the download
    straight into a file of rows.

    Args:
        folder: The dataset's folder.
        rows: About how many rows a block has; some 64 MB of them if None.

    Shapes:
        - each block: ``[rows, C]`` float32

    Raises:
        DataNotFoundError: If there are no features.
        InputError: If a file is truncated or malformed, or there is not one row a node.

    Example:
        >>> import gzip, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     raw = Path(folder, "raw")
        ...     raw.mkdir()
        ...     for name, text in (("num-node-list", b"3"), ("node-feat", b"1,2\\n3,4\\n5,6\\n")):
        ...         _ = (raw / f"{name}.csv.gz").write_bytes(gzip.compress(text))
        ...     [block.tolist() for block in ogb_feature_blocks(folder)]
        [[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]]
    """
    raw = Path(folder) / "raw"
    rows = None if rows is None else check_size(rows, name="rows")
    if (raw / "data.npz").is_file():
        counts = load_arrays(raw / "data.npz", ["num_nodes_list"])["num_nodes_list"]
        check_array(raw / "data.npz", "num_nodes_list", counts, (1,), "iu")
        nodes = int(counts[0])
        with open_npz_array(raw / "data.npz", "node_feat") as array:
            if len(array.shape) != 2 or array.shape[0] != nodes or array.dtype.kind not in "iuf":
                raise InputError(
                    f"{raw / 'data.npz'}: node_feat is {array!r}",
                    expected=f"numbers, {nodes} rows",
                )
            for block in array.blocks(rows):
                yield block.astype(np.float32, copy=False)
        return
    nodes = int(read_counts(raw / "num-node-list.csv.gz").sum())
    seen = 0
    # Some eight characters a number: about as much text as a block has bytes, twice over.
    for block in table_blocks(raw / "node-feat.csv.gz", chunk_bytes=BLOCK_BYTES // 8):
        seen += len(block)
        yield from np.split(block, range(rows, len(block), rows)) if rows else [block]
    if seen != nodes:
        raise InputError(
            f"{raw / 'node-feat.csv.gz'} holds {seen} lines", expected=f"{nodes}, one a node"
        )


def _labels(raw: Path, nodes: int, classes: int | None) -> Tensor:
    path, stored = read_labels(raw, "node", nodes)
    if stored.shape not in ((nodes, 1), (nodes,)) or stored.dtype.kind not in "iuf":
        raise InputError(
            f"{path} holds {stored.dtype} of shape {list(stored.shape)}",
            expected=f"one class a node, [{nodes}, 1]",
        )
    if classes is not None:
        wrong = np.flatnonzero((stored < -1) | (stored >= classes))  # of NaN neither is true
        if wrong.size:
            node = int(wrong[0])
            raise InputError(
                f"{path} holds class {stored.reshape(-1)[node]:g} of node {node}",
                expected=f"classes in [0, {classes}), or NaN for none",
            )
    return class_labels(torch.from_numpy(stored))
