"""MATLAB files with an adjacency matrix."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io
import scipy.sparse

from graphlearn.data import load_card, read_seal_mat
from graphlearn.data.pairs import unique_pairs
from graphlearn.errors import DataNotFoundError, InputError


def save(path, **content) -> None:
    scipy.io.savemat(path, content)


@pytest.mark.parametrize("name", ["usair", "ns", "celegans", "router", "ecoli", "facebook"])
def test_real_data(data_root, name) -> None:
    card = load_card(name)
    data = read_seal_mat(data_root / next(iter(card.files)))
    assert data.num_nodes == card.num_nodes
    assert data.is_undirected()
    assert unique_pairs(data.edge_index, data.num_nodes).size(1) == card.num_edges


def test_sparse_and_dense_matrices_give_the_same_edges(tmp_path) -> None:
    net = np.array([[0, 1, 0], [1, 0, 2.5], [0, 2.5, 0]])
    save(tmp_path / "dense.mat", net=net)
    save(tmp_path / "sparse.mat", net=scipy.sparse.csc_matrix(net))
    for name in ("dense.mat", "sparse.mat"):
        edges = read_seal_mat(tmp_path / name).edge_index.t().tolist()
        assert sorted(edges) == [[0, 1], [1, 0], [1, 2], [2, 1]]


def test_another_variable_can_be_named(tmp_path) -> None:
    save(tmp_path / "a.mat", graph=np.ones((2, 2)))
    assert read_seal_mat(tmp_path / "a.mat", variable="graph").num_edges == 4
    with pytest.raises(InputError, match="holds no variable 'net'"):
        read_seal_mat(tmp_path / "a.mat")


@pytest.mark.parametrize(
    ("net", "text"),
    [
        (np.ones((2, 3)), r"shape \[2, 3\]: expected a square"),
        (np.array(["a", "b"]), "expected a square adjacency"),
        (np.zeros((3, 3)), "edge_index is empty"),
    ],
)
def test_what_is_no_graph_is_refused(tmp_path, net, text) -> None:
    save(tmp_path / "a.mat", net=net)
    with pytest.raises(InputError, match=text):
        read_seal_mat(tmp_path / "a.mat")


def test_other_files_are_refused(tmp_path) -> None:
    with pytest.raises(DataNotFoundError, match="no file"):
        read_seal_mat(tmp_path / "none.mat")
    save(tmp_path / "a.mat", net=scipy.sparse.eye(50, format="csc"))
    whole = (tmp_path / "a.mat").read_bytes()
    for length in (0, 3, 100, 130, 200, len(whole) // 2):
        (tmp_path / "a.mat").write_bytes(whole[:length])
        with pytest.raises(InputError):
            read_seal_mat(tmp_path / "a.mat")
    (tmp_path / "a.mat").write_bytes(b"not a MATLAB file at all" * 20)
    with pytest.raises(InputError, match="cannot be read"):
        read_seal_mat(tmp_path / "a.mat")
