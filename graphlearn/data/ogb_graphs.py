"""OGB's many graphs from their raw files: ogbg-molhiv, ogbg-molpcba, ogbg-ppa."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from graphlearn.data.graph_collection import GraphCollection
from graphlearn.data.graph_split import GraphSplit, Objective
from graphlearn.data.molecule_features import ATOM_CATEGORIES, BOND_CATEGORIES, check_categories
from graphlearn.data.ogb_index_split import PARTS, read_ogb_index_split
from graphlearn.data.ogb_raw import OgbRaw, read_labels, read_ogb_raw
from graphlearn.errors import InputError
from graphlearn.registry import unknown_name
from graphlearn.validate import check_flag, check_size

_OBJECTIVES: tuple[Objective, ...] = ("bits", "classes")


def read_ogb_graphs(
    folder: Path | str,
    name: str,
    *,
    objective: Objective = "bits",
    categories: bool = True,
    both_ways: bool = True,
    classes: int | None = None,
) -> GraphSplit:
    """Read many graphs with OGB's split of them.

    From "Open Graph Benchmark" (https://arxiv.org/abs/2005.00687): ``raw/`` as text
    (``edge.csv.gz``, ``node-feat.csv.gz``, ``edge-feat.csv.gz``, ``graph-label.csv.gz``) or as
    ``data.npz`` and ``graph-label.npz``. Graphs whose nodes have no features get one category, 0,
    for each, as OGB's own networks do.

    Args:
        folder: The dataset's folder (OGB calls it ``ogbg_molpcba``).
        name: The dataset's name, for error texts.
        objective: ``"bits"``: one or several bits a graph, NaN where one is not known; or
            ``"classes"``: one class a graph.
        categories: Whether features are the categories of atoms and bonds that
            :mod:`graphlearn.data.molecule_features` lists; else numbers.
        both_ways: Whether the files hold each edge once, to be added in the other direction too,
            with the same features (OGB's ``add_inverse_edge``).
        classes: How many classes there are, for ``objective="classes"``; any number if None.

    Shapes:
        - ``x`` of each part: ``[N, C]``; ``edge_index``: ``[2, E]``, a graph's edges each beside
          its reverse; ``edge_attr``: ``[E, D]``; ``y``: ``[G, T]`` float32 bits, or ``[G, 1]``
          int64 classes

    Raises:
        DataNotFoundError: If a file is missing.
        InputError: If a file is truncated or malformed, counts and rows differ, a feature is no
            category or not finite, or a target is no bit or class.
        UnknownNameError: If ``objective`` is none of the two.
        LeakError: If two parts share a graph.

    Example:
        >>> read_ogb_graphs("no/such/folder", "ogbg-molpcba")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: ogbg-molpcba: no raw files in no/such/folder/raw: \
expected edge.csv.gz or data.npz
    """
    if objective not in _OBJECTIVES:
        raise unknown_name("objective", objective, _OBJECTIVES)
    folder = Path(folder)
    classes = None if classes is None else check_size(classes, name="classes")
    raw = read_ogb_raw(folder / "raw", name, categories=check_flag(categories, name="categories"))
    for key, sizes in (("node_feat", ATOM_CATEGORIES), ("edge_feat", BOND_CATEGORIES)):
        table: Tensor | None = getattr(raw, key)
        if categories and table is not None:
            check_categories(table, sizes, name=f"{folder / 'raw'}: {key}")
    graphs = len(raw.num_nodes)
    targets = _targets(folder / "raw", graphs, objective, classes)
    every = _collection(raw, targets, twice=check_flag(both_ways, name="both_ways"))
    parts = read_ogb_index_split(folder, name, graphs)
    of_train, of_valid, of_test = (every.select(parts[part]) for part in PARTS)
    return GraphSplit(of_train, of_valid, of_test, objective, rule="given")


def _collection(raw: OgbRaw, targets: Tensor, *, twice: bool) -> GraphCollection:
    edge_index, edge_attr, num_edges = raw.edge_index, raw.edge_feat, raw.num_edges
    if twice:
        # Each beside its reverse, so that a graph's edges stay together.
        edge_index = torch.stack([edge_index, edge_index.flip(0)], dim=2).flatten(1)
        num_edges = 2 * num_edges
        if edge_attr is not None:
            edge_attr = edge_attr.repeat_interleave(2, dim=0)
    x = raw.node_feat
    if x is None:
        x = torch.zeros(int(raw.num_nodes.sum()), 1, dtype=torch.int64)
    return GraphCollection(
        _pointers(raw.num_nodes),
        x,
        y=targets,
        edge_ptr=_pointers(num_edges),
        edge_index=edge_index.contiguous(),
        edge_attr=edge_attr,
    )


def _targets(raw: Path, graphs: int, objective: Objective, number: int | None) -> Tensor:
    path, stored = read_labels(raw, "graph", graphs)
    if stored.ndim == 1:
        stored = stored[:, None]
    one = objective == "classes"
    fits = stored.ndim == 2 and len(stored) == graphs and (stored.shape[1] == 1 or not one)
    if not fits or stored.dtype.kind not in "iuf":
        raise InputError(
            f"{path} holds {stored.dtype} of shape {list(stored.shape)}",
            expected=f"numbers [{graphs}, {1 if one else 'T'}]",
        )
    if not one:
        return torch.from_numpy(stored.astype(np.float32))
    # Of integers beyond 2**53 a float is none in particular.
    most = np.float64(2**53 if number is None else number - 1)
    wrong = ~((stored >= 0) & (stored <= most) & (stored == np.floor(stored)))  # NaN is wrong too
    if wrong.any():
        graph = int(np.flatnonzero(wrong)[0])
        raise InputError(
            f"{path} holds what is no class: {stored[graph, 0]} of graph {graph}",
            expected="whole numbers from 0"
            if number is None
            else f"whole numbers in [0, {number})",
        )
    return torch.from_numpy(stored.astype(np.int64))


def _pointers(counts: Tensor) -> Tensor:
    return torch.cat([counts.new_zeros(1), counts.cumsum(0)])
