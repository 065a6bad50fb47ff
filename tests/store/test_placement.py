from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store import (
    access_counts,
    degree_score,
    forecast_batch,
    inclusion_probability,
    reverse_pagerank,
)

EDGES = torch.tensor([[1, 2, 2, 0, 2, 3], [0, 0, 1, 2, 3, 3]])


def test_inclusion_is_the_forecast_of_a_batch() -> None:
    train = torch.tensor([0, 3])
    found = inclusion_probability(EDGES, train, [1, 1], batch_size=1, num_nodes=5)
    expected = forecast_batch(EDGES, train, [1, 1], batch_size=1, num_nodes=5).probability
    assert torch.equal(found, expected)
    assert found.dtype == torch.float64
    # Node 0: a seed in every second batch; it draws 1 or 2, and 1 draws 2.
    assert float(found[0]) > 0.5
    assert float(found[4]) == 0.0


def test_degree_counts_who_lists_a_node() -> None:
    assert degree_score(EDGES, num_nodes=5).tolist() == [1, 1, 3, 1, 0]
    assert degree_score((torch.tensor([0, 1]), torch.tensor([0], dtype=torch.int32))).tolist() == [
        1
    ]


def test_reverse_pagerank_is_the_solution_of_its_equation() -> None:
    rng = np.random.default_rng(0)
    edges = torch.from_numpy(rng.integers(0, 30, (2, 150)))
    train = torch.tensor([0, 5, 5])
    found = reverse_pagerank(edges, train, alpha=0.2, num_iterations=200, num_nodes=30)
    share = torch.zeros(30, 30, dtype=torch.float64)  # from v to its in-neighbors u
    degree = torch.bincount(edges[1], minlength=30).clamp(min=1)
    share.index_put_((edges[0], edges[1]), 1.0 / degree[edges[1]].double(), accumulate=True)
    start = torch.zeros(30, dtype=torch.float64)
    start[0], start[5] = 1 / 3, 2 / 3
    expected = torch.linalg.solve(torch.eye(30).double() - 0.8 * share, 0.2 * start)
    torch.testing.assert_close(found, expected)


def test_access_counts() -> None:
    batches = (torch.tensor([0, 3]), torch.tensor([], dtype=torch.int64), torch.tensor([3]).int())
    assert access_counts(iter(batches), 5).tolist() == [1, 0, 0, 2, 0]
    assert access_counts([], 2).tolist() == [0, 0]


def test_local_training_nodes_are_seen_by_all_but_degree() -> None:
    """Two communities; training is in the first, hubs that many list are in the second."""
    rng = np.random.default_rng(0)
    first = rng.integers(0, 100, (2, 600))
    second = np.stack([100 + rng.integers(0, 10, 3000), 100 + rng.integers(0, 100, 3000)])
    edges = torch.from_numpy(np.concatenate([first, second], axis=1))
    train = torch.arange(0, 100, 3)
    for score in (
        inclusion_probability(edges, train, [5, 5], batch_size=4, num_nodes=200),
        reverse_pagerank(edges, train, num_nodes=200),
    ):
        assert int(score.topk(50).indices.max()) < 100
    assert int(degree_score(edges, num_nodes=200).topk(10).indices.min()) >= 100


@pytest.mark.parametrize("alpha", [0.0, 1.0, -1, float("nan")])
def test_bad_alpha(alpha: float) -> None:
    with pytest.raises(InputError, match="alpha"):
        reverse_pagerank(EDGES, torch.tensor([0]), alpha=alpha, num_nodes=5)


def test_other_bad_input() -> None:
    with pytest.raises(InputError, match="num_iterations"):
        reverse_pagerank(EDGES, torch.tensor([0]), num_iterations=0, num_nodes=5)
    with pytest.raises(InputError, match="num_nodes is None"):
        degree_score(EDGES)
    with pytest.raises(InputError, match="batch holds 5"):
        access_counts([torch.tensor([5])], 5)
    with pytest.raises(InputTypeError, match="batch has list"):
        access_counts([[1]], 5)  # type: ignore[list-item]
    with pytest.raises(InputError, match="fan_out"):
        inclusion_probability(EDGES, torch.tensor([0]), [], num_nodes=5)
