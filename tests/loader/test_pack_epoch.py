"""A packed epoch gives the very batches that features in memory give."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch_geometric.data import Data, HeteroData

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, common_neighbors
from graphlearn.loader import LinkNeighborLoader, NeighborLoader, NeighborSampler, pack_epoch
from graphlearn.store import MemoryStore, PackedStore


def _data(nodes: int = 300, edges: int = 2000, dim: int = 24) -> Data:
    generator = torch.Generator().manual_seed(0)
    return Data(
        x=torch.randn(nodes, dim, generator=generator),
        edge_index=torch.randint(nodes, (2, edges), generator=generator),
        y=torch.arange(nodes),
    )


def _without_features(data: Data) -> Data:
    return Data(edge_index=data.edge_index, y=data.y, num_nodes=data.num_nodes)


def _loader(data: Data, **options: object) -> NeighborLoader:
    return NeighborLoader(data, [4, 3], batch_size=32, shuffle=True, seed=5, **options)


@pytest.mark.parametrize("threads", [0, 1, 3])
@pytest.mark.parametrize("resident", [None, torch.arange(50)])
def test_packed_batches_are_those_of_features_in_memory(
    tmp_path: Path, threads: int, resident: Tensor | None
) -> None:
    data = _data()
    whole = _loader(data)
    loader = _loader(_without_features(data), num_workers=threads)
    for epoch in (0, 3):
        path = tmp_path / f"{epoch}.pack"
        assert data.x is not None
        count = pack_epoch(loader, MemoryStore(data.x), path, epoch=epoch, resident=resident)
        with PackedStore(path) as store:
            packed = list(loader.epoch(epoch, feature_store=store))
        expected = list(whole.epoch(epoch))
        assert count == len(packed) == len(expected) == 10
        for one, other in zip(packed, expected, strict=True):
            assert one.x.equal(other.x)
            assert one.y.equal(other.y)
            assert one.edge_index.equal(other.edge_index)


def test_links_can_be_packed_too(tmp_path: Path) -> None:
    data = _data()
    options = {"batch_size": 100, "shuffle": True, "neg_sampling": "binary", "seed": 1}
    loader = LinkNeighborLoader(_without_features(data), [3], **options)
    assert data.x is not None
    pack_epoch(loader, MemoryStore(data.x), tmp_path / "links", epoch=2)
    with PackedStore(tmp_path / "links") as store:
        batches = list(loader.epoch(2, feature_store=store))
    assert len(batches) == 20
    assert all(batch.x.equal(data.x[batch.n_id]) for batch in batches)


def test_one_type_of_a_heterogeneous_graph_is_packed(tmp_path: Path) -> None:
    data = HeteroData()
    data["paper"].num_nodes, data["author"].num_nodes = 20, 30
    generator = torch.Generator().manual_seed(0)
    source, target = (torch.randint(n, (80,), generator=generator) for n in (30, 20))
    data["author", "writes", "paper"].edge_index = torch.stack([source, target])
    table = torch.randn(30, 40)
    loader = NeighborLoader(data, [3], input_nodes="paper", batch_size=8, shuffle=True, seed=0)
    pack_epoch(loader, MemoryStore(table), tmp_path / "authors", node_type="author")
    with PackedStore(tmp_path / "authors") as store:
        for batch in loader.epoch(0, feature_store={("author", "x"): store}):
            assert batch["author"].x.equal(table[batch["author"].n_id])


def test_another_epoch_is_refused_rather_than_given_the_wrong_rows(tmp_path: Path) -> None:
    data = _data()
    loader = _loader(_without_features(data))
    assert data.x is not None
    pack_epoch(loader, MemoryStore(data.x), tmp_path / "0", epoch=0)
    with PackedStore(tmp_path / "0") as store, pytest.raises(InputError):
        list(loader.epoch(1, feature_store=store))


@pytest.mark.parametrize("threads", [0, 2])
def test_after_a_break_packed_rows_begin_anew(tmp_path: Path, threads: int) -> None:
    data = _data()
    loader = _loader(_without_features(data), num_workers=threads)
    assert data.x is not None
    pack_epoch(loader, MemoryStore(data.x), tmp_path / "0")
    with PackedStore(tmp_path / "0") as store:
        for batches in (1, 3):
            for number, _ in enumerate(loader.epoch(0, feature_store=store), start=1):
                if number == batches:
                    break
        whole = list(loader.epoch(0, feature_store=store))
    assert len(whole) == 10
    assert all(batch.x.equal(data.x[batch.n_id]) for batch in whole)


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("broken_off", [False, True])
def test_packed_rows_of_the_loader_serve_every_pass(
    tmp_path: Path, threads: int, broken_off: bool
) -> None:
    data = _data()
    assert data.x is not None
    bare = _without_features(data)
    pack_epoch(_loader(bare), MemoryStore(data.x), tmp_path / "0")
    with PackedStore(tmp_path / "0") as store:
        loader = _loader(bare, feature_store=store, num_workers=threads)
        for number, batch in enumerate(loader):
            assert batch.x.equal(data.x[batch.n_id])
            if broken_off and number == 2:
                break
        loader.set_epoch(0)
        batches = list(loader)
    assert len(batches) == 10
    assert all(batch.x.equal(data.x[batch.n_id]) for batch in batches)


def test_an_epoch_that_cannot_be_packed_leaves_the_old_file(tmp_path: Path) -> None:
    data = _data()
    loader = _loader(_without_features(data))
    path = tmp_path / "pack"
    assert data.x is not None
    pack_epoch(loader, MemoryStore(data.x), path)
    before = path.read_bytes()
    broken = _loader(_without_features(data), transform_sampler_output=None)
    broken._sample = lambda index, key: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        pack_epoch(broken, MemoryStore(data.x), path, epoch=1)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["pack"]


def test_what_does_not_fit_is_refused_before_work_starts(tmp_path: Path) -> None:
    data = _data()
    loader = _loader(data)
    with pytest.raises(InputError, match="source has 7 rows: expected 300"):
        pack_epoch(loader, MemoryStore(torch.zeros(7, 2)), tmp_path / "a")
    with pytest.raises(InputError, match="node_type is 'paper'"):
        pack_epoch(loader, MemoryStore(torch.zeros(300, 2)), tmp_path / "a", node_type="paper")
    with pytest.raises(InputTypeError, match="loader is a list"):
        pack_epoch([], MemoryStore(torch.zeros(300, 2)), tmp_path / "a")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())


def test_common_neighbors_in_an_induced_piece_are_those_of_the_graph() -> None:
    """What NCN on sampled subgraphs stands on: all neighbors of both ends are in the batch."""
    data = _data(nodes=80, edges=600)
    whole = CSRGraph.from_edge_index(data.edge_index, data.num_nodes)
    both_ways = Data(edge_index=whole.edge_index(), num_nodes=80)
    sampler = NeighborSampler(both_ways, [-1, 2], seed=0)
    links = whole.edge_pairs()[:, :50]
    loader = LinkNeighborLoader(
        both_ways, [-1, 2], links, batch_size=10, neighbor_sampler=sampler, seed=0
    )
    expected = common_neighbors(whole, links)
    for number, batch in enumerate(loader):
        piece = CSRGraph.from_edge_index(batch.edge_index, batch.num_nodes)
        found = common_neighbors(piece, batch.edge_label_index)
        for i, nodes in enumerate(found.tolist()):
            ids = sorted(batch.n_id[nodes].tolist())
            assert ids == sorted(expected.tolist()[10 * number + i])
