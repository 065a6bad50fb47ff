"""OGB's raw folder: counts, rows and ids must fit, in text and in binary form."""

from __future__ import annotations

import gzip
import zipfile
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
        ({"num-node-list": "999999999999999999\n2\n"}, "expected 1000000000000000001 lines of 2"),
        ({"num-edge-list": "999999999999999999\n" * 2}, "expected 1999999999999999998"),
        ({"edge": "#a\n0,1\n1,2\n0,1\n"}, "line 1, is '#a': expected two node numbers"),
        ({"edge": "0,1,1\n1,2\n0,1\n"}, "line 1, is '0,1,1'"),
        ({"edge-feat": "0.5\nnan\n1\n"}, r"edge-feat\.csv\.gz: edge_feat holds nan in row 1, c"),
        ({"edge-feat": "0.5\n1\n-inf\n"}, "edge_feat holds -inf in row 2, column 0: expected fin"),
        ({"node-feat": "1,2\n" * 4 + "1,1e39\n"}, "node_feat holds inf in row 4, column 1"),
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
        ({"node_feat": np.full((5, 2), "a")}, "node_feat is <U1 of shape"),
        ({"node_feat": np.full((5, 2), np.nan)}, r"data\.npz: node_feat holds nan in row 0"),
        ({"node_feat": np.full((5, 2), 1e39)}, "node_feat holds inf in row 0"),
        (
            {"num_nodes_list": np.array(5)},
            r"num_nodes_list is int64 of shape \[\]: expected integers",
        ),
        ({"num_nodes_list": np.array([[3, 2]])}, r"num_nodes_list is int64 of shape \[1, 2\]"),
        ({"num_nodes_list": np.array(["3", "2"])}, "num_nodes_list is <U1"),
        ({"num_nodes_list": np.array([3.0, 2.0])}, "num_nodes_list is float64"),
        ({"num_edges_list": np.array([2.0, 1.0])}, "num_edges_list is float64"),
        ({"num_edges_list": np.array(3)}, "num_edges_list is int64 of shape"),
        (
            {"num_nodes_list": np.array([2**63, 2], dtype=np.uint64)},
            "a graph has 9223372036854775808",
        ),
        (
            {"num_edges_list": np.array([2**63 - 2, -(2**63) + 1])},
            "a number of nodes or edges is neg",
        ),
        (
            {"num_edges_list": np.array([2**63, 2**63 + 3], dtype=np.uint64)},
            "holds 3 edges: expected",
        ),
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


def test_nodes_without_features_are_not_without_number(tmp_path) -> None:
    arrays = {key: value for key, value in ARRAYS.items() if key != "node_feat"}
    arrays["num_nodes_list"] = np.array([7000, 2])
    np.savez(tmp_path / "data.npz", **arrays)
    assert read_ogb_raw(tmp_path, "ogbg-tiny").num_nodes.tolist() == [7000, 2]
    arrays["num_nodes_list"] = np.array([8000, 2])
    np.savez(tmp_path / "data.npz", **arrays)
    with pytest.raises(InputError, match="8002 nodes have no features and 3 edges: expected at mo"):
        read_ogb_raw(tmp_path, "ogbg-tiny")


def test_categories_must_be_whole(tmp_path) -> None:
    for wrong in (0.5, np.nan, np.inf, 1e300):
        np.savez(tmp_path / "data.npz", **(ARRAYS | {"node_feat": np.full((5, 2), wrong)}))
        with pytest.raises(InputError, match="node_feat has what is no category: expected whole"):
            read_ogb_raw(tmp_path, "ogbg-tiny", categories=True)


def test_other_files_than_archives_of_arrays_are_refused(tmp_path) -> None:
    with (tmp_path / "data.npz").open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(InputError, match="cannot be read: it holds one array"):
        read_ogb_raw(tmp_path, "ogbg-tiny")
    np.savez(tmp_path / "data.npz", edge_index=np.array(3), num_nodes_list=np.array([3]))
    with pytest.raises(InputError, match="has no num_edges_list"):
        read_ogb_raw(tmp_path, "ogbg-tiny")


@pytest.mark.parametrize("name", ["data.npz", "node-label.npz"])
def test_a_header_of_too_large_a_shape_is_refused(tmp_path, name) -> None:
    header = b"{'descr': '<i8', 'fortran_order': False, 'shape': (99999999999999,), }\n"
    content = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(tmp_path / name, "w") as archive:
        archive.writestr("edge_index.npy", content)
        archive.writestr("node_label.npy", content)
    with pytest.raises(InputError, match="cannot be read") as caught:
        _ = read_ogb_raw(tmp_path, "x") if name == "data.npz" else read_labels(tmp_path, "node", 2)
    assert "\n" not in str(caught.value)
