from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store import BufferPool, DiskStore, MemoryStore, RowStore, TieredStore, write_rows
from graphlearn.store.row_store import DTYPES


def table_of(dtype: torch.dtype, rows: int = 200, width: tuple[int, ...] = (3,)) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(0, 100, (rows, *width), generator=generator)
    return values.to(dtype)


# The names that the class itself sees: pytest may have imported its module a second time.
NAMES = TieredStore.__init__.__globals__


@pytest.fixture
def table() -> Tensor:
    return table_of(torch.float32)


@pytest.fixture
def scores() -> Tensor:
    return torch.rand(200, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def disk(table: Tensor, tmp_path: Path) -> Any:
    write_rows(tmp_path / "x.rows", table)
    with DiskStore(tmp_path / "x.rows") as store:
        yield store


@pytest.fixture
def pretended_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the CPU stand for the GPU, so that three tiers are read here."""
    monkeypatch.setitem(NAMES, "_check_device", lambda device, on_gpu: torch.device("cpu"))


@pytest.mark.parametrize("name", DTYPES)
@pytest.mark.parametrize("width", [(), (3,), (2, 2)])
def test_rows_are_those_of_the_table(
    name: str, width: tuple[int, ...], scores: Tensor, tmp_path: Path
) -> None:
    table = table_of(DTYPES[name], width=width)
    write_rows(tmp_path / "x.rows", table)
    index = torch.randint(0, 200, (500,), generator=torch.Generator().manual_seed(2))
    with DiskStore(tmp_path / "x.rows") as disk:
        store = TieredStore(disk, scores, host_bytes=60 * disk.row_bytes)
        assert store.tier_rows == {"memory": 60, "disk": 140}
        assert store.index_bytes == 800
        for kind in (torch.int32, torch.int64):
            assert torch.equal(store.gather(index.to(kind)), table[index])
        assert torch.equal(store.read(0, 200), table)


@pytest.mark.parametrize("hot", [0, 1, 40, 150])
@pytest.mark.parametrize("warm", [0, 1, 50, 120])
def test_three_tiers(
    hot: int, warm: int, table: Tensor, scores: Tensor, disk: DiskStore, pretended_gpu: None
) -> None:
    if hot + warm == 0:
        return
    store = TieredStore(disk, scores, gpu_bytes=hot * 12, host_bytes=warm * 12)
    left = max(0, 200 - hot - warm)
    expected = {"gpu": hot, "memory": min(warm, 200 - hot), "disk": left}
    assert store.tier_rows == {k: v for k, v in expected.items() if v or k == "disk"}
    order = scores.argsort(descending=True)
    index = torch.randint(0, 200, (300,), generator=torch.Generator().manual_seed(3))
    out = torch.empty(300, 3)
    assert store.gather(index, out) is out
    assert torch.equal(out, table[index])
    rank = torch.empty_like(order)
    rank[order] = torch.arange(200)
    counts = {
        "gpu": int((rank[index] < hot).sum()),
        "memory": int(((rank[index] >= hot) & (rank[index] < hot + warm)).sum()),
        "disk": int((rank[index] >= hot + warm).sum()),
    }
    for tier, count in counts.items():
        assert store.traffic.tier(tier).rows == count
        assert store.traffic.tier(tier).useful_bytes == 12 * count
    assert store.hit_rate == pytest.approx(1 - counts["disk"] / 300)
    assert store.traffic.tier("gpu").amplification in (0.0, 1.0)


def test_bytes_moved_from_the_disk_are_those_it_says(
    scores: Tensor, table: Tensor, disk: DiskStore
) -> None:
    disk.gather(torch.arange(10))  # before: not counted
    store = TieredStore(disk, scores, host_bytes=1200)
    before = disk.traffic.tier("disk").moved_bytes
    for begin in (0, 50, 100):
        store.gather(torch.arange(begin, begin + 50))
    moved = disk.traffic.tier("disk").moved_bytes - before
    assert store.traffic.tier("disk").moved_bytes == moved > 0
    assert store.traffic.tier("memory").moved_bytes == store.traffic.tier("memory").useful_bytes


def test_all_rows_in_one_tier(table: Tensor, scores: Tensor, disk: DiskStore) -> None:
    store = TieredStore(disk, scores, host_bytes=10**9)
    assert store.tier_rows == {"memory": 200, "disk": 0}
    before = disk.traffic.rows
    assert torch.equal(store.gather(torch.arange(199, -1, -1)), table.flip(0))
    assert (store.hit_rate, disk.traffic.rows) == (1.0, before)
    # A batch of cold rows alone.
    store = TieredStore(disk, scores, host_bytes=12)
    cold = torch.arange(200)[scores < scores.max()]
    assert torch.equal(store.gather(cold), table[cold])
    assert store.hit_rate == 0.0


def test_empty_index_duplicates_and_strides(table: Tensor, scores: Tensor) -> None:
    store = TieredStore(table, scores, host_bytes=600)
    assert store.hit_rate == 0.0
    assert store.gather(torch.empty(0, dtype=torch.int64)).shape == (0, 3)
    assert store.traffic.rows == 0
    index = torch.tensor([7, 7, 8, 7, 8, 199])
    assert torch.equal(store.gather(index), table[index])
    assert torch.equal(store.gather(index[::2]), table[index[::2]])
    assert torch.equal(store.gather(index[:1].expand(5)), table[index[:1].expand(5)])
    assert index.tolist() == [7, 7, 8, 7, 8, 199]  # what was given is not written to


def test_ties_go_to_the_first_rows(table: Tensor) -> None:
    store = TieredStore(table, torch.zeros(200), host_bytes=12 * 20)
    store.gather(torch.arange(20))
    assert store.hit_rate == 1.0
    store.gather(torch.arange(20, 40))
    assert store.hit_rate == 0.5


def test_names_of_sources(table: Tensor, scores: Tensor, disk: DiskStore) -> None:
    class Doubled(RowStore):
        def _gather(self, index: Tensor, out: Tensor) -> None:
            torch.index_select(table, 0, index, out=out)

    assert list(TieredStore(MemoryStore(table), scores, host_bytes=12).tier_rows) == [
        "memory",
        "source",
    ]
    own = TieredStore(Doubled(200, (3,), torch.float32), scores, host_bytes=12)
    assert list(own.tier_rows) == ["memory", "source"]
    assert torch.equal(own.gather(torch.arange(200)), table)


def test_the_source_is_not_closed(table: Tensor, scores: Tensor, disk: DiskStore) -> None:
    with TieredStore(disk, scores, host_bytes=120) as store:
        store.gather(torch.arange(3))
    assert torch.equal(disk.gather(torch.arange(3)), table[:3])
    with pytest.raises(InputError, match="closed"):
        store.gather(torch.arange(3))


def test_rows_are_copied_in_blocks(
    table: Tensor, scores: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Counting(MemoryStore):
        def _gather(self, index: Tensor, out: Tensor) -> None:
            asked.append(index.numel())
            super()._gather(index, out)

    monkeypatch.setitem(NAMES, "_BLOCK_BYTES", 12 * 16)
    store = TieredStore(Counting(table), scores, host_bytes=12 * 100)
    assert asked == [16] * 6 + [4]
    assert torch.equal(store.gather(torch.arange(200)), table)


@pytest.mark.parametrize("access", ["mmap", "pread"])
def test_several_threads(access: Any, table: Tensor, scores: Tensor, tmp_path: Path) -> None:
    write_rows(tmp_path / "x.rows", table)
    failures: list[object] = []
    with DiskStore(tmp_path / "x.rows", access=access) as disk:
        store = TieredStore(disk, scores, host_bytes=1200)
        before = disk.traffic.tier("disk").moved_bytes

        def work(seed: int) -> None:
            generator = torch.Generator().manual_seed(seed)
            for _ in range(30):
                index = torch.randint(0, 200, (64,), generator=generator)
                if not torch.equal(store.gather(index), table[index]):
                    failures.append(index)

        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not failures
        assert store.traffic.rows == 4 * 30 * 64
        moved = disk.traffic.tier("disk").moved_bytes - before
        assert store.traffic.tier("disk").moved_bytes == moved


def test_results_come_from_a_pool(scores: Tensor) -> None:
    pool = BufferPool()
    store = TieredStore(torch.ones(200, 1000), scores, host_bytes=200 * 4000, buffers=pool)
    place = store.gather(torch.arange(100)).data_ptr()
    assert store.gather(torch.arange(100)).data_ptr() == place


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({}, "gpu_bytes and host_bytes are 0: expected a budget of at least one row, 12 bytes"),
        ({"host_bytes": 11}, "host_bytes is 11: expected at least one row, 12 bytes"),
        ({"gpu_bytes": 5, "host_bytes": 100}, "gpu_bytes is 5"),
        ({"host_bytes": -1}, "host_bytes is -1"),
        ({"host_bytes": 1e9}, "host_bytes is 1000000000.0"),
        ({"host_bytes": 100, "device": "tpu"}, "device is 'tpu'"),
        ({"host_bytes": 100, "device": "meta"}, "device is meta"),
        ({"gpu_bytes": 100, "device": "cpu"}, "gpu_bytes is not 0 and device is cpu"),
        ({"host_bytes": 100, "scores": torch.ones(199)}, "different length"),
        ({"host_bytes": 100, "scores": -torch.ones(200)}, "scores holds -1.0"),
        ({"host_bytes": 100, "scores": torch.full((200,), torch.nan)}, "scores holds nan"),
        ({"host_bytes": 100, "source": "x.rows"}, "source is a str"),
    ],
)
def test_bad_input(options: dict[str, Any], text: str, table: Tensor, scores: Tensor) -> None:
    given = {"source": table, "scores": scores, **options}
    with pytest.raises((InputError, InputTypeError)) as caught:
        TieredStore(given.pop("source"), given.pop("scores"), **given)
    assert text in str(caught.value)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_no_gpu(table: Tensor, scores: Tensor) -> None:
    for options in ({"gpu_bytes": 100}, {"host_bytes": 100, "device": "cuda"}):
        with pytest.raises(InputError, match="torch finds no such GPU"):
            TieredStore(table, scores, **options)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("hot", [0, 40])
def test_on_a_gpu(hot: int, table: Tensor, scores: Tensor, disk: DiskStore) -> None:
    store = TieredStore(disk, scores, gpu_bytes=hot * 12, host_bytes=50 * 12, device="cuda")
    assert store.tier_rows["pinned"] == 50
    index = torch.randint(0, 200, (300,), generator=torch.Generator().manual_seed(3))
    for where in ("cpu", "cuda"):
        found = store.gather(index.to(where))
        assert found.device.type == "cuda"
        assert torch.equal(found.cpu(), table[index])


def test_bad_rows(table: Tensor, scores: Tensor) -> None:
    store = TieredStore(table, scores, host_bytes=100)
    for bad in (-1, 200):
        with pytest.raises(InputError, match=f"index holds {bad}"):
            store.gather(torch.tensor([bad]))
    assert repr(store) == "TieredStore(200 rows of 3 float32, cpu)"
