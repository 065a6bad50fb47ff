"""Triangles of every edge."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels.csr import CSRGraph
from graphlearn.kernels.khop import cpu_triangles
from graphlearn.kernels.khop.overlap import arrays, check_undirected
from graphlearn.typing import EdgeIndex


def edge_triangles(graph: CSRGraph | EdgeIndex) -> Tensor:
    """Count the common neighbors of the two ends of every edge.

    Cost: each triangle is met once; at most ``sqrt(2 M)`` steps for each of M edges, however large
    the hubs; 12 M bytes, and 4 M + 4 N a thread (of which eight at most take part). For pairs that
    are no edges see :func:`common_neighbors`. Computed on the CPU; the result is where the graph
    is.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``. Undirected.

    Shapes:
        - output: ``[num_edges]`` int32, by edge id; 0 for removed edges and self-loops

    Raises:
        InputError: If the graph is directed.

    Example:
        >>> edge_triangles(torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])).tolist()
        [1, 1, 1, 0]
    """
    graph = check_undirected(graph)
    counts = cpu_triangles.edge_triangles(
        *arrays(graph),
        graph.edge_id.cpu().numpy(),
        graph.degree().cpu().numpy(),
        graph.num_edges,
    )
    return torch.from_numpy(counts).to(graph.device)
