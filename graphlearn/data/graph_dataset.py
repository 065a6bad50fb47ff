"""Data sets of many graphs, or sets, by name: card, files, reader, parts."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from graphlearn.data.card import GRAPH_READERS, PAIR_READERS, DatasetCard, load_card
from graphlearn.data.checksum import check_files
from graphlearn.data.counting import read_counting
from graphlearn.data.csl import csl_split
from graphlearn.data.download import ensure_files, present_card
from graphlearn.data.exp import read_exp
from graphlearn.data.graph_split import GraphSplit
from graphlearn.data.molecules import read_molecules
from graphlearn.data.multitask import multitask_split
from graphlearn.data.ogb_graphs import read_ogb_graphs
from graphlearn.data.ogb_molecules import read_ogb_molecules
from graphlearn.data.root import find_data_root
from graphlearn.data.second_minimum import second_minimum_split
from graphlearn.data.tu import read_tu
from graphlearn.errors import InputError


def load_graph_split(
    name: str, data_root: Path | str | None = None, *, seed: int = 0
) -> GraphSplit:
    """Load a data set of graphs, or draw a generated one, divided into its parts.

    Args:
        name: The name of its card.
        data_root: The folder that data sets lie in; see :func:`graphlearn.data.load_dataset`.
        seed: Seed of the draw, where something is drawn; which fold, where there are folds.

    Shapes:
        - ``x`` of each part: ``[N, C]``; ``y``: ``[G, T]``

    Raises:
        UnknownNameError: If there is no such card.
        InputError: If the card is of one graph, or of pairs of graphs.
        DataNotFoundError: If the data root or a file is missing and cannot be fetched.
        UnsafeFileError: If a file is not what its card says.

    Example:
        >>> load_graph_split("second-minimum", seed=0).objective
        'bits'
    """
    card = load_card(name)
    if card.reader not in GRAPH_READERS:
        pairs = card.reader in PAIR_READERS
        what = "pairs of graphs to tell apart" if pairs else "one graph"
        raise InputError(
            f"{name} is {what}",
            expected="a data set of many graphs",
            mend=f"use {'load_graph_pairs' if pairs else 'load_dataset'}",
        )
    root = find_data_root(data_root)
    card = present_card(card, root)
    ensure_files(card, root)
    check_files(root, card.files)
    return _READERS[card.reader](card, root, seed)


def _second_minimum(card: DatasetCard, root: Path, seed: int) -> GraphSplit:
    options = dict(card.options)
    options["larger"] = tuple(options.get("larger", ()))
    return second_minimum_split(**options, seed=seed)


def _multitask(card: DatasetCard, root: Path, seed: int) -> GraphSplit:
    return multitask_split(**card.options, seed=seed)


def _molecules(card: DatasetCard, root: Path, seed: int) -> GraphSplit:
    return read_molecules(root / next(iter(card.files)), **card.options)


def _counting(card: DatasetCard, root: Path, seed: int) -> GraphSplit:
    return read_counting(root / next(iter(card.files)), **card.options)


def _tu(card: DatasetCard, root: Path, seed: int) -> GraphSplit:
    stem = Path(card.folder).name
    return read_tu(root / card.folder, stem, **card.options, seed=seed)


def _csl(card: DatasetCard, root: Path, seed: int) -> GraphSplit:
    return csl_split(**card.options, seed=seed)


def _exp(card: DatasetCard, root: Path, seed: int) -> GraphSplit:
    path, checksum = next(iter(card.files.items()))
    return read_exp(root / path, checksum=checksum, **card.options, seed=seed)


def _ogb_molecules(card: DatasetCard, root: Path, seed: int) -> GraphSplit:
    return read_ogb_molecules(root / card.folder, **card.options)


def _ogb_graphs(card: DatasetCard, root: Path, seed: int) -> GraphSplit:
    return read_ogb_graphs(root / card.folder, card.name, **card.options)


_READERS: dict[str, Callable[[DatasetCard, Path, int], GraphSplit]] = {
    "second-minimum": _second_minimum,
    "multitask": _multitask,
    "molecules": _molecules,
    "counting": _counting,
    "tu": _tu,
    "csl": _csl,
    "exp": _exp,
    "ogb-molecules": _ogb_molecules,
    "ogb-graphs": _ogb_graphs,
}
