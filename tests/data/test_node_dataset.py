"""From a name to a graph whose nodes are divided."""

from __future__ import annotations

import dataclasses
import shutil
import warnings

import numpy as np
import pytest
import torch
from torch_geometric.datasets import Planetoid

from graphlearn.data import (
    NodeSplitRule,
    dataset_names,
    load_card,
    load_dataset,
    load_graph_split,
    load_node_split,
    make_node_split,
    make_split,
    random_node_split,
)
from graphlearn.data.card import NODE_RULES
from graphlearn.errors import DataNotFoundError, InputError, UnknownNameError, UnsafeFileError

WITH_NODES = [name for name in dataset_names() if load_card(name).node_split is not None]


def has_files(data_root, name: str) -> bool:
    return all((data_root / path).is_file() for path in load_card(name).files)


def test_which_cards_divide_nodes() -> None:
    rules = {name: load_card(name).node_split.rule for name in WITH_NODES}
    assert rules == {
        "chameleon-filtered": "given",
        "citeseer": "public",
        "cora": "public",
        "digits-knn": "random",
        "ogbn-arxiv": "ogb-official",
        "ogbn-papers100M": "ogb-official",
        "ogbn-products": "ogb-official",
        "pubmed": "public",
        "squirrel-filtered": "given",
    }
    assert set(rules.values()) <= set(NODE_RULES)


def test_digits_need_no_files() -> None:
    split = load_node_split("digits-knn", seed=4)
    data = load_dataset("digits-knn").data
    same = random_node_split(data, train_ratio=0.1, valid_ratio=0.1, seed=4)
    assert split.digest() == same.digest()
    assert (split.rule, split.seed, split.num_classes) == ("random(0.1,0.1)", 4, 10)
    assert split.digest() != load_node_split("digits-knn", seed=5).digest()


@pytest.mark.parametrize(("name", "folder"), [("cora", "Cora"), ("citeseer", "CiteSeer")])
def test_the_public_split_is_that_of_planetoid_and_pyg(data_root, tmp_path, name, folder) -> None:
    split = load_node_split(name, data_root, seed=3)
    assert (split.rule, split.seed) == ("public", None)
    # The paper's rule: 20 a class to train on come first, 500 for validation next, then the test's.
    raw = data_root / "planetoid" / folder / "raw"
    trained = 20 * split.num_classes
    nodes = torch.arange(split.data.num_nodes)
    assert torch.equal(split.train_mask, nodes < trained)
    assert split.data.y[split.train_mask].bincount().tolist() == [20] * split.num_classes
    assert torch.equal(split.valid_mask, (nodes >= trained) & (nodes < trained + 500))
    listed = np.loadtxt(raw / f"ind.{name}.test.index", dtype=np.int64)
    assert split.test_mask.nonzero().flatten().tolist() == sorted(listed.tolist())
    assert len(listed) == 1000
    # PyG's own data set, which writes beside the files it reads.
    shutil.copytree(raw, tmp_path / folder / "raw")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the pickles' age, as graphlearn.data.planetoid says
        data = Planetoid(str(tmp_path), folder, split="public")[0]
    assert torch.equal(split.train_mask, data.train_mask)
    assert torch.equal(split.valid_mask, data.val_mask)
    assert torch.equal(split.test_mask, data.test_mask)
    assert torch.equal(split.data.y, data.y)
    assert torch.equal(split.dense_x, data.x)
    assert torch.equal(split.data.edge_index, data.edge_index)


@pytest.mark.parametrize(
    ("name", "edges", "stem"),
    [
        ("squirrel-filtered", 2 * 46_998 + 140, "squirrel_filtered_directed"),
        ("chameleon-filtered", 2 * 8_854 + 50, "chameleon_filtered_directed"),
    ],
)
def test_files_with_ten_splits(data_root, name, edges, stem) -> None:
    if not has_files(data_root, name):
        pytest.skip(f"the files of {name} are not in the folder of real data")
    dataset = load_dataset(name, data_root)
    assert dataset.data.x.layout == torch.sparse_csr
    splits = [make_node_split(dataset, seed) for seed in range(11)]
    assert [split.rule for split in splits] == [f"given-{seed % 10}" for seed in range(11)]
    assert len({split.digest() for split in splits}) == 10
    assert splits[0].digest() == splits[10].digest()
    split = load_node_split(name, data_root, seed=13)
    assert split.digest() == splits[3].digest()
    assert split.data.num_edges == edges
    assert split.data.is_undirected()
    assert split.num_classes == 5
    stored = np.load(data_root / "heterophily" / f"{stem}.npz", allow_pickle=False)
    for mine, theirs in (("train", "train"), ("valid", "val"), ("test", "test")):
        assert np.array_equal(split.parts()[mine].numpy(), stored[f"{theirs}_masks"][3])
    with pytest.raises(InputError, match=f"{name} is a graph whose nodes are to be classified"):
        make_split(dataset, 0)


def test_a_changed_or_missing_file_is_refused(tmp_path) -> None:
    path = tmp_path / "heterophily" / "squirrel_filtered_directed.npz"
    path.parent.mkdir()
    path.write_bytes(b"another file")
    with pytest.raises(UnsafeFileError, match=r"squirrel_filtered_directed\.npz has sha256:"):
        load_node_split("squirrel-filtered", tmp_path)
    with pytest.raises(DataNotFoundError, match="does not exist"):
        load_node_split("squirrel-filtered", tmp_path / "none")


def test_cards_that_divide_no_nodes_are_refused_before_a_file_is_read(tmp_path) -> None:
    for name in ("usair", "mutag", "brec", "second-minimum"):
        with pytest.raises(
            InputError, match=f"card of {name} has no node_split.*expected one of.*cora, digits-knn"
        ):
            load_node_split(name, tmp_path)
    with pytest.raises(UnknownNameError, match="did you mean 'squirrel-filtered'"):
        load_node_split("squirel-filtered")
    with pytest.raises(InputError, match="squirrel-filtered is one graph"):
        load_graph_split("squirrel-filtered")


@pytest.mark.parametrize("rule", NODE_RULES)
def test_every_rule_of_the_cards_is_known(rule) -> None:
    dataset = load_dataset("digits-knn")
    card = dataclasses.replace(dataset.card, node_split=NodeSplitRule(rule))
    with_rule = dataclasses.replace(dataset, card=card)
    if rule != "random":
        with pytest.raises(InputError, match="train_mask is missing"):
            make_node_split(with_rule, 0)
        for part, name in enumerate(("train_mask", "val_mask", "test_mask")):
            with_rule.data[name] = torch.arange(1797) % 3 == part
    assert make_node_split(with_rule, 0).rule == ("random(0.6,0.2)" if rule == "random" else rule)


def test_a_seed_below_zero_is_refused() -> None:
    dataset = load_dataset("digits-knn")
    with pytest.raises(InputError, match="seed is -1"):
        make_node_split(dataset, -1)
