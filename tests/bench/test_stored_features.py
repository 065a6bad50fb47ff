from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import torch

from graphlearn.bench.ogb_bench import run_ogb
from graphlearn.bench.ogb_recipes import pick_recipes
from graphlearn.bench.split_source import SplitSource
from graphlearn.bench.stored_features import (
    FILE_NAME,
    features_file,
    load_large_dataset,
    mapped_rows,
)
from graphlearn.data import load_card, load_node_split
from graphlearn.errors import InputError
from graphlearn.store import write_rows

NAME = "ogbn-papers100M"


@pytest.fixture
def root(ogb_root: Path, tmp_path: Path) -> Path:
    folder = load_card(NAME).folder
    shutil.copytree(ogb_root / folder, tmp_path / "root" / folder)
    (tmp_path / "root" / folder / FILE_NAME).unlink(missing_ok=True)
    return tmp_path / "root"


def test_features_are_a_view_of_their_file(root: Path) -> None:
    path = features_file(NAME, root)
    assert path == root / load_card(NAME).folder / FILE_NAME
    dataset = load_large_dataset(NAME, root)
    expected = load_node_split(NAME, root)
    assert torch.equal(dataset.data.x, expected.data.x)
    assert SplitSource(NAME, data_root=root, task="nodes").make(0).digest() == expected.digest()


def test_the_file_is_written_once_and_anew_if_the_download_is_newer(root: Path) -> None:
    load_large_dataset(NAME, root)
    path = features_file(NAME, root)
    written = path.stat().st_mtime_ns
    load_large_dataset(NAME, root)
    assert path.stat().st_mtime_ns == written
    later = path.stat().st_mtime + 5
    os.utime(path.parent / "raw" / "data.npz", (later, later))
    load_large_dataset(NAME, root)
    assert path.stat().st_mtime_ns != written


def test_a_file_of_another_graph_is_refused(root: Path) -> None:
    write_rows(features_file(NAME, root), torch.ones(3, 2))
    with pytest.raises(InputError, match="has 3 rows: expected 60, one a node; delete the file"):
        load_large_dataset(NAME, root)
    write_rows(root / "b.rows", torch.ones(3, 2, dtype=torch.bfloat16))
    with pytest.raises(InputError, match="rows of bfloat16"):
        mapped_rows(root / "b.rows")


def test_a_run_from_the_file_is_that_from_memory(root: Path, tmp_path: Path, monkeypatch) -> None:
    small = {"train.epochs": 2, "stack.hidden_channels": 4, "train.evaluate_every": 1}
    recipes = pick_recipes([NAME], ["sage"], seeds=1, set=small)
    from_file = run_ogb(recipes, data_root=root, out=tmp_path / "a", progress=False)
    assert features_file(NAME, root).is_file()
    monkeypatch.setattr("graphlearn.bench.stored_features.LARGEST_IN_MEMORY", 1 << 60)
    in_memory = run_ogb(recipes, data_root=root, out=tmp_path / "b", progress=False)
    assert from_file.entries[0].test == in_memory.entries[0].test
    assert from_file.entries[0].valid == in_memory.entries[0].valid
