from __future__ import annotations

import copy
import pickle
import re
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch_geometric.data import Data, HeteroData

from graphlearn.errors import InputError, InputTypeError
from graphlearn.loader import NeighborLoader
from graphlearn.loader.batch_features import BatchFeatures, SplitData
from graphlearn.store import MemoryStore

EDGE = torch.tensor([[0], [1]])


def exactly(text: str) -> str:
    return f"^{re.escape(text)}$"


def attached(split: SplitData, ids: list[int]) -> Data:
    """A batch of these nodes, made as PyG makes one of what is left to it."""
    batch = Data(n_id=torch.tensor(ids), num_nodes=len(ids))
    return split.attach(batch, {None: batch.n_id})


def numbered(nodes: int, dim: int = 32) -> torch.Tensor:
    return torch.arange(float(nodes))[:, None].expand(-1, dim).clone()


# Split and attached #############################################################################


def test_wide_rows_are_gathered_and_narrow_ones_left_to_pyg(graph) -> None:
    split = BatchFeatures().split(graph)
    assert list(split.stores) == [(None, "x")]
    assert sorted(split.light.keys()) == sorted({*graph.keys(), "num_nodes"} - {"x"})
    assert split.light.num_nodes == 100
    batch = attached(split, [7, 0, 7])
    assert torch.equal(batch.x, graph.x[[7, 0, 7]])
    assert "num_nodes" not in batch  # the rows tell it
    assert batch.num_nodes == 3


def test_what_was_given_stays_as_it_was(graph, typed_graph) -> None:
    for data in (graph, typed_graph):
        before = data.to_dict()
        kind = None if data is graph else "paper"
        store = MemoryStore(torch.zeros(100 if kind is None else 60, 3))
        given = store if kind is None else {(kind, "y"): store}
        for features in (
            BatchFeatures(hetero=kind is not None),
            BatchFeatures(given, hetero=kind is not None),
        ):
            features.check(data)
            features.split(data)
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
    data = Data(x=torch.zeros(5, 40), edge_index=EDGE, num_nodes=5)
    split = BatchFeatures().split(data)
    assert split.counted == set()
    assert attached(split, [1, 2]).to_dict()["num_nodes"] == 2


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
    split = BatchFeatures().split(Data(x=x, edge_index=EDGE, num_nodes=5))
    assert split.stores == {}
    assert split.light.x is x


def test_as_many_edges_as_nodes() -> None:
    # PyG tells attributes of edges by their names then.
    data = Data(
        x=torch.zeros(6, 40),
        edge_index=torch.stack([torch.arange(6), torch.arange(6).roll(1)]),
        edge_attr=torch.arange(6 * 40.0).view(6, 40),
    )
    split = BatchFeatures().split(data)
    assert list(split.stores) == [(None, "x")]
    assert split.light.edge_attr is data.edge_attr
    batch = next(iter(NeighborLoader(data, [1], batch_size=2)))
    assert torch.equal(batch.edge_attr, data.edge_attr[batch.e_id])


def test_types_are_gathered_each_by_its_ids(typed_graph) -> None:
    split = BatchFeatures(hetero=True).split(typed_graph)
    assert set(split.stores) == {("paper", "x"), ("author", "x")}
    assert split.counted == {"paper", "author"}
    batch = HeteroData(paper={"num_nodes": 2}, author={"num_nodes": 0})
    split.attach(batch, {"paper": torch.tensor([5, 3])})
    assert batch["paper"].x[:, 0].tolist() == [5, 3]
    assert batch["author"].x.shape == (0, 20)
    assert "num_nodes" not in batch["paper"]
    assert "num_nodes" not in batch["author"]


@pytest.mark.parametrize("form", ["store", "tensor", "array", "mapping"])
def test_stores_stand_in_for_attributes_or_beside_them(graph, form) -> None:
    rows = torch.arange(200.0).view(100, 2)
    given: Any = {
        "store": MemoryStore(rows),
        "tensor": rows,
        "array": rows.numpy(),
        "mapping": {"x": MemoryStore(rows), "more": rows * 2},
    }[form]
    features = BatchFeatures(given)
    features.check(graph)
    split = features.split(graph)
    assert "x" not in split.light
    batch = attached(split, [9, 1])
    assert torch.equal(batch.x, rows[[9, 1]])
    assert ("more" in batch) == (form == "mapping")


