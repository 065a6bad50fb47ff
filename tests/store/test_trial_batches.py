from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.store.in_neighbors import InNeighbors, in_neighbors
from graphlearn.store.trial_batches import TrialBatch, trial_batches

NODES = 400


@pytest.fixture(scope="module")
def graph() -> InNeighbors:
    rng = np.random.default_rng(0)
    return in_neighbors(torch.from_numpy(rng.integers(0, NODES, (2, 1200))), NODES)


def drawn(graph: InNeighbors, weight: torch.Tensor, **options: object) -> list[TrialBatch]:
    given = {"batch_size": 10, "num_edges": 50.0, **options}
    return trial_batches(graph, weight, [3, 2], **given)


def test_batches_are_those_of_a_sampler(graph: InNeighbors) -> None:
    degree = graph.colptr.diff()
    batches = drawn(graph, torch.ones(NODES, dtype=torch.float64))
    assert len(batches) == 64
    for batch in batches:
        assert np.array_equal(batch.nodes, np.unique(batch.nodes))
        first, second = batch.edges
        assert 0 < first <= 30
        assert second <= 2 * first
    whole = trial_batches(graph, torch.ones(NODES), [-1], batch_size=NODES, num_edges=1e9)
    assert len(whole) == 4
    assert whole[0].edges == (int(degree.sum()),)
    assert whole[0].nodes.tolist() == list(range(NODES))


def test_the_same_call_draws_the_same(graph: InNeighbors) -> None:
    weight = torch.ones(NODES, dtype=torch.float64)
    for one, other in zip(drawn(graph, weight), drawn(graph, weight), strict=True):
        assert np.array_equal(one.nodes, other.nodes)


@pytest.mark.parametrize("unit", [1.0, 0.5])
def test_seeds_are_drawn_by_their_weights(unit: float) -> None:
    alone = InNeighbors(torch.zeros(5, dtype=torch.int64), torch.empty(0, dtype=torch.int64))
    weight = unit * torch.tensor([0.0, 1.0, 16.0, 128.0], dtype=torch.float64)
    batches = trial_batches(alone, weight, [1], batch_size=1, num_edges=0.0)
    counts = np.bincount(np.concatenate([batch.nodes for batch in batches]), minlength=4)
    assert counts.sum() == 64
    assert counts[0] == 0
    assert counts[1] < counts[2] < counts[3]
    (all_of_them,) = {tuple(b.nodes) for b in drawn(alone, weight, batch_size=200)}
    assert all_of_them == (1, 2, 3)
