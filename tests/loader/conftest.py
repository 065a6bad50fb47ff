"""Graphs of both kinds, the same in PyG's stores, and the comparison of batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData
from torch_geometric.testing import MyFeatureStore, MyGraphStore

NODES, EDGES = 100, 600
TYPES = {"paper": 60, "author": 40}
EDGE_TYPES = {
    ("paper", "cites", "paper"): 300,
    ("author", "writes", "paper"): 200,
    ("paper", "rev_writes", "author"): 200,
}


@pytest.fixture(autouse=True)
def _own_draws() -> Iterator[None]:
    """Every test starts from the same state of the default generator, and leaves none behind."""
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        yield


def _draw(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def graph() -> Data:
    """600 edges between 100 nodes; every attribute tells whose it is.

    ``x`` is wide enough to be gathered from a store, ``y`` is not.
    """
    edge_index = torch.randint(NODES, (2, EDGES), generator=_draw(0))
    return Data(
        x=torch.arange(float(NODES))[:, None] + torch.arange(32) / 64,
        y=torch.arange(NODES),
        edge_index=edge_index,
        edge_attr=torch.arange(EDGES),
        weight=torch.rand(EDGES, generator=_draw(1)).double(),
        time=torch.randint(10, (NODES,), generator=_draw(2)),
        edge_time=torch.randint(10, (EDGES,), generator=_draw(3)),
    )


@pytest.fixture
def typed_graph() -> HeteroData:
    """Papers and authors, three types of edges; every attribute tells whose it is."""
    data = HeteroData()
    for kind, count in TYPES.items():
        data[kind].x = torch.arange(float(count))[:, None].expand(-1, 20).clone()
        data[kind].y = torch.arange(count)
        data[kind].time = torch.randint(10, (count,), generator=_draw(count))
    for number, (kind, count) in enumerate(EDGE_TYPES.items()):
        ends = [
            torch.randint(TYPES[kind[i]], (count,), generator=_draw(10 * number + i))
            for i in (0, 2)
        ]
        data[kind].edge_index = torch.stack(ends)
        data[kind].edge_attr = torch.arange(count)
        data[kind].edge_time = torch.randint(10, (count,), generator=_draw(number))
    back = data["author", "writes", "paper"].edge_index.flip(0)
    data["paper", "rev_writes", "author"].edge_index = back
    return data


@pytest.fixture
def in_stores() -> Callable[..., tuple[MyFeatureStore, MyGraphStore]]:
    """``in_stores(data, layout)``: features and edges of a graph in PyG's stores."""

    def put(data: Data | HeteroData, layout: str = "coo", *, by_time: str | None = None) -> Any:
        features, graph = MyFeatureStore(), MyGraphStore()
        hetero = isinstance(data, HeteroData)
        parts = list(data.node_items()) if hetero else [(None, data)]
        for kind, part in parts:
            for name in ("x", "y", "time"):
                features.put_tensor(part[name], group_name=kind, attr_name=name, index=None)
        for kind, part in list(data.edge_items()) if hetero else [(None, data)]:
            source, target = part.edge_index
            sizes = tuple(data[kind[i]].num_nodes for i in (0, -1)) if hetero else (NODES, NODES)
            order = torch.arange(source.numel())
            if by_time is not None:
                time = (data[kind[0]] if hetero else data)[by_time]
                order = torch.from_numpy(np.lexsort((time[source], target)))
            if layout == "csr":
                order = source.argsort(stable=True)
                rowptr = torch.bincount(source, minlength=sizes[0]).cumsum(0)
                graph.put_edge_index(
                    (torch.cat([torch.zeros(1, dtype=torch.int64), rowptr]), target[order]),
                    edge_type=kind, layout=layout, size=sizes,
                )  # fmt: skip
                continue
            if layout == "csc":
                order = order[torch.argsort(target[order], stable=True)]
                rowptr = torch.bincount(target, minlength=sizes[1]).cumsum(0)
                edges: tuple[Tensor, Tensor] = (
                    source[order],
                    torch.cat([torch.zeros(1, dtype=torch.int64), rowptr]),
                )
            else:
                edges = (source[order], target[order])
            graph.put_edge_index(
                edges, edge_type=kind, layout=layout, size=sizes, is_sorted=by_time is not None
            )
        return features, graph

    return put


def _parts(batch: Any) -> dict[Any, Any]:
    found: dict[Any, Any] = {}
    for store in batch.stores:
        for name, value in store.items():
            found[store._key, name] = value
    return found


@pytest.fixture
def assert_same() -> Callable[[Any, Any], None]:
    """``assert_same(batches, others)``: as many batches, equal in every attribute."""

    def compare(batches: Any, others: Any) -> None:
        for batch, other in zip(batches, others, strict=True):
            mine, theirs = _parts(batch), _parts(other)
            assert mine.keys() == theirs.keys()
            for key, value in mine.items():
                if isinstance(value, Tensor):
                    assert torch.equal(value, theirs[key]), key
                else:
                    assert value == theirs[key], key

    return compare


@pytest.fixture
def check_batch() -> Callable[[Any, Any], None]:
    """``check_batch(batch, data)``: every node and edge of a batch is the one its id names."""

    def check(batch: Any, data: Data | HeteroData) -> None:
        hetero = isinstance(data, HeteroData)
        for kind in data.node_types if hetero else [None]:
            mine, whole = (batch, data) if kind is None else (batch[kind], data[kind])
            assert mine.n_id.shape == (mine.num_nodes,)
            for name in ("x", "y", "time"):
                if name in whole:
                    assert torch.equal(mine[name], whole[name][mine.n_id])
        for kind in data.edge_types if hetero else [None]:
            mine, whole = (batch, data) if kind is None else (batch[kind], data[kind])
            first, last = (
                (batch.n_id, batch.n_id)
                if kind is None
                else (batch[kind[0]].n_id, batch[kind[-1]].n_id)
            )
            assert mine.e_id.shape == (mine.edge_index.size(1),)
            row, col = mine.edge_index
            assert torch.equal(torch.stack([first[row], last[col]]), whole.edge_index[:, mine.e_id])
            for name in ("edge_attr", "edge_time", "weight"):
                if name in whole:
                    assert torch.equal(mine[name], whole[name][mine.e_id])

    return check