def test_a_graph_that_knows_its_nodes_by_the_store_s_attribute_alone() -> None:
    data = Data(x=torch.arange(4.0)[:, None], edge_index=EDGE)
    features = BatchFeatures({"x": torch.arange(4.0)[:, None] * 10})
    features.check(data)
    batch = attached(features.split(data), [3])
    assert batch.x.tolist() == [[30]]
    assert batch.num_nodes == 1


# Order ##########################################################################################


class Ordered(MemoryStore):
    in_order = True
    rewound = 0

    def rewind(self) -> None:
        self.rewound += 1


def test_only_some_stores_ask_for_an_order(graph) -> None:
    assert not BatchFeatures().in_order
    assert not BatchFeatures(MemoryStore(graph.x)).in_order
    assert BatchFeatures({"x": Ordered(graph.x), "y": MemoryStore(graph.y)}).in_order


def test_rewinding_reaches_every_store(graph) -> None:
    stores = {"x": Ordered(graph.x), "more": Ordered(graph.x), "y": MemoryStore(graph.y)}
    BatchFeatures(stores).rewind()
    assert stores["x"].rewound == stores["more"].rewound == 1


# What is assigned later #########################################################################


def test_what_is_assigned_later_is_gathered_then(graph) -> None:
    features = BatchFeatures()
    features.check(graph)
    first = features.split(graph)
    graph.x = graph.x * 2
    graph.more = graph.x + 1
    second = features.split(graph)
    assert set(second.stores) == {(None, "x"), (None, "more")}
    batch = attached(second, [4])
    assert torch.equal(batch.x, graph.x[[4]])
    assert torch.equal(batch.more, graph.x[[4]] + 1)
    assert torch.equal(attached(first, [4]).x, graph.x[[4]] / 2)  # as it was then
    del graph.x
    assert set(features.split(graph).stores) == {(None, "more")}


def test_an_unchanged_table_keeps_its_store(graph) -> None:
    features = BatchFeatures()
    first, second = (features.split(graph).stores[None, "x"] for _ in range(2))
    assert first is second


def test_rows_put_into_the_same_tensor_are_seen(graph) -> None:
    features = BatchFeatures()
    for change in (
        lambda: graph.x.mul_(3),
        lambda: setattr(graph.x, "data", torch.rand(100, 40)),
        lambda: graph.x.share_memory_().add_(1),
    ):
        features.split(graph)
        change()
        assert torch.equal(attached(features.split(graph), [8, 1]).x, graph.x[[8, 1]])


def test_a_table_that_is_gone_does_not_stay_in_memory(graph) -> None:
    features = BatchFeatures()
    features.check(graph)
    features.split(graph)
    x = graph.x
    del graph.x
    features.split(graph)
    assert sys.getrefcount(x) == 2  # ours, and the argument's


def test_the_number_of_nodes_outlasts_what_told_it(typed_graph) -> None:
    # Edges do not reach node 4, so they would tell of four nodes.
    data = Data(x=numbered(5), y=torch.arange(5), edge_index=torch.tensor([[0, 3], [1, 2]]))
    for stores in (None, numbered(5, 3)):
        features = BatchFeatures(stores)
        features.check(data)
        later = copy.copy(data)
        del later.x
        split = features.split(later)
        assert split.light.num_nodes == 5
        assert "num_nodes" not in later
        assert "num_nodes" not in attached(split, [4])
    features = BatchFeatures(hetero=True)
    features.check(typed_graph)
    del typed_graph["author"].x
    assert features.split(typed_graph).light["author"].num_nodes == 40


