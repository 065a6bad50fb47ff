"""What a reader of the README has: a checkout, data sets by name, files of their own. All small."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import yaml

OGB_NAMES = ("ogbl-ddi", "ogbl-collab", "ogbn-arxiv", "ogbg-molhiv", "ogbg-molpcba")


@pytest.fixture(scope="session")
def readers_checkout(
    repository: Path, ogb_miniatures: ModuleType, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A folder laid out as the checkout, to be used through links to what is in it.

    Package and recipes are the repository's. The cards are too, except that those of data sets made
    small here name the small files' checksums: the package reads nothing else, pickles least of
    all. The data root is the folder DATA.
    """
    checkout = tmp_path_factory.mktemp("checkout")
    for name in ("graphlearn", "experiments", "pyproject.toml"):
        (checkout / name).symlink_to(repository / name)
    root = checkout / "DATA"
    for name in OGB_NAMES:
        ogb_miniatures.write_miniature(name, root)
    _write_cora(root / "planetoid" / "Cora" / "raw")
    _write_mutag(root / "tu" / "MUTAG")
    _write_cards(repository / "datasets", checkout / "datasets", root)
    _write_own_files(checkout)
    return checkout


def _write_cards(originals: Path, folder: Path, root: Path) -> None:
    folder.mkdir()
    for original in originals.glob("*.yaml"):
        text = original.read_text(encoding="utf-8")
        card: dict[str, Any] = yaml.safe_load(text)
        files = card.get("files", {})
        if card["reader"] == "multitask":
            card["options"] = {"train": 32, "valid": 8, "test": 8}
            text = yaml.safe_dump(card)
        elif any(files.values()) and all((root / file).is_file() for file in files):
            card["files"] = {file: f"sha256:{_sha256(root / file)}" for file in files}
            for count in ("num_nodes", "num_edges", "num_features"):
                card.pop(count, None)
            text = yaml.safe_dump(card)
        (folder / original.name).write_text(text, encoding="utf-8")


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _links(rng: np.random.Generator, nodes: int, groups: int, count: int) -> np.ndarray:
    """Links ``[L, 2]`` of which nine in ten lie within a group."""
    first = rng.integers(0, nodes, count)
    near = (first + groups * rng.integers(1, nodes // groups, count)) % nodes
    second = np.where(rng.random(count) < 0.9, near, rng.integers(0, nodes, count))
    links: np.ndarray = np.stack([first, second], axis=1)[first != second]
    return links


def _write_cora(raw: Path) -> None:
    """Planetoid's eight files: the public split takes 500 nodes after the training ones."""
    rng = np.random.default_rng(0)
    train, valid, test, classes, words = 28, 500, 72, 7, 32
    nodes = train + valid + test
    kind = np.arange(nodes) % classes
    x = (rng.random((nodes, words)) < 0.05) | (rng.random((nodes, words)) < 0.4) & (
        np.arange(words) % classes == kind[:, None]
    )
    x[:, 0] = True  # no node without a word
    features, labels = scipy.sparse.csr_matrix(x.astype(np.float32)), np.eye(classes)[kind]
    neighbors: dict[int, list[int]] = {node: [] for node in range(nodes)}
    for u, v in _links(rng, nodes, classes, 1500).tolist():
        neighbors[u].append(v)
        neighbors[v].append(u)
    known = train + valid
    parts: dict[str, Any] = {
        "x": features[:train], "allx": features[:known], "tx": features[known:],
        "y": labels[:train], "ally": labels[:known], "ty": labels[known:],
        "graph": neighbors,
    }  # fmt: skip
    raw.mkdir(parents=True)
    for ending, content in parts.items():
        (raw / f"ind.cora.{ending}").write_bytes(pickle.dumps(content))
    order = rng.permutation(np.arange(known, nodes))
    (raw / "ind.cora.test.index").write_text("".join(f"{node}\n" for node in order))


def _write_mutag(folder: Path) -> None:
    """Rings and paths with two tags, in ten folds of two."""
    folds, graphs = 10, 20
    lines = [f"{graphs}"]
    for graph in range(graphs):
        size, ring = 4 + graph // 4, graph % 2
        lines.append(f"{size} {ring}")
        for node in range(size):
            near = {(node - 1) % size, (node + 1) % size} if ring else {node - 1, node + 1}
            near &= set(range(size))
            lines.append(" ".join(map(str, [node % 2, len(near), *sorted(near)])))
    (folder / "10fold_idx").mkdir(parents=True)
    (folder / "MUTAG.txt").write_text("\n".join(lines) + "\n")
    for fold in range(folds):
        for part in ("test", "train"):
            ids = [g for g in range(graphs) if (g % folds == fold) == (part == "test")]
            path = folder / "10fold_idx" / f"{part}_idx-{fold + 1}.txt"
            path.write_text("".join(f"{graph}\n" for graph in ids))


def _write_own_files(folder: Path) -> None:
    """An edge list, messages with times, and a table of what is known of the people."""
    rng = np.random.default_rng(1)
    people = np.array(["ann", "bob", "cy", "di", "eve", *(f"p{i}" for i in range(55))])
    edges = people[_links(rng, len(people), 4, 400)]
    pd.DataFrame(edges, columns=["a", "b"]).to_csv(folder / "my_edges.csv", index=False)
    messages = pd.DataFrame(people[_links(rng, len(people), 4, 600)])
    messages.columns = pd.Index(["sender", "receiver"])
    messages["sent"] = np.arange(len(messages))
    messages.to_csv(folder / "messages.csv", index=False)
    table = pd.DataFrame({"id": people, "age": rng.integers(20, 60, len(people))})
    table.to_parquet(folder / "nodes.parquet", index=False)
