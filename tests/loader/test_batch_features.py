from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data, HeteroData

from graphlearn.errors import InputError, InputTypeError
from graphlearn.loader import NeighborLoader
from graphlearn.loader.batch_features import BatchFeatures
from graphlearn.store import MemoryStore


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def attached(features: BatchFeatures, ids: list[int]) -> Data:
    """A batch of these nodes, made as PyG makes one of what is left to it."""
    batch = Data(n_id=torch.tensor(ids), num_nodes=len(ids))
    return features.attach(batch, {None: batch.n_id})


def test_wide_rows_are_gathered_and_narrow_ones_left_to_pyg(graph) -> None:
    features = BatchFeatures(graph)
    assert list(features.stores) == [(None, "x")]
    assert sorted(features.data.keys()) == sorted({*graph.keys(), "num_nodes"} - {"x"})
    batch = attached(features, [7, 0, 7])
    assert torch.equal(batch.x, graph.x[[7, 0, 7]])
    assert "num_nodes" not in batch  # the rows tell it
    assert batch.num_nodes == 3


def test_what_was_given_stays_as_it_was(graph, typed_graph) -> None:
    for data in (graph, typed_graph):
        before = data.to_dict()
        BatchFeatures(data)
        kind = None if data is graph else "paper"
        store = MemoryStore(torch.zeros(100 if kind is None else 60, 3))
        BatchFeatures(data, store if kind is None else {(kind, "y"): store})
        after = data.to_dict()
        assert after.keys() == before.keys()
        for key, value in before.items():
            assert (
                after[key] is value
                or after[key] == value
                or dict(after[key]).keys() == dict(value).keys()
            )
        assert "num_nodes" not in (data if kind is None else data["paper"])


def test_a_number_of_nodes_that_was_given_is_kept() -> None:
    data = Data(x=torch.zeros(5, 40), edge_index=torch.tensor([[0], [1]]), num_nodes=5)
    assert attached(BatchFeatures(data), [1, 2]).to_dict()["num_nodes"] == 2


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(5, 4),  # narrow
        torch.zeros(5, 80)[:, ::2],  # with gaps
        torch.zeros(5, 40, requires_grad=True),
        torch.nn.Parameter(torch.zeros(5, 40)),
        torch.zeros(5, 40, dtype=torch.complex64),
        np.zeros((5, 40), np.float32),
        torch.eye(5).to_sparse(),
        torch.zeros(4, 40),  # not of the nodes
        [[0.0] * 40] * 5,
    ],
    ids=lambda x: f"{type(x).__name__}",
)
def test_what_no_store_holds_is_left_to_pyg(x) -> None:
    data = Data(x=x, edge_index=torch.tensor([[0], [1]]), num_nodes=5)
    assert BatchFeatures(data).stores == {}
    assert BatchFeatures(data).data.x is x


def test_as_many_edges_as_nodes() -> None:
    # PyG tells attributes of edges by their names then.
    data = Data(
        x=torch.zeros(6, 40),
        edge_index=torch.stack([torch.arange(6), torch.arange(6).roll(1)]),
        edge_attr=torch.arange(6 * 40.0).view(6, 40),
    )
    features = BatchFeatures(data)
    assert list(features.stores) == [(None, "x")]
    assert features.data.edge_attr is data.edge_attr
    batch = next(iter(NeighborLoader(data, [1], batch_size=2)))
    assert torch.equal(batch.edge_attr, data.edge_attr[batch.e_id])


def test_types_are_gathered_each_by_its_ids(typed_graph) -> None:
    features = BatchFeatures(typed_graph)
    assert set(features.stores) == {("paper", "x"), ("author", "x")}
    batch = HeteroData(paper={"num_nodes": 2}, author={"num_nodes": 0})
    features.attach(batch, {"paper": torch.tensor([5, 3])})
    assert batch["paper"].x[:, 0].tolist() == [5, 3]
    assert batch["author"].x.shape == (0, 20)


@pytest.mark.parametrize("form", ["store", "tensor", "array", "mapping"])
def test_stores_stand_in_for_attributes_or_beside_them(graph, form) -> None:
    rows = torch.arange(200.0).view(100, 2)
    given: Any = {
        "store": MemoryStore(rows),
        "tensor": {"x": rows},
        "array": {"x": rows.numpy()},
        "mapping": {"x": MemoryStore(rows), "more": rows * 2},
    }[form]
    features = BatchFeatures(graph, given)
    assert "x" not in features.data
    batch = attached(features, [9, 1])
    assert torch.equal(batch.x, rows[[9, 1]])
    assert ("more" in batch) == (form == "mapping")


def test_a_graph_that_knows_its_nodes_by_the_store_s_attribute_alone() -> None:
    data = Data(x=torch.arange(4.0)[:, None], edge_index=torch.tensor([[0], [1]]))
    batch = attached(BatchFeatures(data, {"x": torch.arange(4.0)[:, None] * 10}), [3])
    assert batch.x.tolist() == [[30]]
    assert batch.num_nodes == 1


def test_only_some_stores_ask_for_an_order(graph) -> None:
    assert not BatchFeatures(graph).in_order

    class Ordered(MemoryStore):
        in_order = True

    assert BatchFeatures(graph, Ordered(graph.x)).in_order


@pytest.mark.parametrize(
    ("stores", "message"),
    [
        (
            {"x": torch.zeros(99, 3)},
            "feature_store holds 99 rows of 'x': expected 100, one for each node",
        ),
        (
            {("paper", "x"): torch.zeros(100, 3)},
            "feature_store holds ('paper', 'x'): expected an attribute's name",
        ),
        ({3: torch.zeros(100, 3)}, "feature_store holds 3: expected an attribute's name"),
        (
            torch.zeros(100, 3),
            "feature_store is a Tensor: expected a store, a mapping from attributes to stores, "
            "or a FeatureStore",
        ),
    ],
)
def test_stores_that_do_not_fit_are_refused(graph, stores, message) -> None:
    with pytest.raises((InputError, InputTypeError), match=exactly(message)):
        BatchFeatures(graph, stores)


@pytest.mark.parametrize(
    ("stores", "message"),
    [
        (
            {("paper", "x"): torch.zeros(59, 3)},
            "feature_store holds 59 rows of 'x': expected 60, one for each node of type 'paper'",
        ),
        (
            {("venue", "x"): torch.zeros(59, 3)},
            "feature_store holds 'x' of node type 'venue': expected one of 'paper', 'author'",
        ),
        (
            MemoryStore(torch.zeros(60, 3)),
            "feature_store holds 'x': expected (node type, attribute)",
        ),
    ],
)
def test_stores_that_do_not_fit_the_types_are_refused(typed_graph, stores, message) -> None:
    with pytest.raises((InputError, InputTypeError), match=exactly(message)):
        BatchFeatures(typed_graph, stores)
