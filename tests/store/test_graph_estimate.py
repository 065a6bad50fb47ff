from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store import forecast_batch
from graphlearn.store.graph_estimate import forecast_sizes

NODES, EDGES = 20_000, 200_000


def graph_of(assumption: str) -> torch.Tensor:
    """A graph of both directions that is as the assumption says."""
    rng = np.random.default_rng(0)
    if assumption == "uniform":
        ends = rng.integers(0, NODES, (2, EDGES // 2))
    else:
        weight = (np.arange(1, NODES + 1) / NODES) ** (-1 / 1.2)
        for _ in range(20):
            weight = np.minimum(weight * EDGES / weight.sum(), NODES)
        ends = np.searchsorted(np.cumsum(weight) / weight.sum(), rng.random((2, EDGES // 2)))
    edges = torch.from_numpy(ends)
    return torch.cat([edges, edges.flip(0)], dim=1)


@pytest.mark.parametrize("assumption", ["uniform", "power-law"])
@pytest.mark.parametrize("fan_out", [[10, 5], [-1], [3, 3, 3]])
def test_close_to_the_forecast_on_such_a_graph(assumption: Any, fan_out: list[int]) -> None:
    train = torch.randperm(NODES, generator=torch.Generator().manual_seed(0))[:2000]
    exact = forecast_batch(graph_of(assumption), train, fan_out, batch_size=50, num_nodes=NODES)
    found = forecast_sizes(NODES, EDGES, 2000, fan_out, batch_size=50, assumption=assumption)
    assert found.count is not None
    assert float(found.count.sum()) == pytest.approx(NODES)
    assert found.batches == exact.batches == 40
    assert found.num_edges == pytest.approx(exact.num_edges, rel=0.12)
    assert found.rows == pytest.approx(exact.rows, rel=0.12)


def test_all_nodes_are_reached_and_no_more() -> None:
    found = forecast_sizes(100, 5000, 100, [-1], batch_size=100, assumption="uniform")
    assert found.rows == pytest.approx(100)
    found = forecast_sizes(1, 0, 1, [5], batch_size=10)
    assert (found.rows, found.num_edges) == (1.0, 0.0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"num_nodes": 0}, "num_nodes is 0"),
        ({"num_edges": -1}, "num_edges is -1"),
        ({"num_edges": 1.5}, "num_edges is 1.5"),
        ({"train_nodes": 101}, "train_nodes is 101: expected at most num_nodes, 100"),
        ({"train_nodes": 0}, "train_nodes is 0"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"fan_out": []}, "fan_out is empty"),
        ({"assumption": "powerlaw"}, "did you mean 'power-law'"),
        ({"exponent": 2.0}, "exponent is 2.0"),
    ],
)
def test_bad_input(changes: dict[str, Any], text: str) -> None:
    given: dict[str, Any] = {
        "num_nodes": 100,
        "num_edges": 200,
        "train_nodes": 10,
        "fan_out": [2],
        "batch_size": 5,
    }
    with pytest.raises((InputError, InputTypeError)) as caught:
        forecast_sizes(**{**given, **changes})
    assert text in str(caught.value)
