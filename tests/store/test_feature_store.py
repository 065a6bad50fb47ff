from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.loader import NodeLoader
from torch_geometric.loader.utils import filter_custom_hetero_store, filter_custom_store
from torch_geometric.sampler import (
    BaseSampler,
    HeteroSamplerOutput,
    NodeSamplerInput,
    SamplerOutput,
)

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.store import FeatureStore, MemoryStore, PinnedStore

X = torch.arange(20.0).view(10, 2)
Y = torch.arange(10) * 100


class Ring(BaseSampler):  # type: ignore[misc]
    """Each seed with the node after it, on a ring of ten nodes."""

    def sample_from_nodes(self, index: NodeSamplerInput, **_: Any) -> SamplerOutput:
        seeds = index.node
        node = torch.cat([seeds, (seeds + 1) % 10])
        place = torch.arange(len(seeds))
        return SamplerOutput(
            node, place + len(seeds), place, None, metadata=(index.input_id, index.time)
        )

    def sample_from_edges(self, *_: Any, **__: Any) -> SamplerOutput:
        raise NotImplementedError


class TypedRing(Ring):
    """The same between ten papers and ten authors."""

    def sample_from_nodes(self, index: NodeSamplerInput, **_: Any) -> HeteroSamplerOutput:
        seeds, place = index.node, torch.arange(len(index.node))
        kind = ("author", "writes", "paper")
        return HeteroSamplerOutput(
            {"paper": seeds, "author": (seeds + 1) % 10},
            {kind: place},
            {kind: place},
            {kind: None},
            metadata=(index.input_id, index.time),
        )


def ring() -> Data:
    return Data(edge_index=torch.stack([(torch.arange(10) + 1) % 10, torch.arange(10)]))


def test_pyg_loads_batches_from_it() -> None:
    features = FeatureStore({"x": MemoryStore(X), "y": Y})
    loader = NodeLoader((features, ring()), Ring(), input_nodes=torch.arange(10), batch_size=4)
    seen = []
    for batch in loader:
        assert torch.equal(batch.x, X[batch.n_id])
        assert torch.equal(batch.y, Y[batch.n_id])
        assert torch.equal(
            batch.n_id[batch.edge_index[0]], (batch.n_id[batch.edge_index[1]] + 1) % 10
        )
        seen += batch.n_id[: batch.batch_size].tolist()
    assert seen == list(range(10))


def test_pyg_loads_batches_of_several_types_from_it() -> None:
    graph = HeteroData()
    graph["author", "writes", "paper"].edge_index = torch.arange(10).repeat(2, 1)
    features = FeatureStore(
        {("paper", "x"): X, ("paper", "y"): Y, ("author", "x"): MemoryStore(-X.half())}
    )
    loader = NodeLoader(
        (features, graph), TypedRing(), input_nodes=("paper", torch.tensor([3, 9])), batch_size=2
    )
    (batch,) = loader
    assert torch.equal(batch["paper"].x, X[[3, 9]])
    assert batch["paper"].y.tolist() == [300, 900]
    assert torch.equal(batch["author"].x, -X[[4, 0]].half())
    loader = NodeLoader((features, graph), TypedRing(), input_nodes="paper", batch_size=10)
    (batch,) = loader  # PyG asks the store how many papers there are
    assert torch.equal(batch["paper"].x, X)


def test_filters_of_pyg_leave_the_store_as_it_is() -> None:
    features = FeatureStore({"x": X})
    node, none = torch.tensor([5, 1]), torch.empty(0, dtype=torch.int64)
    for _ in range(2):
        data = filter_custom_store(features, ring(), node, none, none, None)
        assert torch.equal(data.x, X[node])
        assert data.num_nodes == 2
    assert [attr.is_set("index") for attr in features.get_all_tensor_attrs()] == [False]
    typed = FeatureStore({("paper", "x"): X, ("venue", "x"): X})
    data = filter_custom_hetero_store(typed, HeteroData(), {"paper": node}, {}, {}, {})
    assert data.node_types == ["paper"]


