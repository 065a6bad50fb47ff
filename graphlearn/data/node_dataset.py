"""Graphs whose nodes are to be classified, by name: card, files, reader, parts."""

from __future__ import annotations

from pathlib import Path

from graphlearn.data.card import DatasetCard, NodeSplitRule, dataset_names, load_card
from graphlearn.data.dataset import Dataset, load_dataset
from graphlearn.data.node_protocols import node_split_from_pyg, random_node_split
from graphlearn.data.node_split import NodeSplit
from graphlearn.errors import InputError


def load_node_split(name: str, data_root: Path | str | None = None, *, seed: int = 0) -> NodeSplit:
    """Load a graph whose nodes are to be classified, divided as its card says.

    Args:
        name: The name of its card.
        data_root: The folder that data sets lie in; see :func:`graphlearn.data.load_dataset`.
        seed: Seed of the draw, or which split where the files hold several; not used by the
            others.

    Shapes:
        - ``data.x``: ``[N, C]``, dense or sparse CSR; ``data.edge_index``: ``[2, E]``;
          ``data.y``: ``[N]``; every mask: ``[N]``

    Raises:
        UnknownNameError: If there is no such card.
        InputError: If the card does not say how to divide nodes.
        DataNotFoundError: If the data root or a file is missing and cannot be fetched.
        UnsafeFileError: If a file is not what its card says.

    Example:
        >>> load_node_split("digits-knn", seed=3)
        NodeSplit(random(0.1,0.1), seed=3, nodes=1797, classes=10, train=179, valid=179, test=1439)
    """
    _rule(load_card(name))  # before a file is fetched or read
    return make_node_split(load_dataset(name, data_root), seed)


def make_node_split(dataset: Dataset, seed: int = 0) -> NodeSplit:
    """Divide a dataset's nodes by the rule of its card.

    Args:
        dataset: As :func:`graphlearn.data.load_dataset` gives it.
        seed: As in :func:`load_node_split`.

    Shapes:
        - every mask of the result: ``[N]``

    Raises:
        InputError: If the card does not say how to divide nodes, the reader gave no masks, or the
            seed is negative.

    Example:
        >>> from graphlearn.data import load_dataset
        >>> make_node_split(load_dataset("digits-knn"), 1).rule
        'random(0.1,0.1)'
    """
    rule = _rule(dataset.card)
    if rule.rule == "random":
        return random_node_split(
            dataset.data,
            train_ratio=rule.train_ratio,
            valid_ratio=rule.valid_ratio,
            seed=seed,
        )
    return node_split_from_pyg(
        dataset.data, seed=seed, rule=rule.rule, classes=dataset.card.num_targets
    )


def _rule(card: DatasetCard) -> NodeSplitRule:
    if card.node_split is None:
        known = [name for name in dataset_names() if load_card(name).node_split is not None]
        raise InputError(
            f"the card of {card.name} has no node_split: it does not say how to divide nodes",
            expected=f"one of {', '.join(known)}",
            mend="use random_node_split for a graph with classes",
        )
    return card.node_split
