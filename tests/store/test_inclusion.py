"""The forecast of a batch against sampling, and where nothing is left to chance."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputError
from graphlearn.store import BatchForecast, forecast_batch
from graphlearn.store.in_neighbors import InNeighbors, in_neighbors


def random_graph(nodes: int, edges: int, seed: int) -> torch.Tensor:
    rng = np.random.default_rng(seed)
    # Some sources are much likelier than others.
    source = (rng.random(edges) ** 1.5 * nodes).astype(np.int64)
    return torch.from_numpy(np.stack([source, rng.integers(0, nodes, edges)]))


def sample(
    rows: InNeighbors, seeds: np.ndarray, fan_out: list[int], rng: np.random.Generator
) -> tuple[set[int], int]:
    """One batch, as a sampler draws it: each node's neighbors once, at the hop it enters at."""
    colptr, row = rows.colptr.tolist(), rows.row.numpy()
    inside, frontier, edges = set(seeds.tolist()), list(dict.fromkeys(seeds.tolist())), 0
    for size in fan_out:
        met: list[int] = []
        for node in frontier:
            entries = row[colptr[node] : colptr[node + 1]]
            if 0 <= size < len(entries):
                entries = rng.choice(entries, size, replace=False)
            edges += len(entries)
            met += entries.tolist()
        frontier = [node for node in dict.fromkeys(met) if node not in inside]
        inside.update(frontier)
    return inside, edges


@pytest.mark.parametrize("fan_out", [[3], [4, 2], [2, 2, 2]])
def test_close_to_the_frequency_in_sampled_batches(fan_out: list[int]) -> None:
    nodes, rng = 600, np.random.default_rng(1)
    rows = in_neighbors(random_graph(nodes, 4800, 0), nodes)
    train = np.arange(0, 600, 5)
    forecast = forecast_batch(rows, torch.from_numpy(train), fan_out, batch_size=6)
    counts, edges, repeats = np.zeros(nodes), 0, 3000
    for _ in range(repeats):
        batch, drawn = sample(rows, rng.choice(train, 6, replace=False), fan_out, rng)
        counts[list(batch)] += 1
        edges += drawn
    difference = forecast.probability.numpy() - counts / repeats
    # The chance error alone is 0.009 a node at most. What is larger comes of the smallness: a batch
    # has exactly 6 seeds, and some lists name a node twice, so draws are not quite independent.
    assert np.abs(difference).max() < 0.05
    assert np.abs(difference).mean() < 0.01
    assert forecast.rows == pytest.approx(counts.sum() / repeats, rel=0.02)
    assert forecast.num_edges == pytest.approx(edges / repeats, rel=0.02)
    assert forecast.batches == 20


@given(st.integers(0, 1000), st.integers(1, 3), st.integers(1, 40))
def test_exact_where_nothing_is_left_to_chance(seed: int, hops: int, nodes: int) -> None:
    rng = np.random.default_rng(seed)
    rows = in_neighbors(random_graph(nodes, 2 * nodes, seed), nodes)
    train = rng.choice(nodes, min(3, nodes), replace=False)
    most = int(rows.colptr.diff().max())
    batch, edges = sample(rows, train, [-1] * hops, rng)
    for fan_out in ([-1] * hops, [most + 1] * hops):
        forecast = forecast_batch(rows, torch.from_numpy(train), fan_out)
        assert forecast.probability.nonzero().flatten().tolist() == sorted(batch)
        assert set(forecast.probability.tolist()) <= {0.0, 1.0}
        assert forecast.num_edges == edges


def test_one_hop_of_one_seed_is_fan_out_over_degree() -> None:
    star = torch.stack([torch.arange(1, 11), torch.zeros(10, dtype=torch.int64)])
    forecast = forecast_batch(star, torch.tensor([0]), [3], num_nodes=11)
    torch.testing.assert_close(forecast.probability[1:], torch.full((10,), 0.3).double())
    assert forecast.edges == (3.0,)


def test_seeds_that_come_twice_weigh_twice() -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    forecast = forecast_batch(none, torch.tensor([0, 0, 1, 2]), [1], batch_size=2, num_nodes=3)
    assert forecast.probability.tolist() == [1.0, 0.5, 0.5]
    assert forecast.batches == 2
    # A batch larger than all seeds is one of all.
    forecast = forecast_batch(none, torch.tensor([0, 1]), [1], batch_size=100, num_nodes=3)
    assert forecast.probability.tolist() == [1.0, 1.0, 0.0]


def test_a_mask_ids_and_weights_agree() -> None:
    edges = random_graph(50, 200, 3)
    ids = torch.arange(0, 50, 7)
    mask = torch.zeros(50, dtype=torch.bool)
    mask[ids] = True
    results = [
        forecast_batch(edges, seeds, [3, 2], batch_size=4, num_nodes=50).probability
        for seeds in (ids, mask, mask.double() * 5)
    ]
    # Weights of 5 are five times as many seeds, of which a batch holds the same share of 4.
    torch.testing.assert_close(results[0], results[1])
    torch.testing.assert_close(results[0], results[2])


def test_groups_count_as_often_as_they_are() -> None:
    forecast = BatchForecast(
        torch.tensor([0.5, 0.1]).double(), (), 1, torch.tensor([2.0, 10.0]).double()
    )
    assert forecast.rows == pytest.approx(2.0)


@pytest.mark.parametrize("batch_size", [0, -1])
def test_bad_batch_size(batch_size: int) -> None:
    with pytest.raises(InputError, match="batch_size"):
        forecast_batch(
            torch.tensor([[0], [1]]), torch.tensor([0]), [1], batch_size=batch_size, num_nodes=2
        )
