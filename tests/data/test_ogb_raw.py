"""OGB's raw folder: counts, rows and ids must fit, in text and in binary form."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.data.ogb_raw import OgbRaw, read_labels, read_ogb_raw
from graphlearn.errors import DataNotFoundError, InputError

TEXT = {
    "edge": "0,1\n1,2\n0,1\n",
    "num-node-list": "3\n2\n",
    "num-edge-list": "2\n1\n",
    "node-feat": "1,2\n" * 5,
    "edge-feat": "0.5\n" * 3,
}
ARRAYS = {
    "edge_index": np.array([[0, 1, 0], [1, 2, 1]]),
    "num_nodes_list": np.array([3, 2]),
    "num_edges_list": np.array([2, 1]),
    "node_feat": np.ones((5, 2), dtype=np.float32),
}


def write(folder: Path, **changes: str) -> Path:
    for name, text in (TEXT | changes).items():
        (folder / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder


def test_text_and_arrays_give_the_same(tmp_path) -> None:
    found = read_ogb_raw(write(tmp_path), "ogbg-tiny")
    assert isinstance(found, OgbRaw)
    assert found.edge_index.tolist() == [[0, 1, 0], [1, 2, 1]]
    assert (found.num_nodes.tolist(), found.num_edges.tolist()) == ([3, 2], [2, 1])
    assert found.node_feat.dtype == torch.float32
    assert found.edge_feat.tolist() == [[0.5]] * 3
    left = read_ogb_raw(tmp_path, "ogbg-tiny", node_features=False, edge_features=False)
    assert left.node_feat is None
    assert left.edge_feat is None
    np.savez(tmp_path / "data.npz", **ARRAYS)
    binary = read_ogb_raw(tmp_path, "ogbg-tiny", categories=True)
    assert torch.equal(binary.edge_index, found.edge_index)
    assert binary.node_feat.dtype == torch.int64


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num-edge-list": "2\n2\n"}, r"edge\.csv\.gz holds 3 edges: expected 4"),
        ({"num-edge-list": "3\n"}, "1 numbers of edges: expected 2"),
        ({"num-node-list": "3\n1\n"}, "node-feat"),
        ({"num-node-list": "2\n3\n"}, r"edge 1 holds node id 2: expected ids in \[0, 2\)"),
        ({"node-feat": "1,2\n" * 4}, "holds 4 lines: expected 5 lines"),
        ({"edge-feat": "1\n" * 4}, "holds more than 3 lines: expected 3 lines"),
    ],
)
def test_counts_that_do_not_fit_are_refused(tmp_path, changes, said) -> None:
    with pytest.raises(InputError, match=said):
        read_ogb_raw(write(tmp_path, **changes), "ogbg-tiny")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"num_edges_list": np.array([2, 2])}, "holds 3 edges: expected 4"),
        ({"num_nodes_list": np.array([3, -2])}, "is negative"),
        ({"edge_index": np.zeros((3, 2), int)}, r"edge_index is int64 of shape \[3, 2\]"),
        ({"edge_index": np.zeros((2, 3))}, "edge_index is float64"),
        ({"edge_index": np.array([[0, -1, 0], [1, 2, 1]])}, "edge 1 holds node id -1"),
        ({"node_feat": np.ones((4, 2))}, r"node_feat has shape \[4, 2\]: expected 5 rows"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, changes, said) -> None:
    np.savez(tmp_path / "data.npz", **(ARRAYS | changes))
    with pytest.raises(InputError, match=said):
        read_ogb_raw(tmp_path, "ogbg-tiny")


def test_one_graph_must_be_one(tmp_path) -> None:
    with pytest.raises(InputError, match="holds 2 numbers: expected one number: one graph"):
        read_ogb_raw(write(tmp_path), "ogbn-tiny", one_graph=True)
    np.savez(tmp_path / "data.npz", **ARRAYS)
    with pytest.raises(InputError, match="holds several graphs"):
        read_ogb_raw(tmp_path, "ogbn-tiny", one_graph=True)


def test_labels_are_of_either_form_or_missing(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="no labels in .*node-label.csv.gz or"):
        read_labels(tmp_path, "node", 2)
    (tmp_path / "node-label.csv.gz").write_bytes(gzip.compress(b"1\n0\n"))
    path, stored = read_labels(tmp_path, "node", 2)
    assert (path.name, stored.tolist()) == ("node-label.csv.gz", [[1.0], [0.0]])
    np.savez(tmp_path / "node-label.npz", node_label=np.array([[2], [3]]))
    path, stored = read_labels(tmp_path, "node", 2)
    assert (path.name, stored.tolist()) == ("node-label.npz", [[2], [3]])
