"""Stores that are closed while other threads read them: right rows, or a clear error, never others.

Each round closes a store under three readers. Files that are opened right after it take the numbers
that were given back.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.store import (
    DiskStore,
    FeatureStore,
    MemoryStore,
    PackedStore,
    PackedWriter,
    PinnedStore,
    RowStore,
    TieredStore,
    write_rows,
)

TABLE = torch.ones(2000, 128)
INDEX = torch.arange(0, 2000, 9)
SCORES = torch.rand(2000, generator=torch.Generator().manual_seed(0))


def tiered(path: Path) -> RowStore:
    return TieredStore(DiskStore(path), SCORES, host_bytes=200 * 512)


KINDS: dict[str, Callable[[Path], RowStore]] = {
    "mmap": lambda path: DiskStore(path),
    "pread": lambda path: DiskStore(path, access="pread", threads=2),
    "verify": lambda path: DiskStore(path, verify="read"),
    "tiered": tiered,
    "memory": lambda path: MemoryStore(TABLE),
    "pinned": lambda path: PinnedStore(TABLE, fallback="memory"),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    write_rows(tmp_path / "x.rows", TABLE)
    (tmp_path / "other").write_bytes(b"\x07" * (2 << 20))
    return tmp_path / "x.rows"


def close_under(readers: int, read: Callable[[], bool], store: RowStore, other: Path) -> set[str]:
    """What readers met beside right rows: "wrong", or the error that ended them."""
    met: set[str] = set()

    def work() -> None:
        while True:
            try:
                if not read():
                    met.add("wrong")
            except Exception as problem:  # noqa: BLE001  # any other is the finding
                met.add(f"{type(problem).__name__}: {problem}")
                return

    threads = [threading.Thread(target=work) for _ in range(readers)]
    for thread in threads:
        thread.start()
    time.sleep(0.003)
    store.close()
    taken = [os.open(other, os.O_RDONLY) for _ in range(3)]
    for thread in threads:
        thread.join()
    for number in taken:
        os.close(number)
    return met


@pytest.mark.parametrize("kind", KINDS)
def test_gathers_give_right_rows_or_say_that_the_store_was_closed(path: Path, kind: str) -> None:
    for _ in range(20):
        store = KINDS[kind](path)

        def read(store: RowStore = store) -> bool:
            return bool((store.gather(INDEX) == 1).all())

        met = close_under(3, read, store, path.with_name("other"))
        assert all(text.startswith("InputError: the store was closed") for text in met), met
        with pytest.raises(InputError, match="the store was closed"):
            store.gather(torch.empty(0, dtype=torch.int64))


@pytest.fixture
def pack(path: Path) -> Path:
    with PackedWriter(path.with_name("x.pack"), MemoryStore(TABLE)) as writer:
        for _ in range(10):
            writer.add(INDEX)
        writer.finish()
    return path.with_name("x.pack")


def test_packed_batches_likewise(pack: Path) -> None:
    for number in range(20):
        store = PackedStore(pack)
        reads: list[Callable[[], bool]] = [
            lambda store=store: bool((store.batch(3).rows == 1).all()),
            lambda store=store: bool((store.gather(INDEX) == 1).all()),
            lambda store=store: len(list(store.epoch())) == 10,
        ]
        met = close_under(2, reads[number % 3], store, pack.with_name("other"))
        assert all(text.startswith("InputError: the store was closed") for text in met), met


def test_an_epoch_is_not_cut_short_in_silence(pack: Path) -> None:
    store = PackedStore(pack)
    one, whole = store.epoch(), store.epoch()
    next(one)
    assert len(list(whole)) == 10
    store.close()
    with pytest.raises(InputError, match="the store was closed"):
        next(one)
    assert list(whole) == []
    with pytest.raises(InputError, match="the store was closed"):
        store.epoch()


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_goes_while_a_gather_is_under_way(path: Path, kind: str) -> None:
    store = KINDS[kind](path)
    out = torch.empty(len(INDEX), 128, device=store.device)
    with store._in_use():
        store.close()
        store._gather(INDEX, out)
    assert bool((out == 1).all())
    with pytest.raises(InputError, match="the store was closed"):
        store.gather(INDEX)


def test_a_closed_store_among_features_says_so(path: Path) -> None:
    features = FeatureStore({"x": DiskStore(path)})
    features.close()
    with pytest.raises(InputError, match="the store was closed"):
        features.get_tensor(None, "x", INDEX)
