"""Every OGB name made small, read by ogb's own code and by ours: the same arrays."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
import torch

from graphlearn.data import (
    audit_split,
    load_card,
    load_dataset,
    load_graph_split,
    load_node_split,
    make_split,
)
from graphlearn.data.ogb_raw import read_ogb_raw

NAMES = (
    "ogbl-collab", "ogbl-ddi", "ogbl-ppa", "ogbl-citation2", "ogbl-vessel", "ogbn-arxiv",
    "ogbn-products", "ogbn-papers100M", "ogbg-molhiv", "ogbg-molpcba", "ogbg-ppa",
)  # fmt: skip


@pytest.fixture(autouse=True)
def unchecked(monkeypatch) -> None:
    """The miniature of ogbl-ddi has not the checksums of the real one."""
    monkeypatch.setattr("graphlearn.data.dataset.check_files", lambda root, files: None)


@pytest.mark.parametrize("name", NAMES)
def test_ogbs_own_reader_gives_the_same_arrays(name, ogb_root, ogb_miniatures) -> None:
    raw = ogb_root / load_card(name).folder / "raw"
    found = read_ogb_raw(raw, name, categories=name.startswith("ogbg-mol"))
    with (
        ogb_miniatures.ogb_modules("ogb.io.read_graph_raw") as (module,),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        binary = (raw / "data.npz").is_file()
        read = module.read_binary_graph_raw if binary else module.read_csv_graph_raw
        graphs = read(str(raw), False)
    assert found.num_nodes.tolist() == [graph["num_nodes"] for graph in graphs]
    for ours, theirs, axis in (
        (found.edge_index, "edge_index", 1),
        (found.node_feat, "node_feat", 0),
        (found.edge_feat, "edge_feat", 0),
    ):
        if ours is None:
            assert graphs[0][theirs] is None
        else:
            joined = np.concatenate([graph[theirs] for graph in graphs], axis=axis)
            assert np.array_equal(ours.numpy(), joined.astype(ours.numpy().dtype))


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("ogbl")])
def test_links_become_an_official_split(name, ogb_root) -> None:
    dataset = load_dataset(name, ogb_root)
    split = make_split(dataset)
    assert (split.rule, split.seed) == ("ogb-official", None)
    assert split.test_uses_valid_edges == (name == "ogbl-collab")
    audit = audit_split(split)
    assert audit.ok
    if name == "ogbl-citation2":
        assert split.test_negatives.shape == (2, split.test_pairs.size(1), 20)
        assert torch.equal(split.test_negatives[0, :, 3], split.test_pairs[0])
        kinds = {warning.kind for warning in audit.warnings}
        assert "test links that are training links" in kinds  # the one that is cited back
        assert "valid" in repr(split)
    else:
        assert split.valid_negatives.shape == (2, 130)
        assert audit.findings == ()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("ogbn")])
def test_nodes_become_a_split(name, ogb_root) -> None:
    split = load_node_split(name, ogb_root)
    # As many as the card states, though a miniature has four of them alone.
    classes = {"ogbn-arxiv": 40, "ogbn-products": 47, "ogbn-papers100M": 172}[name]
    assert repr(split) == (
        f"NodeSplit(ogb-official, seed=None, nodes=60, classes={classes}, "
        "train=20, valid=10, test=15)"
    )
    assert int((split.data.y < 0).sum()) == (15 if name == "ogbn-papers100M" else 0)
    edge_index = split.data.edge_index
    assert torch.equal(edge_index.flip(0).unique(dim=1), edge_index.unique(dim=1))


@pytest.mark.parametrize(
    ("name", "objective", "targets"),
    [("ogbg-molhiv", "bits", 1), ("ogbg-molpcba", "bits", 3), ("ogbg-ppa", "classes", 1)],
)
def test_graphs_become_a_split(name, objective, targets, ogb_root) -> None:
    split = load_graph_split(name, ogb_root)
    assert split.objective == objective
    assert [len(part) for part in split.parts().values()] == [20, 10, 10]
    assert split.train.y.shape == (20, targets)
    assert bool(split.train.y.isnan().any()) == (name == "ogbg-molpcba")
    graph = split.train.batch(torch.tensor([4]))
    forth, back = graph.edge_index[:, ::2], graph.edge_index[:, 1::2]
    assert torch.equal(forth.flip(0), back)
    assert torch.equal(graph.edge_attr[::2], graph.edge_attr[1::2])
    if name == "ogbg-ppa":
        assert (split.train.x.dtype, int(split.train.x.max())) == (torch.int64, 0)
        assert split.train.edge_attr.shape[1] == 7
    else:
        assert (split.train.x.shape[1], split.train.edge_attr.shape[1]) == (9, 3)