INDICES: dict[str, Any] = {
    "int64": torch.tensor([3, 0, 3]),
    "int32": torch.tensor([3, 0, 3], dtype=torch.int32),
    "none of them": torch.empty(0, dtype=torch.int64),
    "a mask": torch.arange(10) % 3 == 0,
    "a slice": slice(2, 5),
    "a slice from the end": slice(-3, None),
    "a slice with gaps": slice(1, 9, 3),
    "a slice backwards": slice(None, None, -1),
    "an empty slice": slice(5, 2),
    "all": slice(None),
    "one": 7,
    "the last": -1,
}


@pytest.mark.parametrize("index", INDICES.values(), ids=INDICES)
def test_what_pyg_may_ask_for(index: Any) -> None:
    features = FeatureStore({"x": X, "y": Y})
    pick = X.numpy()[index.numpy() if isinstance(index, Tensor) else index]
    np.testing.assert_array_equal(features.get_tensor(None, "x", index).numpy(), pick)
    assert features.get_tensor_size(None, "x", index) == pick.shape
    np.testing.assert_array_equal(features[None, "y", index].numpy(), pick[..., 0] * 50)


def test_all_rows() -> None:
    features = FeatureStore({"x": X})
    assert torch.equal(features.get_tensor(None, "x", None), X)
    assert torch.equal(features.view(None, "x")(), X)
    assert features.get_tensor_size(None, "x") == (10, 2)
    assert features.get_tensor_size(None, "z") is None


def test_arrays_as_index() -> None:
    """Of PyG's own class, an array would be compared with "unset" number by number."""
    features = FeatureStore({"x": X})
    for index in (np.array([3, 1]), np.array([3, 1], np.uint8), np.arange(10) == 4):
        expected = X.numpy()[index]
        np.testing.assert_array_equal(features.get_tensor(None, "x", index).numpy(), expected)
        np.testing.assert_array_equal(features[None, "x", index].numpy(), expected)
        np.testing.assert_array_equal(features[None, "x"][index].numpy(), expected)
        assert features.get_tensor_size(None, "x", index) == expected.shape
        (attr,) = features.get_all_tensor_attrs()
        attr.index = index
        np.testing.assert_array_equal(features.multi_get_tensor([attr])[0].numpy(), expected)
    with pytest.raises(InputError, match="rows of x were to be written"):
        features.put_tensor(X[:1], None, "x", np.array([0]))


def test_stores_of_all_kinds(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X.numpy())
    features = FeatureStore(
        {
            "memory": MemoryStore(X),
            "pinned": PinnedStore(X, fallback="memory"),
            "tensor": X,
            "array": X.numpy(),
            "file": np.load(tmp_path / "x.npy", mmap_mode="r"),
        }
    )
    for name in ("memory", "pinned", "tensor", "array", "file"):
        assert torch.equal(features[None, name, torch.tensor([9, 2])].cpu(), X[[9, 2]])


def test_tables_share_buffers() -> None:
    features = FeatureStore({"x": X, "y": Y})
    one, other = features.stores.values()
    assert isinstance(one, MemoryStore)
    assert isinstance(other, MemoryStore)
    assert one.buffers is other.buffers


def test_names_of_edge_types() -> None:
    kind = ("paper", "cites", "paper")
    features = FeatureStore({(kind, "edge_attr"): X, ("paper", "x"): torch.ones(3, 1)})
    assert torch.equal(features[kind, "edge_attr", torch.tensor([1])], X[[1]])
    with pytest.raises(UnknownNameError, match=r"paper-cites-paper.edge_atr"):
        features.get_tensor(kind, "edge_atr", None)


