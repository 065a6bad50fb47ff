"""From a name to a graph and a split."""

from __future__ import annotations

import dataclasses
import inspect
import shutil

import pytest
import torch

from graphlearn.data import (
    Dataset,
    audit_split,
    dataset_names,
    digits_knn,
    load_card,
    load_dataset,
    make_split,
    read_edge_list,
    read_heterophily,
    read_seal_mat,
)
from graphlearn.data.card import (
    GRAPH_READERS,
    LINK_RULES,
    NODE_READERS,
    PAIR_READERS,
    READER_OPTIONS,
)
from graphlearn.data.dataset import _READERS
from graphlearn.data.pairs import unique_pairs
from graphlearn.errors import DataNotFoundError, InputError, UnknownNameError, UnsafeFileError


def test_digits_need_neither_files_nor_network(monkeypatch) -> None:
    monkeypatch.delenv("GRAPHLEARN_DATA", raising=False)
    dataset = load_dataset("digits-knn")
    assert isinstance(dataset, Dataset)
    assert dataset.name == "digits-knn"
    split = make_split(dataset, 0)
    assert (split.rule, split.seed) == ("random(0.1,0.2)", 0)
    assert audit_split(split).findings == ()
    assert make_split(dataset, 0).digest() == split.digest()


def test_every_reader_name_has_a_reader_and_its_options() -> None:
    assert set(_READERS) == set(READER_OPTIONS) - set(GRAPH_READERS + PAIR_READERS)
    functions = {
        "seal-mat": read_seal_mat,
        "edge-list": read_edge_list,
        "digits-knn": digits_knn,
        "heterophily": read_heterophily,
    }
    for name, function in functions.items():
        parameters = [key for key in inspect.signature(function).parameters if key != "path"]
        assert tuple(parameters) == READER_OPTIONS[name]


def test_unknown_names_and_folders(tmp_path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'digits-knn'"):
        load_dataset("digits-kn")
    with pytest.raises(DataNotFoundError, match="does not exist"):
        load_dataset("digits-knn", tmp_path / "none")


ONE_GRAPH = [n for n in dataset_names() if load_card(n).reader not in GRAPH_READERS + PAIR_READERS]


@pytest.mark.parametrize("name", ONE_GRAPH)
def test_cards_agree_with_the_data(data_root, name) -> None:
    card = load_card(name)
    if not all((data_root / path).is_file() for path in card.files):
        pytest.skip(f"the files of {name} are not in the folder of real data")
    dataset = load_dataset(name, data_root)
    data = dataset.data
    assert data.num_nodes == card.num_nodes
    assert unique_pairs(data.edge_index, data.num_nodes).size(1) == card.num_edges
    assert (0 if data.x is None else data.x.size(1)) == card.num_features
    if card.reader in NODE_READERS:
        with pytest.raises(InputError, match=f"{name} is a graph whose nodes.*make_node_split"):
            make_split(dataset, 0)
        return
    split = make_split(dataset, 0)
    assert audit_split(split).findings == ()
    expected = {"ncn-planetoid": "ncn-planetoid", "ogb-official": "ogb-official"}
    # SEAL's graphs: a tenth for the test, and a tenth of the other links for validation.
    shares = "random(0.09,0.1)" if card.reader == "seal-mat" else "random(0.1,0.2)"
    assert split.rule == expected.get(card.split.rule, shares)


def test_a_changed_file_is_refused(data_root, tmp_path) -> None:
    (tmp_path / "seal").mkdir()
    copy = tmp_path / "seal" / "USAir.mat"
    shutil.copyfile(data_root / "seal" / "USAir.mat", copy)
    assert load_dataset("usair", tmp_path).data.num_nodes == 332
    content = bytearray(copy.read_bytes())
    content[-1] ^= 1
    copy.write_bytes(content)
    with pytest.raises(UnsafeFileError, match=r"USAir\.mat has sha256:.*delete the file"):
        load_dataset("usair", tmp_path)


def test_digest_sees_features_edges_and_official_split() -> None:
    dataset = load_dataset("digits-knn")
    digests = {dataset.digest()}
    for name in ("x", "edge_index"):
        data = dataset.data.clone()
        data[name][0, 0] += 1
        digests.add(dataclasses.replace(dataset, data=data).digest())
    split_edges = {"train": {"edge": torch.tensor([[0], [1]])}}
    digests.add(dataclasses.replace(dataset, split_edges=split_edges).digest())
    assert len(digests) == 4
    assert load_dataset("digits-knn").digest() in digests


def test_splits_that_cannot_be_made() -> None:
    dataset = load_dataset("digits-knn")
    with pytest.raises(InputError, match="the random split of digits-knn has no seed"):
        make_split(dataset)
    official = dataclasses.replace(dataset.card.split, rule="ogb-official")
    card = dataclasses.replace(dataset.card, split=official)
    with pytest.raises(InputError, match="has no official split"):
        make_split(dataclasses.replace(dataset, card=card))


@pytest.mark.parametrize("rule", LINK_RULES)
def test_every_rule_of_the_cards_is_known(rule) -> None:
    dataset = load_dataset("digits-knn")
    pairs = {"edge": torch.tensor([[0], [1]]), "edge_neg": torch.tensor([[0], [2]])}
    changed = dataclasses.replace(
        dataset,
        card=dataclasses.replace(
            dataset.card, split=dataclasses.replace(dataset.card.split, rule=rule)
        ),
        split_edges={"train": pairs, "valid": pairs, "test": pairs},
    )
    assert make_split(changed, 0).rule.startswith(rule)
