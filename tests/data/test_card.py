"""Dataset cards: those that ship are sound, and a wrong one is refused with file, line and mend."""

from __future__ import annotations

import dataclasses
import re

import pytest

from graphlearn.data import (
    DatasetCard,
    Download,
    NodeSplitRule,
    SplitRule,
    dataset_names,
    load_card,
    read_card,
)
from graphlearn.data.card import GRAPH_READERS, NODE_READERS, PAIR_READERS
from graphlearn.errors import DataNotFoundError, InputError, UnknownNameError
from graphlearn.metrics import PredictionEvaluator

GOOD = """\
name: tiny
title: A tiny graph
reader: edge-list
licence: MIT
source: https://example.org
metric: hits@10
split:
  rule: random
  valid_ratio: 0.2
files:
  tiny/edges.csv: null
downloads:
  - url: https://example.org/edges.csv
    to: tiny/edges.csv
"""


def write(tmp_path, text: str):
    path = tmp_path / "tiny.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_good_card_is_read(tmp_path) -> None:
    card = read_card(write(tmp_path, GOOD))
    assert isinstance(card, DatasetCard)
    assert card.split == SplitRule("random", valid_ratio=0.2, test_ratio=0.2)
    assert card.files == {"tiny/edges.csv": None}
    assert card.downloads == (Download("https://example.org/edges.csv", "tiny/edges.csv"),)
    assert card.urls == ("https://example.org/edges.csv",)
    assert (card.folder, card.num_nodes, card.options) == ("", None, {})
    assert card.node_split is None
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.name = "other"  # type: ignore[misc]


NODES = "licence: MIT\nnode_split: {rule: random, train_ratio: 0.1}"


def test_a_card_may_say_how_nodes_are_divided(tmp_path) -> None:
    card = read_card(write(tmp_path, GOOD.replace("licence: MIT", NODES)))
    assert card.node_split == NodeSplitRule("random", train_ratio=0.1, valid_ratio=0.2)


@pytest.mark.parametrize(
    ("find", "put", "error", "text"),
    [
        ("licence:", "license:", UnknownNameError, r"tiny\.yaml:4: unknown card key 'license'.*"
         r"did you mean 'licence'\?"),
        ("valid_ratio", "val_ratio", UnknownNameError,
         r"tiny\.yaml:9: unknown split key 'val_ratio'.*did you mean 'valid_ratio'\?"),
        ("    to: tiny", "    too: tiny", UnknownNameError,
         r"tiny\.yaml:14: unknown downloads key"),
        ("reader: edge-list", "reader: edge-lists", UnknownNameError,
         r"tiny\.yaml:3: unknown reader 'edge-lists'.*did you mean 'edge-list'\?"),
        ("rule: random", "rule: rendom", UnknownNameError, r"tiny\.yaml:8: unknown split rule"),
        ("title: A tiny graph\n", "", InputError, r"tiny\.yaml has no key 'title'"),
        ("  rule: random\n", "", InputError, r"tiny\.yaml: split has no key 'rule'"),
        ("    to: tiny/edges.csv\n", "", InputError, "downloads has no key 'to'"),
        ("valid_ratio: 0.2", "valid_ratio: much", InputError, r"yaml:9: valid_ratio is 'much'"),
        ("valid_ratio: 0.2", "valid_ratio: true", InputError, "valid_ratio is True"),
        ("title: A tiny graph", "title: [a]", InputError, r"yaml:2: title is \['a'\]"),
        ("name: tiny", "name: huge", InputError, "has name 'huge': expected 'tiny'"),
        ("split:\n  rule: random\n  valid_ratio: 0.2", "split: random", InputError, "split is"),
        ("to: tiny/edges.csv", "to: ../edges.csv", InputError, "names '../edges.csv'"),
        ("  tiny/edges.csv: null", "  /etc/hosts: null", InputError, "names '/etc/hosts'"),
        ("- url: https:", "- url: file:", InputError, "has url 'file:"),
        ("title: A", "title: 'A", InputError, "cannot be read: while scanning"),
        ("licence: MIT", "licence: MIT\noptions: {headr: true}", UnknownNameError,
         r"unknown option 'headr'.*did you mean 'header'\?"),
        ("  tiny/edges.csv: null", "  tiny/edges.csv: 12", InputError,
         r"yaml:11: the checksum of tiny/edges.csv is 12"),
        ("  tiny/edges.csv: null", "  tiny/edges.csv: md5:00", InputError, "is 'md5:00'"),
        ("  tiny/edges.csv: null", "  7: null", InputError, "yaml:11: files names 7"),
        ("files:\n  tiny/edges.csv: null\n", "", InputError, "names no files"),
        ("licence: MIT", NODES.replace("random", "rendom"), UnknownNameError,
         r"unknown node_split rule 'rendom'.*did you mean 'random'\?"),
        ("licence: MIT", NODES.replace("train_r", "test_r"), UnknownNameError,
         "unknown node_split key 'test_ratio'"),
        ("licence: MIT", NODES.replace("0.1", "lots"), InputError, "train_ratio is 'lots'"),
        ("licence: MIT", "licence: MIT\nnode_split: public", InputError, "node_split is 'public'"),
        ("reader: edge-list\n", "reader: heterophily\n", UnknownNameError, "split rule 'random'"),
        (GOOD[GOOD.index("reader"):GOOD.index("files")],
         "reader: heterophily\nlicence: MIT\nsource: here\nmetric: accuracy\n"
         "split: {rule: none}\n", InputError, "has no key 'node_split'"),
        ("name: tiny", "name: !!python/object/apply:os.getcwd []", InputError, "cannot be read"),
    ],
)  # fmt: skip
def test_a_wrong_card_is_refused(tmp_path, find, put, error, text) -> None:
    assert find in GOOD
    with pytest.raises(error, match=text) as caught:
        read_card(write(tmp_path, GOOD.replace(find, put)))
    assert "\n" not in str(caught.value)


