from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.kernels.khop import cpu_walks
from graphlearn.kernels.khop.cpu_balls import search_steps
from graphlearn.kernels.khop.overlap import arrays


@pytest.mark.parametrize("threads", [1, 3])
def test_totals_are_powers_of_the_adjacency_matrix(hub_graph, threads) -> None:
    rowptr, col, keep = arrays(hub_graph)
    dense = torch.zeros(400, 400, dtype=torch.float64)
    dense[tuple(hub_graph.edge_index())] = 1
    pairs = torch.randint(400, (2, 50), generator=torch.Generator().manual_seed(0))
    steps = search_steps(rowptr, col, 3)
    shared, totals = cpu_walks.walk_overlap(rowptr, col, keep, pairs.numpy(), 3, steps, threads)
    powers = [dense, dense @ dense, dense @ dense @ dense]
    for k, power in enumerate(powers):
        np.testing.assert_array_equal(totals[:, k], power.sum(1)[pairs[0]].numpy())
        for j, other in enumerate(powers):
            both = (power[pairs[0]] * (other[pairs[1]] > 0)).sum(1)
            np.testing.assert_array_equal(shared[:, k, j], both.numpy())
