from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.kernels import CSRGraph
from graphlearn.kernels.khop import cpu_bits
from graphlearn.kernels.khop.overlap import arrays
from graphlearn.kernels.khop.reference import hop_overlap_reference


@pytest.mark.parametrize("hops", [1, 2, 3])
@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("nodes", [511, 512, 513, 1100])
def test_against_sets_around_the_size_of_a_block(nodes, hops, threads) -> None:
    generator = torch.Generator().manual_seed(nodes)
    edges = torch.randint(nodes, (2, 2 * nodes), generator=generator)
    graph = CSRGraph.from_edge_index(edges, nodes).without_edges(torch.arange(0, nodes, 5))
    last = torch.arange(nodes - 4, nodes)
    pairs = torch.cat(
        [torch.randint(nodes, (2, 12), generator=generator), torch.stack([last, last.flip(0)])], 1
    )
    found = cpu_bits.hop_overlap(*arrays(graph), pairs.numpy(), hops, threads)
    expected = hop_overlap_reference(graph, pairs, hops)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other.numpy())
