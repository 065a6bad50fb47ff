from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.kernels.khop import cpu_balls
from graphlearn.kernels.khop.overlap import arrays
from graphlearn.kernels.khop.reference import hop_overlap_reference, hop_sets


@pytest.mark.parametrize("hops", [1, 2, 3])
@pytest.mark.parametrize("threads", [1, 3])
def test_against_sets(hub_graph, hops, threads) -> None:
    pairs = torch.randint(400, (2, 30), generator=torch.Generator().manual_seed(0))
    rowptr, col, keep = arrays(hub_graph)
    steps = cpu_balls.search_steps(rowptr, col, hops)
    found = cpu_balls.hop_overlap(rowptr, col, keep, pairs.numpy(), hops, steps, threads)
    expected = hop_overlap_reference(hub_graph, pairs, hops)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other.numpy())


def test_search_finds_each_distance(hub_graph) -> None:
    rowptr, col, keep = arrays(hub_graph)
    seen, queue = np.zeros(400, np.int64), np.empty(400, np.int32)
    bounds = np.empty(4, np.int64)
    for root in (0, 17, 399):
        cpu_balls.search(rowptr, col, keep, root, 2, seen, root + 1, queue, bounds)
        found = [set(queue[bounds[k] : bounds[k + 1]].tolist()) for k in range(3)]
        assert found == [{root}, *hop_sets(hub_graph, root, 2)]


def test_steps_are_what_a_search_reads_at_most() -> None:
    # A path 0 - 1 - 2 - 3: two hops from 0 read the rows of 0 and 1.
    rowptr, col = np.array([0, 1, 3, 5, 6]), np.array([1, 0, 2, 1, 3, 2])
    assert cpu_balls.search_steps(rowptr, col, 1).tolist() == [1, 2, 2, 1]
    assert cpu_balls.search_steps(rowptr, col, 2).tolist() == [3, 5, 5, 3]
    assert cpu_balls.search_steps(rowptr, col, 9).max() <= 6
