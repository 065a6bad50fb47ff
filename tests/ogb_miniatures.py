"""Miniatures of OGB's datasets in OGB's on-disk format, for tests; loaded by ``conftest.py``.

Binary names go through ogb's own ``DatasetSaver``; the others are text as OGB's are: tables that
pandas writes without header and index, gzipped, and split files that ``torch.save`` writes.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from graphlearn.data import load_card

LINKS = ("ogbl-collab", "ogbl-ddi", "ogbl-ppa", "ogbl-citation2", "ogbl-vessel")
NODES = ("ogbn-arxiv", "ogbn-products", "ogbn-papers100M")
GRAPHS = ("ogbg-molhiv", "ogbg-molpcba", "ogbg-ppa")
NAMES = (*LINKS, *NODES, *GRAPHS)

_SPLITS = {
    "ogbl-collab": "time", "ogbl-ddi": "target", "ogbl-ppa": "throughput",
    "ogbl-citation2": "time", "ogbl-vessel": "spatial", "ogbn-arxiv": "time",
    "ogbn-products": "sales_ranking", "ogbn-papers100M": "time", "ogbg-molhiv": "scaffold",
    "ogbg-molpcba": "scaffold", "ogbg-ppa": "species",
}  # fmt: skip
_NODES, _OWN_NEGATIVES, _NEGATIVES = 60, 20, 130


def write_miniature(name: str, root: Path, seed: int = 0) -> Path:
    """Write one under the data root and return its folder."""
    folder = root / load_card(name).folder
    rng = np.random.default_rng([seed, NAMES.index(name)])
    if name in LINKS:
        _write_links(name, folder, rng)
    elif name in NODES:
        _write_nodes(name, folder, rng)
    else:
        _write_graphs(name, folder, rng)
    return folder


def write_table(path: Path, rows: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pd.DataFrame(rows).to_csv(path, compression="gzip", header=False, index=False)


def communities(rng: np.random.Generator, nodes: int = _NODES) -> np.ndarray:
    """Distinct links [L, 2], mostly within four groups, no node without one; in random order."""
    group = np.arange(nodes) % 4
    first, second = np.triu_indices(nodes, 1)
    chance = np.where(group[first] == group[second], 0.5, 0.05)
    chance[second == first + 4] = 1.0
    links = np.stack([first, second], axis=1)[rng.random(len(first)) < chance]
    return rng.permutation(links)


def others(rng: np.random.Generator, links: np.ndarray, count: int) -> np.ndarray:
    """Distinct pairs that are no links."""
    known = {(int(u), int(v)) for u, v in links}
    pairs = [
        p for p in zip(*np.triu_indices(_NODES, 1), strict=True) if tuple(map(int, p)) not in known
    ]
    return np.array(pairs)[rng.choice(len(pairs), count, replace=False)]


def _write_links(name: str, folder: Path, rng: np.random.Generator) -> None:
    links = communities(rng)
    tenth = len(links) // 10
    valid, test, train = np.split(links, [tenth, 2 * tenth])
    split: dict[str, dict[str, np.ndarray]]
    if name == "ogbl-citation2":
        flip = rng.random(len(links)) < 0.5
        flip[:8] = True
        links[flip] = links[flip][:, ::-1]
        valid, test, train = np.split(links, [tenth, 2 * tenth])
        train = np.concatenate([train, test[:1, ::-1]])  # cited back: allowed where links are arcs
        split = {"train": {"source_node": train[:, 0], "target_node": train[:, 1]}}
        for part, pairs in (("valid", valid), ("test", test)):
            own = np.stack([_own_others(rng, links, int(u)) for u in pairs[:, 0]])
            split[part] = {
                "source_node": pairs[:, 0], "target_node": pairs[:, 1], "target_node_neg": own
            }  # fmt: skip
    else:
        negatives = others(rng, links, 3 * _NEGATIVES)
        of_train, of_valid, of_test = np.split(negatives, 3)
        split = {
            "train": {"edge": train},
            "valid": {"edge": valid, "edge_neg": of_valid},
            "test": {"edge": test, "edge_neg": of_test},
        }
        if name == "ogbl-vessel":
            split["train"]["edge_neg"] = of_train
        if name == "ogbl-collab":
            train = split["train"]["edge"] = np.concatenate([train, train[:5]])  # of two years
            for part in split.values():
                part["weight"] = np.ones(len(part["edge"]), dtype=np.int64)
                part["year"] = np.full(len(part["edge"]), 2017)
    features = {
        "ogbl-collab": rng.normal(size=(_NODES, 8)),
        "ogbl-ppa": np.eye(58, dtype=np.int64)[rng.integers(0, 58, _NODES)],
        "ogbl-citation2": rng.normal(size=(_NODES, 8)),
        "ogbl-vessel": rng.normal(size=(_NODES, 3)),
    }.get(name)
    if name == "ogbl-vessel":
        graph = {"edge_index": train.T, "num_nodes": _NODES, "node_feat": features}
        graph["edge_feat"] = rng.normal(size=(len(train), 3)).astype(np.float32)
        _save_binary(name, folder, [graph], split)
        return
    raw = folder / "raw"
    _write_raw(raw, [_NODES], [train], features)
    if name == "ogbl-collab":
        write_table(raw / "edge_weight.csv.gz", np.ones(len(train), dtype=np.int64))
        write_table(raw / "edge_year.csv.gz", np.full(len(train), 2017))
    if name == "ogbl-citation2":
        write_table(raw / "node_year.csv.gz", np.full(_NODES, 2019))
    place = folder / "split" / _SPLITS[name]
    place.mkdir(parents=True)
    for part, arrays in split.items():
        torch.save(arrays, place / f"{part}.pt")


def _own_others(rng: np.random.Generator, links: np.ndarray, source: int) -> np.ndarray:
    cited = links[links[:, 0] == source, 1]
    free = np.setdiff1d(np.arange(_NODES), [source, *cited])
    return rng.choice(free, _OWN_NEGATIVES, replace=False)


def _write_nodes(name: str, folder: Path, rng: np.random.Generator) -> None:
    links = communities(rng)
    classes = (np.arange(_NODES) % 4).astype(np.float32)[:, None]
    features = (rng.normal(size=(_NODES, 8)) + 2 * np.eye(8)[np.arange(_NODES) % 4]).astype("f4")
    order = rng.permutation(_NODES)
    parts = {"train": order[:20], "valid": order[20:30], "test": order[30:45]}
    place = folder / "split" / _SPLITS[name]
    if name == "ogbn-papers100M":
        classes[order[45:]] = np.nan
        graph = {"edge_index": links.T, "num_nodes": _NODES, "node_feat": features}
        graph["node_year"] = np.full((_NODES, 1), 2019)
        _save_binary(name, folder, [graph], parts, classes)
        shutil.rmtree(folder / "split")  # papers100M is older than split_dict.pt
    else:
        _write_raw(folder / "raw", [_NODES], [links], features)
        write_table(folder / "raw" / "node-label.csv.gz", classes.astype(np.int64))
        if name == "ogbn-arxiv":
            write_table(folder / "raw" / "node_year.csv.gz", np.full(_NODES, 2019))
    for part, ids in parts.items():
        write_table(place / f"{part}.csv.gz", ids)


def _write_graphs(name: str, folder: Path, rng: np.random.Generator) -> None:
    count, sizes, edges, atoms, bonds = 40, [], [], [], []
    for _ in range(count):
        size = int(rng.integers(3, 9))
        sizes.append(size)
        chain = np.stack([np.arange(size - 1), np.arange(1, size)], axis=1)
        edges.append(np.concatenate([chain, [[0, size - 1]]]) if size > 3 else chain)
        atoms.append(rng.integers(0, [5, 2, 3, 4, 2, 2, 3, 2, 2], (size, 9)))
        bonds.append(rng.integers(0, [4, 2, 2], (len(edges[-1]), 3)))
    raw = folder / "raw"
    kinds: np.ndarray = np.concatenate(bonds)
    if name == "ogbg-ppa":
        kinds = rng.random((len(kinds), 7)).round(3)
    _write_raw(raw, sizes, edges, None if name == "ogbg-ppa" else np.concatenate(atoms), kinds)
    first = np.array([int(a[0, 0]) for a in atoms])
    if name == "ogbg-ppa":
        labels = np.array(sizes) % 3
    elif name == "ogbg-molhiv":
        labels = (first > 1).astype(np.int64)
    else:
        labels = np.stack([first > 1, first % 2 == 0, first > 2], axis=1).astype(np.float64)
        labels[rng.random(labels.shape) < 0.3] = np.nan
    write_table(raw / "graph-label.csv.gz", labels)
    order = np.arange(count)
    for part, ids in (("train", order[:20]), ("valid", order[20:30]), ("test", order[30:])):
        write_table(folder / "split" / _SPLITS[name] / f"{part}.csv.gz", ids)


def _write_raw(
    raw: Path,
    sizes: list[int],
    edges: list[np.ndarray],
    node_feat: np.ndarray | None = None,
    edge_feat: np.ndarray | None = None,
) -> None:
    write_table(raw / "edge.csv.gz", np.concatenate(edges))
    write_table(raw / "num-node-list.csv.gz", sizes)
    write_table(raw / "num-edge-list.csv.gz", [len(pairs) for pairs in edges])
    for name, table in (("node-feat", node_feat), ("edge-feat", edge_feat)):
        if table is not None:
            write_table(raw / f"{name}.csv.gz", table)


def _save_binary(
    name: str,
    folder: Path,
    graphs: list[dict[str, Any]],
    split: dict[str, Any],
    labels: np.ndarray | None = None,
) -> None:
    """Through ogb's own saver, which prints and shows progress."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (
        ogb_modules("ogb.io.save_dataset") as (module,),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        saver = module.DatasetSaver(name, False, 1, root=str(folder.parent / "submission"))
        saver.save_graph_list(graphs)
        if labels is not None:
            saver.save_target_labels(labels)
        saver.save_split(split, _SPLITS[name])
    Path(saver.dataset_dir).rename(folder)
    shutil.rmtree(saver.submission_dir)


@contextlib.contextmanager
def ogb_modules(*names: str) -> Iterator[tuple[Any, ...]]:
    """Modules of ogb without ``ogb/__init__.py``, which asks the network for updates."""
    spec = importlib.util.find_spec("ogb")
    if spec is None:
        pytest.skip("ogb is not installed: pip install 'pyg-graphlearn[ogb]'")
    before = {key: sys.modules.pop(key) for key in _ogb_keys()}
    # Packages without their own code: ogb.linkproppred alone would load all of torch_geometric.
    for package in ("ogb", "ogb.io", "ogb.utils", "ogb.linkproppred", "ogb.nodeproppred",
                    "ogb.graphproppred"):  # fmt: skip
        shell = ModuleType(package)
        shell.__path__ = [str(Path(spec.submodule_search_locations[0], *package.split(".")[1:]))]
        sys.modules[package] = shell
    try:
        yield tuple(importlib.import_module(name) for name in names)
    finally:
        for key in _ogb_keys():
            del sys.modules[key]
        sys.modules.update(before)


def _ogb_keys() -> list[str]:
    return [key for key in sys.modules if key.partition(".")[0] == "ogb"]
