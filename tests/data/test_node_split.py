"""A node split holds what fits together, and refuses what does not."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from torch_geometric.data import Data

from graphlearn.data import NodeSplit
from graphlearn.errors import InputError, InputTypeError, LeakError

NODES = 6


def graph(**changes) -> Data:
    fields = {
        "x": torch.eye(NODES),
        "edge_index": torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 5]]),
        "y": torch.tensor([0, 1, 2, 0, 3, -1]),
    } | changes
    return Data(**{name: value for name, value in fields.items() if value is not None})


def mask(*nodes: int) -> torch.Tensor:
    return torch.zeros(NODES, dtype=torch.bool).index_fill_(0, torch.tensor(nodes), True)


PARTS = {"train_mask": mask(0, 1), "valid_mask": mask(2), "test_mask": mask(3)}


def split(data: Data | None = None, **changes) -> NodeSplit:
    return NodeSplit(data or graph(), **(PARTS | changes))


def test_parts_classes_and_how_it_shows() -> None:
    made = split(rule="public")
    assert list(made.parts()) == ["train", "valid", "test"]
    assert torch.equal(made.parts()["train"], mask(0, 1))
    shown = "NodeSplit(public, seed=None, nodes=6, classes=3, train=2, valid=1, test=1)"
    assert repr(made) == shown
    with pytest.raises(dataclasses.FrozenInstanceError):
        made.rule = "other"  # type: ignore[misc]


@pytest.mark.parametrize("part", ["train_mask", "valid_mask", "test_mask"])
def test_the_largest_class_of_any_part_counts(part) -> None:
    # Node 4 alone has class 3; while it is in no part, that class is none.
    assert split().num_classes == 3
    assert split(**{part: PARTS[part] | mask(4)}).num_classes == 4


def test_features_stay_as_they_are_and_are_given_dense() -> None:
    sparse = graph(x=torch.eye(NODES).to_sparse_csr())
    made = split(sparse)
    assert made.data.x.layout == torch.sparse_csr
    assert torch.equal(made.dense_x, torch.eye(NODES))
    dense = split()
    assert dense.dense_x is dense.data.x


def test_the_graph_is_kept_checked_and_the_users_is_left_alone() -> None:
    data = graph(edge_index=torch.tensor([[0], [5]], dtype=torch.int32))
    assert split(data).data.edge_index.dtype == torch.int64
    assert split(data).data.num_nodes == NODES
    assert data.edge_index.dtype == torch.int32


def test_the_digest_sees_features_edges_classes_and_every_mask() -> None:
    made = split()
    digests = {made.digest()}
    digests.add(split(graph(x=2 * torch.eye(NODES))).digest())
    digests.add(split(graph(edge_index=torch.tensor([[0], [5]]))).digest())
    digests.add(split(graph(y=torch.tensor([0, 1, 2, 1, 3, -1]))).digest())
    digests.update(split(**{name: PARTS[name] | mask(4)}).digest() for name in PARTS)
    digests.add(split(train_mask=PARTS["valid_mask"], valid_mask=PARTS["train_mask"]).digest())
    assert len(digests) == 8
    assert split(rule="another name", seed=3).digest() == made.digest()


@pytest.mark.parametrize("name", list(PARTS))
@pytest.mark.parametrize(
    ("wrong", "error", "text"),
    [
        (torch.zeros(NODES), InputTypeError, r"has dtype torch\.float32: expected a bool tensor"),
        (torch.tensor([0, 1]), InputTypeError, r"has dtype torch\.int64"),
        ([True] * NODES, InputTypeError, "has type list"),
        (None, InputTypeError, "has type NoneType"),
        (torch.ones(NODES + 1, dtype=torch.bool), InputError, r"has shape \[7\]: expected \[6\]"),
        (torch.ones(NODES, 1, dtype=torch.bool), InputError, r"has shape \[6, 1\]"),
        (torch.tensor(True), InputError, r"has shape \[\]"),
        (torch.zeros(NODES, dtype=torch.bool), InputError, "is empty: expected at least one node"),
        (mask(5, 4), InputError, "holds 1 nodes without a class, the first node 5 with y -1"),
    ],
)
def test_a_wrong_mask_is_refused(name, wrong, error, text) -> None:
    with pytest.raises(error, match=f"{name} {text}"):
        split(**{name: wrong})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"valid_mask": mask(1, 2)}, "train_mask and valid_mask share 1 nodes, the first node 1"),
        ({"test_mask": mask(0, 1, 3)}, "train_mask and test_mask share 2 nodes, the first node 0"),
        ({"test_mask": mask(2)}, "valid_mask and test_mask share 1 nodes"),
    ],
)
def test_parts_that_share_a_node_are_a_leak(changes, text) -> None:
    with pytest.raises(LeakError, match=text):
        split(**changes)


@pytest.mark.parametrize(
    ("changes", "error", "text"),
    [
        ({"x": None, "num_nodes": NODES}, InputError, "data has no features x.*torch.eye"),
        ({"x": torch.eye(NODES).long()}, InputTypeError, r"x has dtype torch\.int64"),
        ({"x": torch.full((NODES, 2), torch.nan)}, InputError, "12 values that are NaN"),
        ({"x": torch.eye(NODES)[:5]}, InputError, "x has 5 rows"),
        ({"y": None}, InputError, "data has no classes y"),
        ({"y": torch.zeros(NODES)}, InputTypeError, r"y has dtype torch\.float32.*class_labels"),
        ({"y": torch.zeros(NODES, dtype=torch.int32)}, InputTypeError, r"dtype torch\.int32"),
        ({"y": torch.zeros(NODES, 1).long()}, InputError, r"y has shape \[6, 1\]: expected \[6\]"),
        ({"y": torch.zeros(5).long()}, InputError, r"y has shape \[5\]"),
        ({"y": torch.tensor([0, -2, 0, 0, 0, 0])}, InputError, "train_mask holds 1 nodes.*y -2"),
        ({"edge_index": torch.tensor([[0], [9]])}, InputError, "names node 9"),
        ({"edge_index": None}, InputError, "data has no edge_index"),
    ],
)
def test_a_graph_that_does_not_fit_is_refused(changes, error, text) -> None:
    with pytest.raises(error, match=text):
        split(graph(**changes))


def test_what_is_no_graph_is_refused() -> None:
    with pytest.raises(InputTypeError, match="data is a dict"):
        NodeSplit({}, **PARTS)  # type: ignore[arg-type]