def test_putting_and_removing_whole_stores() -> None:
    features = FeatureStore({"x": X})
    assert features.put_tensor(Y, group_name=None, attr_name="y", index=None)
    assert [attr.attr_name for attr in features.get_all_tensor_attrs()] == ["x", "y"]
    assert features.update_tensor(-Y, group_name=None, attr_name="y", index=None)
    assert features[None, "y", 1] == -100
    assert features.remove_tensor(None, "y", None)
    assert not features.remove_tensor(None, "y", None)
    assert list(features.stores) == [(None, "x")]


def test_rows_cannot_be_written() -> None:
    features = FeatureStore({"x": X})
    with pytest.raises(InputError, match=r"rows of x were to be written: expected a whole table"):
        features.put_tensor(X[:1], group_name=None, attr_name="x", index=torch.tensor([0]))
    with pytest.raises(InputError, match=r"y has 9 rows: expected 10, as x"):
        features.put_tensor(Y[:9], group_name=None, attr_name="y", index=None)


def test_features_and_graph_of_different_length() -> None:
    features = FeatureStore({"x": X, "y": Y})
    features.check_nodes(10)
    with pytest.raises(InputError, match=r"x has 10 rows: expected 11, one for each node"):
        features.check_nodes(11)
    typed = FeatureStore({("paper", "x"): X, ("author", "x"): X[:4]})
    typed.check_nodes({"paper": 10, "author": 4})
    typed.check_nodes({"paper": 10})
    with pytest.raises(InputError, match=r"author.x has 4 rows: expected 5"):
        typed.check_nodes({"paper": 10, "author": 5})
    with pytest.raises(UnknownNameError, match=r"no store is of 'venue': expected types author, p"):
        typed.check_nodes({"venue": 1})
    with pytest.raises(UnknownNameError, match=r"num_nodes is one number: expected types author"):
        typed.check_nodes(10)


def test_unknown_names_offer_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match=r"paper.y.*paper.x"):
        FeatureStore({("paper", "x"): X}).get_tensor("paper", "y", None)


@pytest.mark.parametrize(
    ("index", "error", "message"),
    [
        (torch.tensor([0, 10]), InputError, r"index holds 10: expected rows in \[0, 10\)"),
        (torch.tensor([-1]), InputError, r"index holds -1"),
        (10, InputError, r"index holds 10"),
        (-11, InputError, r"index holds -1"),
        (torch.ones(9, dtype=torch.bool), InputError, r"a mask of shape \[9\]: expected \[10\]"),
        (torch.tensor([0.5]), InputTypeError, r"index has dtype torch.float32"),
        ([0, 1], InputTypeError, r"index has list"),
        (True, InputTypeError, r"index has bool"),
    ],
)
def test_a_bad_index(index: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FeatureStore({"x": X}).get_tensor(None, "x", index)


@pytest.mark.parametrize(
    ("stores", "error", "message"),
    [
        ([X], InputTypeError, r"stores is a list: expected a mapping"),
        ({"x": [1.0]}, InputTypeError, r"x is a list: expected a store, a tensor or an array"),
        ({1: X}, InputTypeError, r"a store is named 1: expected a name such as 'x'"),
        ({("a", "b", "c"): X}, InputTypeError, r"a store is named \('a', 'b', 'c'\)"),
        ({(3, "x"): X}, InputTypeError, r"a store is named \(3, 'x'\)"),
        ({"x": X, "y": Y[:9]}, InputError, r"y has 9 rows: expected 10, as x"),
        ({("a", "x"): X, ("a", "y"): Y[:9]}, InputError, r"a.y has 9 rows: expected 10, as a.x"),
        ({"x": X, ("a", "y"): Y}, InputError, r"a.y stands beside x: expected a type before every"),
    ],
)
def test_bad_stores(stores: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        FeatureStore(stores)


def test_closing_closes_every_store() -> None:
    with FeatureStore({"x": X, "y": Y}) as features:
        pass
    with pytest.raises(InputError, match="the store was closed"):
        features.get_tensor(None, "y", None)
