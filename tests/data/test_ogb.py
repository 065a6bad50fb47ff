"""OGB's link datasets: the layouts of ddi, collab and ppa, made small; and the real ddi."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.data import (
    audit_split,
    load_dataset,
    make_split,
    read_ogb_link,
    read_ogb_split,
)
from graphlearn.errors import DataNotFoundError, InputError, UnsafeFileError

EDGES = "0,1\n1,2\n2,3\n"


def write_raw(folder: Path, files: dict[str, str]) -> Path:
    raw = folder / "raw"
    raw.mkdir(exist_ok=True)
    for name, text in files.items():
        (raw / f"{name}.csv.gz").write_bytes(gzip.compress(text.encode()))
    return folder


@pytest.fixture
def ddi_like(tmp_path) -> Path:
    write_raw(tmp_path, {"edge": EDGES, "num-node-list": "5\n", "num-edge-list": "3\n"})
    split = tmp_path / "split" / "target"
    split.mkdir(parents=True)
    edge = np.array([[0, 1], [1, 2], [2, 3]])
    torch.save({"edge": edge}, split / "train.pt")
    torch.save({"edge": np.array([[0, 2]]), "edge_neg": np.array([[0, 4]])}, split / "valid.pt")
    torch.save({"edge": np.array([[1, 3]]), "edge_neg": np.array([[1, 4]])}, split / "test.pt")
    return tmp_path


def test_ddi_layout(ddi_like) -> None:
    data = read_ogb_link(ddi_like, "ogbl-ddi")
    assert data.num_nodes == 5
    assert data.edge_index.tolist() == [[0, 1, 2, 1, 2, 3], [1, 2, 3, 0, 1, 2]]
    assert data.x is None
    split = read_ogb_split(ddi_like, "ogbl-ddi")
    assert split["train"]["edge"].tolist() == [[0, 1, 2], [1, 2, 3]]
    assert split["test"]["edge_neg"].tolist() == [[1], [4]]
    assert split["valid"]["edge"].is_contiguous()


def test_collab_layout_has_features_years_and_weights(ddi_like) -> None:
    features = "\n".join(f"{i}.5,-{i}e-1,0" for i in range(5)) + "\n"
    write_raw(ddi_like, {"node-feat": features, "edge_year": "1\n2\n3\n", "edge_weight": "1\n1\n2"})
    train = {"edge": np.array([[0, 1], [1, 0]]), "year": np.array([1, 2]), "weight": np.ones(2)}
    torch.save(train, ddi_like / "split" / "target" / "train.pt")
    data = read_ogb_link(ddi_like, "ogbl-collab")
    assert data.x.dtype == torch.float32
    assert torch.allclose(data.x[3], torch.tensor([3.5, -0.3, 0.0]))
    split = read_ogb_split(ddi_like, "ogbl-collab")
    assert split["train"]["year"].tolist() == [1, 2]


def test_integer_features_become_floats(ddi_like) -> None:
    write_raw(ddi_like, {"node-feat": "0,1\n" * 5})
    assert read_ogb_link(ddi_like, "ogbl-ppa").x.tolist() == [[0.0, 1.0]] * 5


def test_npz_layout(tmp_path) -> None:
    (tmp_path / "raw").mkdir()
    arrays = {
        "edge_index": np.array([[0, 1], [1, 2]]),
        "num_nodes_list": np.array([3]),
        "num_edges_list": np.array([2]),
        "node_feat": np.ones((3, 2)),
    }
    np.savez(tmp_path / "raw" / "data.npz", **arrays)
    data = read_ogb_link(tmp_path, "ogbl-vessel")
    assert data.edge_index.tolist() == [[0, 1, 1, 2], [1, 2, 0, 1]]
    assert (data.x.shape, data.x.dtype) == ((3, 2), torch.float32)
    arrays["edge_index"] = np.array([[{}]], dtype=object)
    np.savez(tmp_path / "raw" / "data.npz", **arrays)
    with pytest.raises(InputError, match="cannot be read"):
        read_ogb_link(tmp_path, "ogbl-vessel")
    np.savez(tmp_path / "raw" / "data.npz", edge_index=np.ones((2, 2)))
    with pytest.raises(InputError, match="has no num_nodes_list"):
        read_ogb_link(tmp_path, "ogbl-vessel")
    (tmp_path / "raw" / "data.npz").write_bytes(b"PK\x03\x04")
    with pytest.raises(InputError, match="cannot be read"):
        read_ogb_link(tmp_path, "ogbl-vessel")


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"num-edge-list": "4\n"}, "holds 3 edges: expected 4"),
        ({"num-node-list": "3\n"}, "holds node id 3"),
        ({"num-node-list": "3\n2\n"}, "expected one number"),
        ({"num-node-list": "many\n"}, "expected one number"),
        ({"edge": "0,1\n1,x\n2,3\n"}, r"edge\.csv\.gz, line 2, does not hold two node numbers"),
        ({"node-feat": "1,2\n3,4\n"}, "expected 5 lines of as many numbers"),
        ({"node-feat": "1,2\n" * 4 + "3,x\n"}, "cannot be read"),
        ({"node-feat": "1,2\n" * 4 + "3\n"}, "expected 5 lines"),
        ({"node-feat": "1\n" * 4 + "nan\n"}, "NaN"),
        ({"triplet-type-list": "a\n"}, "is a knowledge graph"),
    ],
)
def test_malformed_raw_files_are_named(ddi_like, files, text) -> None:
    with pytest.raises(InputError, match=text):
        read_ogb_link(write_raw(ddi_like, files), "ogbl-ddi")


def test_missing_files_are_named(ddi_like) -> None:
    (ddi_like / "split" / "target" / "valid.pt").unlink()
    with pytest.raises(DataNotFoundError, match="holds 0 folders with train.pt"):
        read_ogb_split(ddi_like, "ogbl-ddi")
    (ddi_like / "raw" / "num-node-list.csv.gz").unlink()
    with pytest.raises(DataNotFoundError, match=r"num-node-list\.csv\.gz"):
        read_ogb_link(ddi_like, "ogbl-ddi")
    with pytest.raises(DataNotFoundError, match="no raw files"):
        read_ogb_link(ddi_like / "none", "ogbl-ddi")


def test_pairs_of_a_wrong_shape_are_refused(ddi_like) -> None:
    for wrong in (np.zeros((2, 3), dtype=np.int64), np.zeros((3, 2)), np.zeros(4, dtype=np.int64)):
        torch.save({"edge": wrong}, ddi_like / "split" / "target" / "train.pt")
        with pytest.raises(InputError, match=r"expected integers of shape \[\*, 2\]"):
            read_ogb_split(ddi_like, "ogbl-ddi")


def test_processed_files_are_never_touched(ddi_like) -> None:
    (ddi_like / "processed").mkdir()
    (ddi_like / "processed" / "geometric_data_processed.pt").write_bytes(b"not even a pickle")
    assert read_ogb_link(ddi_like, "ogbl-ddi").num_nodes == 5


def test_a_foreign_split_file_is_refused(ddi_like) -> None:
    (ddi_like / "split" / "target" / "test.pt").write_bytes(b"foreign")
    with pytest.raises(UnsafeFileError, match=r"test\.pt"):
        read_ogb_split(ddi_like, "ogbl-ddi")


def test_the_real_ddi_loads_and_passes_the_audit(data_root) -> None:
    dataset = load_dataset("ogbl-ddi", data_root)
    assert (dataset.data.num_nodes, dataset.data.num_edges) == (4267, 2 * 1_067_911)
    split = make_split(dataset)
    sizes = [split.train_pairs, split.valid_pairs, split.test_pairs]
    assert [pairs.size(1) for pairs in sizes] == [1_067_911, 133_489, 133_489]
    assert split.valid_negatives.size(1) == 101_882
    assert split.test_negatives.size(1) == 95_599
    audit = audit_split(split)
    assert audit.findings == ()
    assert (split.rule, split.seed) == ("ogb-official", None)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.ones((3, 2), dtype=bool), "edge is a torch.bool array of shape"),
        (np.empty((0, 2), dtype=np.int64), r"train\.pt: edge is empty: expected at least one pair"),
        (torch.eye(2).long().to_sparse(), "that is sparse_coo"),
    ],
)
def test_pairs_that_are_none_are_refused(ddi_like, wrong, said) -> None:
    torch.save({"edge": wrong}, ddi_like / "split" / "target" / "train.pt")
    with pytest.raises(InputError, match=said):
        read_ogb_split(ddi_like, "ogbl-ddi")


@pytest.mark.parametrize("key", ["edge", "edge_neg"])
def test_an_empty_part_of_one_file_is_named(ddi_like, key) -> None:
    place = ddi_like / "split" / "target"
    pairs = {"edge": np.array([[0, 2]]), "edge_neg": np.array([[0, 4]])}
    valid = pairs | {key: np.empty((0, 2), dtype=np.int64)}
    torch.save({"train": pairs, "valid": valid, "test": pairs}, place / "split_dict.pt")
    with pytest.raises(InputError, match=rf"split_dict\.pt, valid: {key} is empty"):
        read_ogb_split(ddi_like, "ogbl-ddi")


SOURCES = {
    "source_node": np.array([0, 1]),
    "target_node": np.array([1, 2]),
    "target_node_neg": np.array([[3, 4, 2], [3, 4, 0]]),
}


def write_sources(folder: Path, **changes: np.ndarray) -> Path:
    for part in ("train", "valid", "test"):
        torch.save(SOURCES | changes, folder / "split" / "target" / f"{part}.pt")
    return folder


@pytest.mark.parametrize("dtype", [np.int64, np.int32])
def test_sources_with_their_own_negatives_become_pairs(ddi_like, dtype) -> None:
    changes = {key: value.astype(dtype) for key, value in SOURCES.items()}
    found = read_ogb_split(write_sources(ddi_like, **changes), "ogbl-citation2")["test"]
    assert sorted(found) == ["edge", "edge_neg"]
    assert found["edge"].tolist() == [[0, 1], [1, 2]]
    assert found["edge_neg"].tolist() == [
        [[0, 0, 0], [1, 1, 1]],
        SOURCES["target_node_neg"].tolist(),
    ]
    assert {value.dtype for value in found.values()} == {torch.int64}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"target_node_neg": np.array([3, 4])}, r"target_node_neg is torch.int64 of shape \[2\]: "
         r"expected integers \[2, Q\]"),
        ({"target_node_neg": np.ones((2, 3, 1), int)}, r"of shape \[2, 3, 1\]"),
        ({"target_node_neg": np.ones((1, 3), int)}, r"expected integers \[2, Q\]"),
        ({"target_node_neg": np.ones((2, 3), bool)}, "target_node_neg is torch.bool"),
        ({"target_node_neg": np.ones((2, 0), int)}, "target_node_neg is empty"),
        ({"source_node": np.array([[0, 1]])}, "source_node is torch.int64 of shape"),
        ({"source_node": np.array(3)}, "source_node is torch.int64 of shape"),
        ({"target_node": np.array([0.0, 1.0])}, "target_node is torch.float64"),
        ({key: value[:0] for key, value in SOURCES.items()}, "source_node is empty"),
    ],
)  # fmt: skip
def test_sources_that_do_not_fit_are_refused(ddi_like, changes, said) -> None:
    with pytest.raises(InputError, match=said) as caught:
        read_ogb_split(write_sources(ddi_like, **changes), "ogbl-citation2")
    assert "\n" not in str(caught.value)


def test_a_huge_number_of_nodes_without_features_is_refused(ddi_like) -> None:
    write_raw(ddi_like, {"num-node-list": "2000000000\n"})
    with pytest.raises(InputError, match="2000000000 nodes have no features and 3 edges: expected"):
        read_ogb_link(ddi_like, "ogbl-ddi")
