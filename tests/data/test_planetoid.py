"""Planetoid files are read only when they are the real ones."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path

import pytest
import torch

from graphlearn.data import load_card, load_dataset, read_planetoid
from graphlearn.errors import DataNotFoundError, UnknownNameError, UnsafeFileError


class Touch:
    """Unpickling this makes a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return (Path.touch, (self.path,))


@pytest.mark.parametrize(
    ("name", "shape", "edges"), [("Cora", (2708, 1433), 10556), ("CiteSeer", (3327, 3703), 9104)]
)
def test_real_data(data_root, name, shape, edges) -> None:
    data = read_planetoid(data_root / "planetoid" / name / "raw", name)
    assert data.x.shape == shape
    assert data.x.layout == torch.strided
    assert set(data.x.unique().tolist()) == {0.0, 1.0}  # Not normalised.
    assert data.edge_index.shape == (2, edges)
    assert data.is_undirected()
    assert data.y.shape == shape[:1]


def test_a_loaded_dataset_has_sparse_features_and_the_counts_of_its_card(data_root) -> None:
    dataset = load_dataset("cora", data_root)
    assert dataset.data.x.layout == torch.sparse_csr
    assert dataset.data.num_nodes == dataset.card.num_nodes
    assert dataset.data.num_edges == 2 * (dataset.card.num_edges or 0)


@pytest.fixture
def fake_raw(tmp_path) -> Path:
    for path in load_card("cora").files:
        (tmp_path / Path(path).name).write_bytes(pickle.dumps(Touch(tmp_path / "ran")))
    return tmp_path


def test_a_changed_file_is_refused_before_anything_in_it_runs(fake_raw) -> None:
    with pytest.raises(UnsafeFileError, match=r"ind\.cora\.x has sha256:.*card states"):
        read_planetoid(fake_raw, "cora")
    assert not (fake_raw / "ran").exists()


def test_a_file_without_a_checksum_is_refused(fake_raw) -> None:
    with pytest.raises(UnsafeFileError, match=r"no checksum is known for ind\.cora\.x"):
        read_planetoid(fake_raw, "cora", checksums={})
    assert not (fake_raw / "ran").exists()


def test_missing_files_and_unknown_names(tmp_path) -> None:
    with pytest.raises(DataNotFoundError, match=r"holds no ind\.cora\.x"):
        read_planetoid(tmp_path, "cora")
    with pytest.raises(UnknownNameError, match="did you mean 'cora'"):
        read_planetoid(tmp_path, "corra")


def test_nothing_is_written_beside_the_files(data_root, tmp_path) -> None:
    raw = tmp_path / "planetoid" / "Cora" / "raw"
    shutil.copytree(data_root / "planetoid" / "Cora" / "raw", raw)
    before = sorted(tmp_path.rglob("*"))
    load_dataset("cora", tmp_path)
    assert sorted(tmp_path.rglob("*")) == before
