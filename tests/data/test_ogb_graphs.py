"""OGB's many graphs: targets, directions, and what is refused."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.data import load_card, load_graph_split, read_ogb_graphs
from graphlearn.data.download import present_card
from graphlearn.errors import DataNotFoundError, InputError, UnknownNameError


@pytest.fixture
def molhiv(ogb_root, tmp_path) -> Path:
    return shutil.copytree(ogb_root / load_card("ogbg-molhiv").folder, tmp_path / "molhiv")


def test_edges_one_way_and_targets_from_arrays(molhiv) -> None:
    both = read_ogb_graphs(molhiv, "ogbg-molhiv")
    one = read_ogb_graphs(molhiv, "ogbg-molhiv", both_ways=False)
    assert torch.equal(both.train.edge_index[:, ::2], one.train.edge_index)
    bits = np.concatenate([part.y.numpy() for part in both.parts().values()])
    np.savez(molhiv / "raw" / "graph-label.npz", graph_label=bits)
    again = read_ogb_graphs(molhiv, "ogbg-molhiv")
    assert torch.equal(again.test.y, both.test.y)
    np.savez(molhiv / "raw" / "graph-label.npz", graph_label=bits[:-1])
    with pytest.raises(InputError, match=r"\[39, 1\]: expected numbers \[40, T\]"):
        read_ogb_graphs(molhiv, "ogbg-molhiv")


@pytest.mark.parametrize(
    ("text", "objective", "said"),
    [
        (b"2\n" * 40, "bits", "targets beside 0 and 1"),
        (b"nan\n" * 40, "bits", "train has no target that is known"),
        (b"inf\n" * 40, "bits", "targets that are NaN or infinite"),
        (b"nan\n" * 40, "classes", "no class: nan of graph 0: expected whole numbers from 0"),
        (b"1.5\n" * 40, "classes", "holds what is no class"),
        (b"-1\n" * 40, "classes", "holds what is no class"),
        (b"1,2\n" * 40, "classes", r"expected numbers \[40, 1\]"),
        (b"1\n" * 39, "bits", "holds 39 lines: expected 40 lines"),
    ],
)
def test_targets_that_do_not_fit_are_refused(molhiv, text, objective, said) -> None:
    (molhiv / "raw" / "graph-label.csv.gz").write_bytes(gzip.compress(text))
    with pytest.raises(InputError, match=said):
        read_ogb_graphs(molhiv, "ogbg-molhiv", objective=objective)


def test_what_is_missing_or_unknown_is_named(molhiv) -> None:
    with pytest.raises(UnknownNameError, match="unknown objective 'bit'.*did you mean 'bits'"):
        read_ogb_graphs(molhiv, "ogbg-molhiv", objective="bit")
    (molhiv / "raw" / "graph-label.csv.gz").unlink()
    with pytest.raises(DataNotFoundError, match="no labels in"):
        read_ogb_graphs(molhiv, "ogbg-molhiv")


def test_smiles_text_stands_in_where_it_alone_is_there(tmp_path, ogb_root) -> None:
    card = load_card("ogbg-molhiv")
    other = load_card(card.otherwise)
    assert present_card(card, tmp_path) is card
    for path in other.files:
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).touch()
    assert present_card(card, tmp_path).name == "ogbg-molhiv-smiles"
    assert present_card(card, ogb_root) is card
    assert len(load_graph_split("ogbg-molhiv", ogb_root).train) == 20


@pytest.mark.parametrize(
    ("table", "row", "said"),
    [
        ("node-feat", "119,0,0,0,0,0,0,0,0", r"node_feat: column 0 holds 119: .* in \[0, 119\)"),
        ("node-feat", "99999999999,0,0,0,0,0,0,0,0", "node_feat: column 0 holds 99999999999"),
        ("node-feat", "0,0,0,0,0,0,0,0,-1", "node_feat: column 8 holds -1"),
        ("edge-feat", "0,6,0", r"edge_feat: column 1 holds 6: expected categories in \[0, 6\)"),
        ("edge-feat", "0,0", "edge_feat is of shape .*: expected 3 categories a row"),
    ],
)
def test_categories_that_there_are_not_are_refused(molhiv, table, row, said) -> None:
    path = molhiv / "raw" / f"{table}.csv.gz"
    lines = gzip.decompress(path.read_bytes()).decode().splitlines()
    if row == "0,0":
        lines = [row] * len(lines)
    lines[2] = row
    path.write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))
    with pytest.raises(InputError, match=said):
        read_ogb_graphs(molhiv, "ogbg-molhiv")


@pytest.mark.parametrize(
    ("label", "said"),
    [(b"37", r"holds what is no class: 37.0 of graph 3: expected whole numbers in \[0, 37\)"),
     (b"1000000000", "no class: 1000000000.0 of graph 3")],
)  # fmt: skip
def test_classes_beyond_those_of_the_card_are_refused(ogb_root, tmp_path, label, said) -> None:
    folder = load_card("ogbg-ppa").folder
    shutil.copytree(ogb_root / folder, tmp_path / folder)
    path = tmp_path / folder / "raw" / "graph-label.csv.gz"
    path.write_bytes(gzip.compress(b"1\n" * 3 + label + b"\n" + b"1\n" * 36))
    with pytest.raises(InputError, match=said):
        load_graph_split("ogbg-ppa", tmp_path)
    path.write_bytes(gzip.compress(b"1\n" * 3 + b"36\n" + b"1\n" * 36))
    assert load_graph_split("ogbg-ppa", tmp_path).train.y[3] == 36


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("num-node-list", "3000000000\n" * 40, "120000000000 nodes have no features and"),
        ("edge-feat", None, "edge_feat holds nan in row 2, column 0: expected finite numbers"),
    ],
)
def test_graphs_without_features_of_nodes(ogb_root, tmp_path, name, text, said) -> None:
    folder = shutil.copytree(ogb_root / load_card("ogbg-ppa").folder, tmp_path / "ppa")
    path = folder / "raw" / f"{name}.csv.gz"
    if text is None:
        lines = gzip.decompress(path.read_bytes()).decode().splitlines()
        lines[2] = "nan,0,0,0,0,0,0"
        text = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(text.encode()))
    with pytest.raises(InputError, match=said):
        read_ogb_graphs(folder, "ogbg-ppa", objective="classes", categories=False)
