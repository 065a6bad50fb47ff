"""Copies of stores, by ``copy`` and by pickle, as processes get them that a loader starts."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.store import (
    BufferPool,
    DiskStore,
    FeatureStore,
    MemoryStore,
    PinnedStore,
    RowStore,
    TieredStore,
    write_rows,
)

TABLE = torch.arange(3000.0).view(1000, 3)
INDEX = torch.tensor([3, 999, 3])
WAYS = {"copy": copy.deepcopy, "pickle": lambda store: pickle.loads(pickle.dumps(store))}


def mapped(folder: Path) -> RowStore:
    np.save(folder / "x.npy", TABLE.numpy())
    return MemoryStore(np.load(folder / "x.npy", mmap_mode="r"))


def tiered(folder: Path) -> RowStore:
    write_rows(folder / "x.rows", TABLE)
    return TieredStore(DiskStore(folder / "x.rows"), TABLE[:, 0], host_bytes=1200)


KINDS: dict[str, Callable[[Path], RowStore]] = {
    "tensor": lambda folder: MemoryStore(TABLE),
    "array": lambda folder: MemoryStore(TABLE.numpy()),
    "mapped": mapped,
    "tiered": tiered,
    "tiered over memory": lambda folder: TieredStore(TABLE, TABLE[:, 0], host_bytes=1200),
    "pinned": lambda folder: PinnedStore(TABLE, fallback="memory"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_copy_gives_the_same_rows_and_is_a_store_of_its_own(
    tmp_path: Path, kind: str, way: str
) -> None:
    if kind == "pinned" and torch.cuda.is_available():
        pytest.skip("with a GPU there is no copy")
    store = KINDS[kind](tmp_path)
    store.gather(INDEX)
    with store._in_use():
        other = WAYS[way](store)
    assert repr(other) == repr(store)
    assert torch.equal(other.gather(INDEX), TABLE[INDEX])
    assert (store.traffic.rows, other.traffic.rows) == (3, 6)
    store.close()
    assert torch.equal(other.gather(INDEX), TABLE[INDEX])
    other.close()
    with pytest.raises(InputError, match="the store was closed"):
        other.gather(INDEX)


def test_a_copy_of_tiers_counts_what_its_own_source_moves(tmp_path: Path) -> None:
    store = tiered(tmp_path)
    for _ in range(3):
        store.gather(INDEX)
    other = WAYS["pickle"](store)
    before = other.traffic.tier("disk").moved_bytes
    other.gather(torch.tensor([3]))
    assert other.traffic.tier("disk").moved_bytes == before + 4096
    other.gather(torch.arange(1000))


@pytest.mark.parametrize("way", WAYS)
def test_a_pool_arrives_empty_and_shared_ones_stay_shared(way: str) -> None:
    features = FeatureStore({"x": torch.ones(5000, 8), "y": torch.ones(5000, 8)})
    pool = features.stores[None, "x"].buffers
    pool.empty((1 << 20,), torch.uint8)
    assert pool.idle_bytes > 0
    other = WAYS[way](features)
    one, two = other.stores.values()
    assert one.buffers is two.buffers is not pool
    assert one.buffers.idle_bytes == 0
    assert torch.equal(other.get_tensor(None, "y", INDEX), torch.ones(3, 8))
    assert WAYS[way](BufferPool(max_idle_bytes=7)).max_idle_bytes == 7


def test_a_store_on_a_gpu_says_why_it_has_no_copy() -> None:
    store = PinnedStore(TABLE, fallback="memory")
    store._memory = None  # as with a GPU
    for way in WAYS.values():
        with pytest.raises(InputError, match="page-locked memory is its process's own; make the s"):
            way(store)


def test_rows_stay_where_a_tensor_is_moved_to_shared_memory() -> None:
    """As it is when a loader's workers get it; an array of it would be left without memory."""
    code = """
import torch
from graphlearn.store import MemoryStore
table = torch.arange(1 << 22)
store = MemoryStore(table)
table.share_memory_()
torch.zeros(1 << 22).add_(1)
index = torch.arange(0, 1 << 22, 1000)
assert torch.equal(store.gather(index), index)
"""
    subprocess.run([sys.executable, "-c", code], check=True)


SPAWN = """
import sys
import torch
from torch_geometric.data import Data
from torch_geometric.loader import NodeLoader
from graphlearn.loader import NeighborSampler
from graphlearn.store import DiskStore, FeatureStore, MemoryStore, TieredStore, write_rows

if __name__ == "__main__":
    x, y = torch.randn(20, 4), torch.arange(20)
    write_rows(sys.argv[1], x)
    data = Data()
    data.put_edge_index(torch.randint(20, (2, 60)), layout="coo", size=(20, 20))
    disk = DiskStore(sys.argv[1])
    features = FeatureStore(
        {"x": x, "y": MemoryStore(y), "disk": disk, "tiers": TieredStore(disk, y, host_bytes=80)}
    )
    pair = features, data
    loader = NodeLoader(
        pair, NeighborSampler(pair, [2], seed=0), torch.arange(20), batch_size=10, num_workers=1,
        multiprocessing_context="spawn",
    )
    count = 0
    for batch in loader:
        count += 1
        for name in ("x", "disk", "tiers"):
            assert torch.equal(batch[name], x[batch.n_id]), name
        assert torch.equal(batch.y, batch.n_id)
    assert count == 2
    assert torch.equal(features.get_tensor(None, "x", torch.arange(20)), x)
    print("served")
"""


def test_workers_of_pyg_that_are_spawned_read_features(tmp_path: Path) -> None:
    (tmp_path / "main.py").write_text(SPAWN)
    command = [sys.executable, str(tmp_path / "main.py"), str(tmp_path / "x.rows")]
    run = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert run.stdout == "served\n", run.stderr


def test_a_pool_is_copied_while_threads_use_it() -> None:
    pool, done = BufferPool(), threading.Event()

    def work() -> None:
        while not done.is_set():
            pool.empty((1 << 17,), torch.uint8)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(50):
            assert pickle.loads(pickle.dumps(pool)).idle_bytes == 0
    finally:
        done.set()
        thread.join()
