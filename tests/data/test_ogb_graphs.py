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
        (b"nan\n" * 40, "classes", "holds what is no class: expected whole numbers from 0"),
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
