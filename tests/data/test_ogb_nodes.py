"""OGB's graphs with classes: directions, classes, features in blocks, and what is refused."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.data import load_card, load_node_split, read_ogb_nodes
from graphlearn.data.ogb_nodes import ogb_feature_blocks
from graphlearn.errors import DataNotFoundError, InputError


@pytest.fixture
def arxiv(ogb_root, tmp_path) -> Path:
    return shutil.copytree(ogb_root / load_card("ogbn-arxiv").folder, tmp_path / "arxiv")


def test_edges_as_stored_or_both_ways(arxiv) -> None:
    stored = read_ogb_nodes(arxiv, "ogbn-arxiv", undirected=False)
    both = read_ogb_nodes(arxiv, "ogbn-arxiv")
    assert both.edge_index.size(1) == 2 * stored.edge_index.size(1)
    assert stored.train_mask.sum() == 20
    assert (stored.y.dtype, stored.x.dtype) == (torch.int64, torch.float32)
    without = read_ogb_nodes(arxiv, "ogbn-arxiv", features=False)
    assert without.get("x") is None
    assert without.num_nodes == 60


@pytest.mark.parametrize("name", ["ogbn-arxiv", "ogbn-papers100M"])
@pytest.mark.parametrize("rows", [None, 7, 1000])
def test_blocks_are_the_features(ogb_root, name, rows) -> None:
    folder = ogb_root / load_card(name).folder
    blocks = list(ogb_feature_blocks(folder, rows=rows))
    assert all(block.dtype == np.float32 for block in blocks)
    assert max(map(len, blocks)) == min(rows or 60, 60)
    assert np.array_equal(np.concatenate(blocks), read_ogb_nodes(folder, name).x.numpy())


def test_features_go_straight_into_a_store(ogb_root, tmp_path) -> None:
    from graphlearn.store import DiskStore, write_rows

    folder = ogb_root / load_card("ogbn-papers100M").folder
    write_rows(tmp_path / "x.rows", ogb_feature_blocks(folder, rows=7), num_rows=60)
    with DiskStore(tmp_path / "x.rows") as store:
        found = store.gather(torch.arange(60))
    assert torch.equal(found, read_ogb_nodes(folder, "ogbn-papers100M").x)


def test_what_is_missing_or_wrong_is_named(arxiv) -> None:
    raw = arxiv / "raw"
    (raw / "node-label.csv.gz").write_bytes(gzip.compress(b"1,2\n" * 60))
    with pytest.raises(InputError, match=r"\[60, 2\]: expected one class a node"):
        read_ogb_nodes(arxiv, "ogbn-arxiv")
    (raw / "node-label.csv.gz").write_bytes(gzip.compress(b"1\n" * 59))
    with pytest.raises(InputError, match="holds 59 lines: expected 60 lines"):
        read_ogb_nodes(arxiv, "ogbn-arxiv")
    (raw / "node-label.csv.gz").write_bytes(gzip.compress(b"1.5\n" * 60))
    with pytest.raises(InputError, match="y of node 0 is 1.5"):
        read_ogb_nodes(arxiv, "ogbn-arxiv")
    (raw / "node-label.csv.gz").unlink()
    with pytest.raises(DataNotFoundError, match="no labels in"):
        read_ogb_nodes(arxiv, "ogbn-arxiv")
    (raw / "node-label.csv.gz").write_bytes(gzip.compress(b"1\n" * 60))
    whole = (raw / "node-feat.csv.gz").read_bytes()
    (raw / "node-feat.csv.gz").write_bytes(whole[:-30])
    with pytest.raises(InputError, match="is truncated or no gzip file"):
        list(ogb_feature_blocks(arxiv))
    (raw / "node-feat.csv.gz").write_bytes(gzip.compress(b"1,2\n" * 61))
    with pytest.raises(InputError, match="holds 61 lines: expected 60, one a node"):
        list(ogb_feature_blocks(arxiv))
    (raw / "node-feat.csv.gz").unlink()
    with pytest.raises(DataNotFoundError, match="no features in"):
        read_ogb_nodes(arxiv, "ogbn-arxiv")


def test_binary_features_must_fit_the_nodes(tmp_path) -> None:
    (tmp_path / "raw").mkdir()
    arrays = {"num_nodes_list": np.array([3]), "node_feat": np.ones((2, 2))}
    np.savez(tmp_path / "raw" / "data.npz", **arrays)
    with pytest.raises(InputError, match=r"node_feat is NpzArray\(float64\[2, 2\]\): expected"):
        list(ogb_feature_blocks(tmp_path))


@pytest.mark.parametrize(
    ("label", "said"),
    [
        (b"40", r"holds class 40 of node 0: expected classes in \[0, 40\), or NaN for none"),
        (b"1000000000000", "holds class 1e\\+12 of node 0"),
        (b"-5", "holds class -5 of node 0"),
        (b"inf", "holds class inf of node 0"),
    ],
)
def test_classes_beyond_those_of_the_card_are_refused(ogb_root, tmp_path, label, said) -> None:
    folder = load_card("ogbn-arxiv").folder
    shutil.copytree(ogb_root / folder, tmp_path / folder)
    path = tmp_path / folder / "raw" / "node-label.csv.gz"
    path.write_bytes(gzip.compress(label + b"\n" + b"1\n" * 59))
    with pytest.raises(InputError, match=said):
        load_node_split("ogbn-arxiv", tmp_path)
    path.write_bytes(gzip.compress(b"39\n" + b"1\n" * 59))
    assert load_node_split("ogbn-arxiv", tmp_path).data.y[0] == 39
    path.write_bytes(gzip.compress(b"40\n" + b"1\n" * 59))
    assert read_ogb_nodes(tmp_path / folder, "ogbn-arxiv").y[0] == 40


def test_blocks_need_one_number_of_nodes(tmp_path) -> None:
    (tmp_path / "raw").mkdir()
    for counts in (np.array(2), np.array(["2"]), np.array([[2]]), np.array([1, 1])):
        np.savez(tmp_path / "raw" / "data.npz", num_nodes_list=counts, node_feat=np.ones((2, 2)))
        with pytest.raises(InputError, match=r"num_nodes_list is .*: expected integers \[1\]"):
            list(ogb_feature_blocks(tmp_path))