def test_rows_of_another_number_are_refused_later_too(graph, typed_graph) -> None:
    features = BatchFeatures()
    features.check(graph)
    for rows in (99, 200):
        graph.x = torch.zeros(rows, 32)
        message = f"x has {rows} rows: expected 100, one for each node"
        with pytest.raises(InputError, match=exactly(message)):
            features.split(graph)
    features = BatchFeatures(hetero=True)
    features.check(typed_graph)
    typed_graph["author"].x = torch.zeros(39, 20)
    with pytest.raises(InputError, match="^x has 39 rows: expected 40, one for each node"):
        features.split(typed_graph)


def test_copies_read_the_rows_of_their_own_graph(graph) -> None:
    features = BatchFeatures()
    features.check(graph)
    features.split(graph)
    clone: Callable[[Any], Any] = lambda part: pickle.loads(pickle.dumps(part))  # noqa: E731
    for make in (copy.deepcopy, clone):
        again, data = make((features, graph))
        data.x.mul_(2)
        assert torch.equal(attached(again.split(data), [8, 1]).x, graph.x[[8, 1]] * 2)
        data.x = torch.zeros(7, 32)
        with pytest.raises(InputError, match="^x has 7 rows"):
            again.split(data)


# Bad input ######################################################################################


@pytest.mark.parametrize(
    ("stores", "message"),
    [
        (
            {"x": torch.zeros(99, 3)},
            "feature_store holds 99 rows of 'x': expected 100, one for each node",
        ),
        (
            torch.zeros(101, 3),
            "feature_store holds 101 rows of 'x': expected 100, one for each node",
        ),
        (
            {("paper", "x"): torch.zeros(100, 3)},
            "feature_store holds ('paper', 'x'): expected an attribute's name",
        ),
        ({3: torch.zeros(100, 3)}, "feature_store holds 3: expected an attribute's name"),
        (
            "x.npy",
            "feature_store is a str: expected a store, a mapping from attributes to stores, "
            "or a FeatureStore",
        ),
    ],
)
def test_stores_that_do_not_fit_are_refused(graph, stores, message) -> None:
    with pytest.raises((InputError, InputTypeError), match=exactly(message)):
        BatchFeatures(stores).check(graph)


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
        BatchFeatures(stores, hetero=True).check(typed_graph)


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"x": torch.zeros(30, 3)}, "x has 30 rows: expected 50, one for each node"),
        ({"x": torch.zeros(51, 40)}, "x has 51 rows: expected 50, one for each node"),
        ({"x": np.zeros((49, 3))}, "x has 49 rows: expected 50, one for each node"),
        ({"pos": torch.zeros(3, 3)}, "pos has 3 rows: expected 50, one for each node"),
        ({"edge_attr": torch.zeros(2, 3)}, "edge_attr has 2 rows: expected 1, one for each edge"),
        ({"edge_attr": torch.zeros(0)}, "edge_attr has 0 rows: expected 1, one for each edge"),
        ({"edge_weight": torch.ones(9)}, "edge_weight has 9 rows: expected 1, one for each edge"),
    ],
)
def test_attributes_of_another_length_are_refused(attributes, message) -> None:
    data = Data(edge_index=EDGE, num_nodes=50, **attributes)
    with pytest.raises(InputError, match=exactly(message)):
        BatchFeatures().check(data)
    with pytest.raises(InputError, match=exactly(message)):
        NeighborLoader(data, [1])


def test_attributes_of_another_length_than_their_type_s_are_refused(typed_graph) -> None:
    typed_graph["paper"].num_nodes = 60
    typed_graph["paper"].x = torch.zeros(50, 3)
    message = exactly("x has 50 rows: expected 60, one for each node of 'paper'")
    with pytest.raises(InputError, match=message):
        BatchFeatures(hetero=True).check(typed_graph)
    with pytest.raises(InputError, match=message):
        NeighborLoader(typed_graph, [1], "author")
    typed_graph["paper"].x = torch.zeros(60, 3)
    typed_graph["author", "writes", "paper"].edge_attr = torch.zeros(199)
    with pytest.raises(InputError, match="^edge_attr has 199 rows: expected 200, one for each"):
        BatchFeatures(hetero=True).check(typed_graph)
