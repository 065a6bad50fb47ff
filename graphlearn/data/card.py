"""Dataset cards: what a dataset is, where it comes from, what its files must hash to.

A card is ``datasets/<name>.yaml``, read with ``yaml.safe_load``; an unknown key is refused with
its file, line and the nearest known key.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.registry import unknown_name
from graphlearn.resources import datasets_dir

READER_OPTIONS: dict[str, tuple[str, ...]] = {
    "planetoid": (),
    "ogb-link": (),
    "seal-mat": ("variable",),
    "edge-list": ("num_nodes", "delimiter", "header"),
    "digits-knn": ("neighbors",),
    "second-minimum": ("train", "valid", "test", "largest", "larger"),
    "multitask": ("train", "valid", "test", "least_nodes", "most_nodes"),
    "molecules": ("train",),
    "counting": ("target",),
    "tu": ("categories",),
    "csl": ("copies",),
    "exp": (),
    "ogb-molecules": ("target",),
    "brec": (),
    "heterophily": ("undirected",),
    "ogb-nodes": ("undirected", "classes"),
    "ogb-graphs": ("objective", "categories", "both_ways", "classes"),
}
"""Every reader's name, and which keyword arguments of it a card may set."""

GRAPH_READERS = (
    "second-minimum",
    "multitask",
    "molecules",
    "counting",
    "tu",
    "csl",
    "exp",
    "ogb-molecules",
    "ogb-graphs",
)
"""Those that give many graphs or sets, for :func:`graphlearn.data.load_graph_split`."""

PAIR_READERS = ("brec",)
"""Those that give pairs of graphs, for :func:`graphlearn.data.load_graph_pairs`."""

NODE_READERS = ("heterophily", "ogb-nodes")
"""Those of graphs for :func:`graphlearn.data.load_node_split` alone, with no split of links."""

_WITHOUT_FILES = ("digits-knn", "second-minimum", "multitask", "csl")
_CHECKSUM = re.compile("sha256:[0-9a-f]{64}|git-blob-sha1:[0-9a-f]{40}")
LINK_RULES = ("random", "ncn-planetoid", "ogb-official")
GRAPH_RULES = ("generated", "given", "folds", "rotating-folds")
PAIR_RULES = ("none",)
NODE_RULES = ("public", "given", "random", "ogb-official")


@dataclass(frozen=True)
class SplitRule:
    """How a dataset's links, or graphs, are divided.

    Args:
        rule: One of ``"random"``, ``"ncn-planetoid"``, ``"ogb-official"`` for links; for graphs
            ``"generated"``: each part is drawn anew for every seed, ``"given"`` in the files, or
            ``"folds"``: the files' folds, one a seed, each to be tested on after training on all
            other graphs, with no validation part, or ``"rotating-folds"``: folds drawn by the
            seed, one to test on and the next to validate on; for pairs of graphs, and where nodes
            alone are classified, ``"none"``.
        valid_ratio: For ``"random"``: share held out for validation.
        test_ratio: For ``"random"``: share held out for the test.
        test_uses_valid_edges: For ``"ogb-official"``: whether the test may use validation links.

    Example:
        >>> SplitRule("random", valid_ratio=0.05).test_ratio
        0.2
    """

    rule: str
    valid_ratio: float = 0.1
    test_ratio: float = 0.2
    test_uses_valid_edges: bool = False


@dataclass(frozen=True)
class NodeSplitRule:
    """How a graph's nodes are divided, to classify them.

    Args:
        rule: One of ``"public"``: Planetoid's masks, ``"given"``: masks in the files, of one split
            or of several, one a seed, ``"ogb-official"``, or ``"random"``: drawn by the seed.
        train_ratio: For ``"random"``: share of the labelled nodes to train on.
        valid_ratio: For ``"random"``: share of them for validation; the test takes the others.

    Example:
        >>> NodeSplitRule("random", train_ratio=0.1).valid_ratio
        0.2
    """

    rule: str
    train_ratio: float = 0.6
    valid_ratio: float = 0.2


@dataclass(frozen=True)
class Download:
    """Where missing files come from.

    Args:
        url: An ``http://`` or ``https://`` address.
        to: The file, or for an archive the folder, under the data root.
        member: The folder inside a zip archive that becomes ``to``; empty for a plain file.

    Example:
        >>> Download("https://example.org/ddi.zip", "ogb/ogbl_ddi", member="ddi").member
        'ddi'
    """

    url: str
    to: str
    member: str = ""


