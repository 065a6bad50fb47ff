from __future__ import annotations

import pytest
import torch

from graphlearn.kernels.partition import fill_empty_parts, stream_partition
from graphlearn.kernels.partition.stream import price_of_work


def communities(count: int, size: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Edges of which nine in ten stay in a community, ids shuffled, and who is in which."""
    generator = torch.Generator().manual_seed(seed)
    nodes, edges = count * size, 8 * count * size
    source = torch.randint(nodes, (edges,), generator=generator)
    inside = source - source % size + torch.randint(size, (edges,), generator=generator)
    stays = torch.rand(edges, generator=generator) < 0.9
    target = torch.where(stays, inside, torch.randint(nodes, (edges,), generator=generator))
    names = torch.randperm(nodes, generator=generator)
    community = torch.empty(nodes, dtype=torch.int64)
    community[names] = torch.arange(nodes) // size
    return names[torch.stack([source, target])], community


def cut_share(edges: torch.Tensor, part: torch.Tensor) -> float:
    return float((part[edges[0]] != part[edges[1]]).float().mean())


@pytest.mark.parametrize("parts", [2, 4, 8])
def test_communities_are_found(parts) -> None:
    edges, community = communities(8, 60, seed=0)
    work = edges[1].bincount(minlength=480) + 1
    part = stream_partition(*edges, work, parts)
    random = torch.randint(parts, (480,), generator=torch.Generator().manual_seed(1))
    assert cut_share(edges, part) < 0.6 * cut_share(edges, random)
    assert cut_share(edges, community) > 0.05  # what no partition of its size could well go below
    load = torch.zeros(parts, dtype=torch.int64).index_add_(0, part, work)
    assert int(load.max()) <= max(
        1.05 * int(work.sum()) / parts, int(work.sum() / parts) + 1 + int(work.max())
    )


def test_same_seed_same_parts_and_another_seed_others() -> None:
    edges, _ = communities(4, 40, seed=1)
    work = torch.ones(160, dtype=torch.int64)
    first = stream_partition(*edges, work, 4, seed=3)
    assert torch.equal(first, stream_partition(*edges, work, 4, seed=3))
    assert not torch.equal(first, stream_partition(*edges, work, 4, seed=4))


@pytest.mark.parametrize("parts", [1, 2, 5])
def test_graphs_without_edges_are_cut_evenly(parts) -> None:
    none = torch.empty(0, dtype=torch.int64)
    part = stream_partition(none, none, torch.ones(5, dtype=torch.int64), parts)
    assert int(part.bincount(minlength=parts).max()) == -(-5 // parts)
    assert stream_partition(none, none, none, 1).tolist() == []


def test_as_many_parts_as_nodes_have_one_each() -> None:
    star = torch.stack([torch.zeros(20, dtype=torch.int64), torch.arange(1, 21)])
    part = stream_partition(star[1], star[0], torch.tensor([21] + [1] * 20), 21)
    assert sorted(part.tolist()) == list(range(21))


def test_one_pass_is_worse_than_five() -> None:
    edges, _ = communities(8, 60, seed=2)
    work = torch.ones(480, dtype=torch.int64)
    once, often = (stream_partition(*edges, work, 8, passes=p) for p in (1, 5))
    assert cut_share(edges, often) < cut_share(edges, once)


def test_price_of_work_is_fennels() -> None:
    edges, work, parts = 40, 25.0, 4
    alpha = edges * parts**0.5 / work**1.5
    share = work / parts
    assert price_of_work(edges, 25) == pytest.approx(1.5 * alpha * share**0.5)


def test_empty_parts_are_filled_in_place() -> None:
    part = torch.zeros(4, dtype=torch.int64)
    assert fill_empty_parts(part, 3) is part
    assert sorted(part.tolist()) == [0, 0, 1, 2]