def test_a_card_that_is_no_mapping_or_no_text_is_refused(tmp_path) -> None:
    with pytest.raises(InputError, match="expected a mapping"):
        read_card(write(tmp_path, "- a\n"))
    path = tmp_path / "tiny.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="cannot be read"):
        read_card(path)
    with pytest.raises(DataNotFoundError, match="no dataset card at"):
        read_card(tmp_path / "none.yaml")


def test_an_unknown_dataset_offers_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"unknown dataset 'coar'.*did you mean 'cora'\?"):
        load_card("coar")


@pytest.mark.parametrize("name", dataset_names())
def test_the_cards_that_ship_are_sound(name) -> None:
    card = load_card(name)
    if card.reader in GRAPH_READERS + NODE_READERS:
        assert PredictionEvaluator([card.metric]).names == (card.metric,)
    elif card.reader not in PAIR_READERS:
        assert card.num_nodes is not None
        assert re.fullmatch(r"hits@\d+|mrr|auc|ap", card.metric)
    for path, checksum in card.files.items():
        assert checksum is None or re.fullmatch(
            "sha256:[0-9a-f]{64}|git-blob-sha1:[0-9a-f]{40}", checksum
        )
        assert path.startswith(card.folder)
        served = [
            download
            for download in card.downloads
            if path == download.to or (download.member and path.startswith(f"{download.to}/"))
        ]
        assert len(served) == 1 or not card.downloads, path
    counted = card.reader == "ogb-nodes" or card.options.get("objective") == "classes"
    assert card.options.get("classes") == (card.num_targets if counted else None)
    if card.reader in NODE_READERS:
        assert card.split.rule == "none"
        assert card.num_edges is not None
    if card.files and not card.downloads:
        assert "put it under the data root" in card.notes
    if card.reader in ("planetoid", "exp"):
        assert all(card.files.values()), "these files are pickles: none may lack a checksum"


def test_the_datasets_folder_is_no_package(repository) -> None:
    # From the repository root it would shadow the Hugging Face package of that name.
    assert [p.name for p in (repository / "datasets").iterdir() if p.suffix != ".yaml"] == []
