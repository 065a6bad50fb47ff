from __future__ import annotations

import numpy as np
import pytest
import torch

from graphlearn.kernels.khop import cpu_triangles
from graphlearn.kernels.khop.overlap import arrays


@pytest.mark.parametrize("masked", [False, True])
def test_each_edges_triangles(degree_graph, masked) -> None:
    graph = degree_graph.without_edges(torch.arange(0, 50)) if masked else degree_graph
    counts = cpu_triangles.edge_triangles(
        *arrays(graph), graph.edge_id.numpy(), graph.degree().numpy(), graph.num_edges
    )
    dense = torch.zeros(graph.num_nodes, graph.num_nodes)
    dense[tuple(graph.edge_index())] = 1
    u, v = graph.edge_pairs()
    np.testing.assert_array_equal(counts, ((dense @ dense) * dense)[u, v].int().numpy())
