from __future__ import annotations

import gzip
import json
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
    SOURCES_NAME,
    feature_sources,
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
    for name in (FILE_NAME, SOURCES_NAME):
        (tmp_path / "root" / folder / name).unlink(missing_ok=True)
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


@pytest.fixture
def other_root(tmp_path: Path, ogb_miniatures) -> Path:
    """Another graph of the same name and size."""
    ogb_miniatures.write_miniature(NAME, tmp_path / "other", seed=5)
    return tmp_path / "other"


@pytest.mark.parametrize("when", ["older", "the same", "newer"])
def test_files_of_another_time_are_read_anew(root: Path, other_root: Path, when) -> None:
    load_large_dataset(NAME, root)
    name = Path(load_card(NAME).folder, "raw", "data.npz")
    before = (root / name).stat().st_mtime_ns
    shutil.copy(other_root / name, root / name)
    moment = before + {"older": -(10**18), "the same": 0, "newer": 10**9}[when]
    os.utime(root / name, ns=(moment, moment))
    expected = load_node_split(NAME, other_root).data.x
    assert torch.equal(load_large_dataset(NAME, root).data.x, expected)


def test_rows_without_a_note_or_with_a_torn_one_are_written_anew(root: Path) -> None:
    expected = load_large_dataset(NAME, root).data.x.clone()
    path = features_file(NAME, root)
    note = path.with_name(SOURCES_NAME)
    whole = note.read_text()
    assert set(json.loads(whole)) == {"data.npz"}
    for torn in (None, "", whole[:20], "[]"):
        write_rows(path, torch.zeros_like(expected))
        if torn is None:
            note.unlink()
        else:
            note.write_text(torn)
        assert torch.equal(load_large_dataset(NAME, root).data.x, expected)
        assert note.read_text() == whole


def test_a_writer_that_is_killed_leaves_no_note(root: Path, monkeypatch) -> None:
    load_large_dataset(NAME, root)
    path = features_file(NAME, root)
    os.utime(path.parent / "raw" / "data.npz", (10**9, 10**9))

    def killed(*args: object, **more: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("graphlearn.bench.stored_features.write_rows", killed)
    with pytest.raises(KeyboardInterrupt):
        load_large_dataset(NAME, root)
    assert not path.with_name(SOURCES_NAME).exists()


def test_files_that_change_while_they_are_read_are_refused(root: Path, monkeypatch) -> None:
    def changing(path: Path, blocks: object, *, num_rows: int) -> None:
        os.utime(path.parent / "raw" / "data.npz", (10**9, 10**9))

    monkeypatch.setattr("graphlearn.bench.stored_features.write_rows", changing)
    with pytest.raises(InputError, match="has changed while its features were read: .*; run it ag"):
        load_large_dataset(NAME, root)
    assert not features_file(NAME, root).with_name(SOURCES_NAME).exists()


def test_sources_of_text_are_told_apart_by_their_checksum(tmp_path: Path) -> None:
    raw = tmp_path / "raw"
    raw.mkdir()
    for name in ("num-node-list", "node-feat"):
        (raw / f"{name}.csv.gz").write_bytes(gzip.compress(b"1\n", mtime=0))
    before, status = feature_sources(tmp_path), (raw / "node-feat.csv.gz").stat()
    (raw / "node-feat.csv.gz").write_bytes(gzip.compress(b"2\n", mtime=0))
    os.utime(raw / "node-feat.csv.gz", ns=(status.st_atime_ns, status.st_mtime_ns))
    after = feature_sources(tmp_path)
    assert before["num-node-list.csv.gz"] == after["num-node-list.csv.gz"]
    changed = {
        key for key, value in before["node-feat.csv.gz"].items()
        if after["node-feat.csv.gz"][key] != value
    }  # fmt: skip
    assert changed == {"crc"}
    (raw / "node-feat.csv.gz").unlink()
    with pytest.raises(
        InputError, match=r"node-feat\.csv\.gz cannot be read: .* expected the feat"
    ):
        feature_sources(tmp_path)
    (raw / "data.npz").write_bytes(b"PK")
    with pytest.raises(InputError, match=r"data\.npz cannot be read"):
        feature_sources(tmp_path)


def test_a_file_of_another_graph_is_refused(root: Path) -> None:
    load_large_dataset(NAME, root)
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
