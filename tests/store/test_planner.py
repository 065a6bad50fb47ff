"""The plan against a store that is really read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.sample import HopSampler, NeighborRows, Relation
from graphlearn.store import (
    DiskStore,
    TieredStore,
    forecast_batch,
    inclusion_probability,
    plan_stores,
    write_rows,
)

NODES, ROW = 3000, 4 * 16


@pytest.fixture(scope="module")
def edges() -> torch.Tensor:
    rng = np.random.default_rng(0)
    source = (rng.random(24_000) ** 3 * NODES).astype(np.int64)
    names = rng.permutation(NODES)
    return torch.from_numpy(np.stack([names[source], rng.integers(0, NODES, 24_000)]))


TRAIN = torch.arange(0, NODES, 10)


def test_predicts_what_a_tiered_store_then_counts(edges: torch.Tensor, tmp_path: Path) -> None:
    fan_out, batch_size = [6, 4], 30
    budgets: dict[str, Any] = {"host_bytes": 600 * ROW}
    plan = plan_stores(
        dim=16,
        fan_out=fan_out,
        graph=edges,
        num_nodes=NODES,
        train_nodes=TRAIN,
        batch_size=batch_size,
        **budgets,
    )
    scores = inclusion_probability(edges, TRAIN, fan_out, batch_size=batch_size, num_nodes=NODES)
    write_rows(tmp_path / "x.rows", torch.zeros(NODES, 16))
    rows = NeighborRows.from_edges(*edges, num_sources=NODES, num_targets=NODES)
    sampler = HopSampler([NODES], [Relation(0, 0, rows)])
    with DiskStore(tmp_path / "x.rows") as disk:
        store = TieredStore(disk, scores, **budgets)
        assert {tier.name: tier.rows for tier in plan.tiers} == store.tier_rows
        assert plan.map_bytes == store.index_bytes
        batches, drawn = 0, 0
        generator = torch.Generator().manual_seed(0)
        for epoch in range(10):
            order = TRAIN[torch.randperm(len(TRAIN), generator=generator)]
            for seeds in order.split(batch_size):
                hops = sampler.sample({0: seeds.numpy()}, [fan_out], key=1000 * epoch + batches)
                store.gather(torch.from_numpy(hops.node[0]))
                drawn += len(hops.entry[0])
                batches += 1
        assert batches == 10 * plan.batches
        assert plan.hit_rate == pytest.approx(store.hit_rate, abs=0.01)
        assert plan.batch_rows == pytest.approx(store.traffic.rows / batches, rel=0.02)
        assert sum(plan.batch_edges) == pytest.approx(drawn / batches, rel=0.02)
        for tier in plan.tiers:
            counted = store.traffic.tier(tier.name)
            assert tier.batch_rows == pytest.approx(counted.rows / batches, rel=0.03)
            assert tier.batch_bytes == pytest.approx(counted.moved_bytes / batches, rel=0.03)


def plan(**options: Any) -> Any:
    given = {
        "dim": 16,
        "fan_out": [5, 5],
        "num_nodes": NODES,
        "num_edges": 24_000,
        "train_nodes": 300,
        "batch_size": 30,
    }
    return plan_stores(**{**given, **options})


@pytest.mark.parametrize(
    ("gpu", "host", "store", "rows"),
    [
        (NODES, 0, "gpu", {"gpu": 3000}),
        (NODES - 1, 1, "tiered", {"gpu": 2999, "pinned": 1}),
        (10, NODES, "tiered", {"gpu": 10, "pinned": 2990}),
        (0, NODES, "memory", {"memory": 3000}),
        (100, 200, "disk-packed", {"gpu": 100, "pinned": 200, "disk": 2700}),
        (0, 200, "disk-packed", {"memory": 200, "disk": 2800}),
        (0, 0, "disk-packed", {"disk": 3000}),
    ],
)
@pytest.mark.parametrize("assumption", ["uniform", "power-law"])
def test_which_store_fits(
    gpu: int, host: int, store: str, rows: dict[str, int], assumption: str
) -> None:
    found = plan(gpu_bytes=gpu * ROW, host_bytes=host * ROW, assumption=assumption)
    assert found.store == store
    assert {tier.name: tier.rows for tier in found.tiers} == rows
    assert found.basis.startswith("an estimate: a ")
    assert "batches hold fewer rows" in found.basis
    assert assumption in found.basis
    assert sum(tier.batch_rows for tier in found.tiers) == pytest.approx(found.batch_rows)
    assert str(found).startswith(f"store        {store}: ")


def test_what_lies_on_the_disk_alone_hits_nothing() -> None:
    assert plan().hit_rate == 0
    assert "hit rate     0.0 %" in str(plan())
    assert plan(host_bytes=NODES * ROW).hit_rate == 1


@pytest.fixture(scope="module")
def triangles() -> torch.Tensor:
    """Three hundred cliques of ten nodes, each with a link to the next."""
    clique = torch.combinations(torch.arange(10)).t()
    inside = [clique + 10 * number for number in range(300)]
    link = torch.stack([10 * torch.arange(300), (10 * torch.arange(300) + 15) % NODES])
    half = torch.cat([*inside, link], dim=1)
    return torch.cat([half, half.flip(0)], dim=1)


def test_where_neighbors_are_each_other_s_neighbors(triangles: torch.Tensor) -> None:
    """Chances that take them for independent say a third too much."""
    fan_out, batch_size = [5, 5], 20
    found = plan(graph=triangles, num_edges=None, train_nodes=None, batch_size=batch_size)
    chances = forecast_batch(
        triangles, torch.arange(NODES), fan_out, batch_size=batch_size, num_nodes=NODES
    )
    rows = NeighborRows.from_edges(*triangles, num_sources=NODES, num_targets=NODES)
    sampler, rng = HopSampler([NODES], [Relation(0, 0, rows)]), np.random.default_rng(1)
    real = []
    for key in range(200):
        seeds = rng.choice(NODES, batch_size, replace=False)
        real.append(len(sampler.sample({0: seeds}, [fan_out], key=1000 + key).node[0]))
    assert found.batch_rows == pytest.approx(np.mean(real), rel=0.02)
    assert chances.rows > 1.3 * np.mean(real)
    assert "averages of 64 batches drawn from it" in found.basis


def test_large_rows_are_read_at_random() -> None:
    """A row of a page or more wastes nothing: packing it first would be two passes more."""
    found = plan(dim=4096, host_bytes=4096 * 4 * 100)
    assert found.store == "tiered"
    assert found.tiers[-1].batch_bytes == pytest.approx(
        found.tiers[-1].batch_rows * 16384, rel=0.15
    )
    assert "packed epoch" not in str(found)
    assert plan(dim=4096).store == "disk"


def test_a_larger_budget_is_never_worse(edges: torch.Tensor) -> None:
    for source in ({}, {"graph": edges, "num_edges": None}):
        rates = [plan(host_bytes=ROW * n, **source).hit_rate for n in (1, 10, 100, 1000, 2999)]
        assert rates == sorted(rates)


def test_basis_says_how_training_nodes_were_had(edges: torch.Tensor) -> None:
    options: dict[str, Any] = {"graph": edges, "num_edges": None}
    assert plan(train_nodes=TRAIN, **options).basis.startswith("the graph and its training nodes; ")
    assert "300 training nodes drawn at random" in plan(**options).basis
    assert "all nodes" in plan(train_nodes=None, **options).basis
    assert plan(train_nodes=None, **options).batches == 100
    assert plan(train_nodes=None).batches == 100
    assert str(plan(**options)) == str(plan(**options))


def test_dtype_decides_the_row() -> None:
    assert plan(dtype=torch.float16).row_bytes == 32


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"dim": 0}, "dim is 0"),
        ({"dtype": torch.complex64}, "dtype is torch.complex64"),
        ({"gpu_bytes": -1}, "gpu_bytes is -1"),
        ({"gpu_bytes": 63}, "gpu_bytes is 63: expected at least one row, 64 bytes, or 0"),
        ({"host_bytes": 1}, "host_bytes is 1: expected at least one row, 64 bytes, or 0"),
        ({"dim": 10**20}, "expected fewer than 2^62 bytes in all rows, 3000 of them"),
        ({"host_bytes": 1.5}, "host_bytes is 1.5"),
        ({"fan_out": [0]}, "fan_out is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"num_nodes": None}, "num_nodes is None: expected a graph, or num_nodes and num_edges"),
        ({"num_edges": None}, "num_edges is None"),
        ({"train_nodes": TRAIN}, "train_nodes is a tensor and graph is None"),
        ({"train_nodes": NODES + 1}, "train_nodes is 3001"),
        ({"train_nodes": 0}, "train_nodes is 0"),
        ({"assumption": "normal"}, "unknown assumption 'normal'"),
    ],
)
def test_bad_input(options: dict[str, Any], text: str) -> None:
    with pytest.raises((InputError, InputTypeError)) as caught:
        plan(**options)
    assert text in str(caught.value)


def test_bad_input_beside_a_graph(edges: torch.Tensor) -> None:
    for options, text in (
        ({"num_edges": 5}, "num_edges is 5"),
        ({"num_edges": None, "train_nodes": NODES + 1}, "train_nodes is 3001"),
        ({"num_edges": None, "batch_size": -1}, "batch_size is -1"),
        ({"num_edges": None, "num_nodes": 10}, "ids in [0, 10)"),
    ):
        with pytest.raises(InputError) as caught:
            plan(graph=edges, **options)
        assert text in str(caught.value)