@dataclass(frozen=True)
class DatasetCard:
    """One dataset.

    Args:
        name: Its name, which is its file's name.
        title: What it is, in a line.
        reader: One of ``READER_OPTIONS``.
        licence: Under which terms its origin gives it.
        source: Where it is described.
        split: How its links are divided.
        metric: What published figures report, such as ``"hits@100"``.
        folder: Its folder under the data root, for readers of folders.
        files: Path under the data root -> ``sha256:<hex>``, ``git-blob-sha1:<hex>``, or ``None``
            where no checksum is known.
        downloads: Where the files come from.
        options: Keyword arguments of the reader.
        num_nodes: Number of nodes, if known; of many graphs all together.
        num_edges: Number of edges, if known; likewise. Of distinct undirected links, self-loops
            left out, unless the notes say what else it counts.
        num_features: Number of features a node, 0 for none, if known.
        notes: What a user of it should know.
        node_split: How its nodes are divided, if they have classes.
        num_graphs: Number of graphs, where there are many.
        num_edge_features: Number of features an edge, if known.
        num_targets: Number of classes, or of bits a graph, if known.
        num_scored: Number of pairs, or nodes, that one evaluation scores, validation and test
            together.
        num_trained: Number of nodes that are trained on, if known.
        otherwise: Name of the card that stands in where this one's files are not there and all of
            that one's are: the same data in another form.

    Example:
        >>> card = load_card("cora")
        >>> card.split.rule, card.num_nodes, card.metric
        ('ncn-planetoid', 2708, 'hits@100')
    """

    name: str
    title: str
    reader: str
    licence: str
    source: str
    split: SplitRule
    metric: str
    folder: str = ""
    files: Mapping[str, str | None] = field(default_factory=dict)
    downloads: tuple[Download, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    num_nodes: int | None = None
    num_edges: int | None = None
    num_features: int | None = None
    notes: str = ""
    node_split: NodeSplitRule | None = None
    num_graphs: int | None = None
    num_edge_features: int | None = None
    num_targets: int | None = None
    num_scored: int | None = None
    num_trained: int | None = None
    otherwise: str = ""

    @property
    def urls(self) -> tuple[str, ...]:
        """Every address its files come from."""
        return tuple(download.url for download in self.downloads)


def dataset_names() -> list[str]:
    """Return the name of every dataset that has a card, sorted.

    Example:
        >>> "digits-knn" in dataset_names()
        True
    """
    return sorted(path.stem for path in datasets_dir().glob("*.yaml"))


def load_card(name: str) -> DatasetCard:
    """Return the card of a dataset.

    Args:
        name: One of :func:`dataset_names`.

    Raises:
        UnknownNameError: If there is no such card; the nearest name is offered.

    Example:
        >>> load_card("ogbl-ddi").metric
        'hits@20'
    """
    names = dataset_names()
    if name not in names:
        raise unknown_name("dataset", name, names)
    return read_card(datasets_dir() / f"{name}.yaml")


def read_card(path: Path | str) -> DatasetCard:
    """Read one card file.

    Args:
        path: A YAML file.

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it is no valid YAML, a key is missing, or a value is not of its form.
        UnknownNameError: If it holds an unknown key, reader, or rule of a split.

    Example:
        >>> read_card(datasets_dir() / "cora.yaml").reader
        'planetoid'
    """
    path = Path(path)
    try:
        text = path.read_text(encoding="utf-8")
        content = yaml.safe_load(text)
    except FileNotFoundError:
        raise DataNotFoundError(f"no dataset card at {path}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise InputError(f"{path} cannot be read: {reason}", expected="a YAML file") from None
    reader = _Section(path, text, content)
    values = reader.values(DatasetCard)
    values["split"] = SplitRule(**reader.section("split").values(SplitRule))
    if "node_split" in values:
        node_rule = reader.section("node_split").values(NodeSplitRule)
        values["node_split"] = NodeSplitRule(**node_rule)
    if "downloads" in values:
        entries = reader.sections("downloads")
        values["downloads"] = tuple(Download(**entry.values(Download)) for entry in entries)
    card = DatasetCard(**values)
    if card.name != path.stem:
        raise InputError(f"{path} has name {card.name!r}", expected=f"{path.stem!r}, as its file")
    rules: tuple[str, ...] = LINK_RULES
    if card.reader in GRAPH_READERS + PAIR_READERS + NODE_READERS:
        rules = GRAPH_RULES if card.reader in GRAPH_READERS else PAIR_RULES
    for kind, given, known in (
        ("reader", card.reader, READER_OPTIONS),
        ("split rule", card.split.rule, rules),
        *([("node_split rule", card.node_split.rule, NODE_RULES)] if card.node_split else []),
        *(("option", str(key), READER_OPTIONS.get(card.reader, ())) for key in card.options),
    ):
        if given not in known:
            raise unknown_name(kind, given, known, where=reader.place(given))
    if card.reader in NODE_READERS and card.node_split is None:
        raise InputError(f"{path} has no key 'node_split'", expected="how its nodes are divided")
    if not card.files and card.reader not in _WITHOUT_FILES:
        raise InputError(f"{path} names no files", expected=f"what {card.reader} reads")
    files: Mapping[Any, Any] = card.files
    for file, checksum in files.items():
        if not isinstance(file, str):
            raise InputError(f"{reader.place(file)}: files names {file!r}", expected="a path")
        if checksum is not None and not _CHECKSUM.fullmatch(str(checksum)):
            raise InputError(
                f"{reader.place(file)}: the checksum of {file} is {checksum!r}",
                expected="sha256:<64 hex digits>, git-blob-sha1:<40 hex digits> or null",
            )
    for place in [card.folder, *card.files, *(download.to for download in card.downloads)]:
        if place.startswith("/") or ".." in PurePosixPath(place).parts or "\\" in place:
            raise InputError(f"{path} names {place!r}", expected="a path under the data root")
    for url in card.urls:
        if not url.startswith(("https://", "http://")):
            raise InputError(f"{path} has url {url!r}", expected="an http:// or https:// address")
    return card


_FORMS: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "float": (int, float),
    "bool": (bool,),
    "int | None": (int,),
    "SplitRule": (dict,),
    "NodeSplitRule | None": (dict,),
    "tuple[Download, ...]": (list,),
    "Mapping[str, str | None]": (dict,),
    "Mapping[str, Any]": (dict,),
}


class _Section:
    """A mapping inside a card, which knows its file for error texts."""

    def __init__(self, path: Path, text: str, content: Any, title: str = "") -> None:
        self.path, self.text, self.title = path, text, title
        if not isinstance(content, dict):
            raise InputError(
                f"{path}: {title or 'the card'} is {content!r}", expected="a mapping of keys"
            )
        self.content: dict[Any, Any] = content

    def place(self, word: object) -> str:
        """File and line where a word first stands at the start of a line or entry."""
        for number, line in enumerate(self.text.splitlines(), start=1):
            key, _, value = line.strip().removeprefix("- ").partition(":")
            if str(word) in (key.strip("'\""), value.strip().strip("'\"")):
                return f"{self.path}:{number}"
        return str(self.path)

    def section(self, key: str) -> _Section:
        return _Section(self.path, self.text, self.content[key], key)

    def sections(self, key: str) -> list[_Section]:
        return [_Section(self.path, self.text, entry, key) for entry in self.content[key]]

    def values(self, schema: type) -> dict[str, Any]:
        """The entries, each checked to be a field of the dataclass ``schema`` and of its type."""
        known = {entry.name: entry for entry in fields(schema)}
        for key, value in self.content.items():
            if key not in known:
                kind = f"{self.title} key" if self.title else "card key"
                raise unknown_name(kind, str(key), known, where=self.place(key))
            form = _FORMS[str(known[key].type)]
            if not isinstance(value, form) or (isinstance(value, bool) and bool not in form):
                raise InputError(
                    f"{self.place(key)}: {key} is {value!r}", expected=f"{known[key].type}"
                )
        for name, entry in known.items():
            required = entry.default is MISSING and entry.default_factory is MISSING
            if required and name not in self.content:
                where = f"{self.path}: {self.title}" if self.title else str(self.path)
                raise InputError(f"{where} has no key {name!r}", expected=f"{entry.type}")
        return dict(self.content)
