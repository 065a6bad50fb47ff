"""A dataset by name: card, files, reader, split, in that order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data.card import GRAPH_READERS, PAIR_READERS, DatasetCard, load_card
from graphlearn.data.checksum import check_files
from graphlearn.data.digits import digits_knn
from graphlearn.data.download import ensure_files
from graphlearn.data.edge_list import read_edge_list
from graphlearn.data.features import compact_features
from graphlearn.data.heterophily import read_heterophily
from graphlearn.data.ogb import read_ogb_link, read_ogb_split
from graphlearn.data.ogb_nodes import read_ogb_nodes
from graphlearn.data.planetoid import read_planetoid
from graphlearn.data.protocols import SplitEdges, ncn_planetoid_split, ogb_official_split
from graphlearn.data.root import find_data_root
from graphlearn.data.seal import read_seal_mat
from graphlearn.data.split import LinkSplit, random_link_split, tensor_digest
from graphlearn.errors import InputError


@dataclass(frozen=True, eq=False)
class Dataset:
    """A graph with its card, and its official split where it has one.

    Args:
        data: The graph; ``x`` is sparse CSR where under a tenth of it is non-zero. Masks that
            divide its nodes are there where the files have them.
        card: What the dataset is.
        split_edges: Links of the official split: part -> ``"edge"`` / ``"edge_neg"``.

    Shapes:
        - ``data.edge_index``: ``[2, E]``
        - ``split_edges``: every tensor ``[2, *]``

    Example:
        >>> dataset = load_dataset("digits-knn")
        >>> dataset.name, dataset.data.num_nodes
        ('digits-knn', 1797)
        >>> len(dataset.digest())
        64
    """

    data: Data
    card: DatasetCard
    split_edges: SplitEdges | None = None

    @property
    def name(self) -> str:
        """The dataset's name."""
        return self.card.name

    def digest(self) -> str:
        """Return a SHA-256 over features, edges and official split."""
        tensors: dict[str, Tensor | None] = {"x": self.data.get("x")}
        tensors["edge_index"] = self.data.edge_index
        for part, entries in sorted((self.split_edges or {}).items()):
            tensors |= {f"{part}/{key}": value for key, value in sorted(entries.items())}
        return tensor_digest(tensors, self.data.num_nodes)


def load_dataset(name: str, data_root: Path | str | None = None) -> Dataset:
    """Load a dataset by the name of its card; missing files are fetched, present ones checked.

    Args:
        name: One of :func:`graphlearn.data.dataset_names`.
        data_root: The folder that datasets lie in; by default ``$GRAPHLEARN_DATA``, else
            ``~/.cache/graphlearn``. Never written to unless a file has to be fetched.

    Shapes:
        - ``data.x``: ``[N, C]`` or absent, not normalised
        - ``data.edge_index``: ``[2, E]``

    Raises:
        UnknownNameError: If there is no such card.
        InputError: If the card is of many graphs, or of pairs of graphs.
        DataNotFoundError: If the data root or a file is missing and cannot be fetched.
        UnsafeFileError: If a file is not what its card says.

    Example:
        >>> load_dataset("digits-knn").data.x.shape
        torch.Size([1797, 64])
    """
    card = load_card(name)
    if card.reader in GRAPH_READERS:
        raise InputError(
            f"{name} is a data set of many graphs",
            expected="one graph, for link prediction",
            mend="use load_graph_split",
        )
    if card.reader in PAIR_READERS:
        raise InputError(
            f"{name} is a data set of pairs of graphs to tell apart",
            expected="one graph, for link prediction",
            mend="use load_graph_pairs",
        )
    # A named folder that is not there is an error even where nothing would be read from it.
    root = find_data_root(data_root)
    ensure_files(card, root)
    check_files(root, card.files)
    data, split_edges = _READERS[card.reader](card, root)
    if data.get("x") is not None:
        data.x = compact_features(data.x)
    return Dataset(data, card, split_edges)


def make_split(dataset: Dataset, seed: int | None = None) -> LinkSplit:
    """Split a dataset's links by the rule of its card.

    Args:
        dataset: As :func:`load_dataset` gives it.
        seed: Seed of the draw; not used by an official split, needed by the others.

    Shapes:
        - every pair tensor of the result: ``[2, *]``

    Raises:
        InputError: If the seed is missing, the graph is too small for the rule, or the card is of
            one whose nodes alone are divided.

    Example:
        >>> make_split(load_dataset("digits-knn"), seed=0).rule
        'random(0.1,0.2)'
    """
    rule = dataset.card.split
    if rule.rule == "none":
        raise InputError(
            f"{dataset.name} is a graph whose nodes are to be classified: its card has no split "
            "of links",
            expected="one for link prediction",
            mend="use make_node_split, or random_link_split with ratios of your own",
        )
    if rule.rule == "ogb-official":
        if dataset.split_edges is None:
            raise InputError(f"{dataset.name} has no official split", expected="split files of OGB")
        return ogb_official_split(
            dataset.data, dataset.split_edges, test_uses_valid_edges=rule.test_uses_valid_edges
        )
    if seed is None:
        raise InputError(f"the {rule.rule} split of {dataset.name} has no seed", expected="seed=0")
    if rule.rule == "ncn-planetoid":
        return ncn_planetoid_split(dataset.data, seed=seed)
    assert rule.rule == "random", rule
    return random_link_split(
        dataset.data, valid_ratio=rule.valid_ratio, test_ratio=rule.test_ratio, seed=seed
    )


def _planetoid(card: DatasetCard, root: Path) -> tuple[Data, None]:
    checksums = {Path(path).name: checksum for path, checksum in card.files.items()}
    return read_planetoid(root / card.folder, card.name, checksums=checksums), None


def _ogb_link(card: DatasetCard, root: Path) -> tuple[Data, SplitEdges]:
    folder = root / card.folder
    return read_ogb_link(folder, card.name), read_ogb_split(folder, card.name)


def _seal_mat(card: DatasetCard, root: Path) -> tuple[Data, None]:
    return read_seal_mat(root / next(iter(card.files)), **card.options), None


def _edge_list(card: DatasetCard, root: Path) -> tuple[Data, None]:
    return read_edge_list(root / next(iter(card.files)), **card.options), None


def _heterophily(card: DatasetCard, root: Path) -> tuple[Data, None]:
    return read_heterophily(root / next(iter(card.files)), **card.options), None


def _ogb_nodes(card: DatasetCard, root: Path) -> tuple[Data, None]:
    return read_ogb_nodes(root / card.folder, card.name, **card.options), None


def _digits_knn(card: DatasetCard, root: Path) -> tuple[Data, None]:
    return digits_knn(**card.options), None


_READERS: dict[str, Callable[[DatasetCard, Path], tuple[Data, SplitEdges | None]]] = {
    "planetoid": _planetoid,
    "ogb-link": _ogb_link,
    "seal-mat": _seal_mat,
    "edge-list": _edge_list,
    "digits-knn": _digits_knn,
    "heterophily": _heterophily,
    "ogb-nodes": _ogb_nodes,
}
