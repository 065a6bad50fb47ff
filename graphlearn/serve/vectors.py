"""Vectors of nodes without training: random projections carried along the links.

Two nodes get like vectors if walks of up to three steps from both end at the same nodes. Where the
nodes have features, projections of these are carried along too.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph
from graphlearn.serve.nearest import unit_vectors
from graphlearn.serve.snapshot import Snapshot
from graphlearn.topology.approximation import random_surroundings

_HOPS, _HOP_WEIGHTS = 3, (0.3, 1.0, 1.0)


def node_vectors(
    graph: CSRGraph, state: Snapshot, features: Tensor | None, *, dim: int, seed: int
) -> Tensor:
    """Vectors of length 1 from what is known at a cut; zeros for a node without links or features.

    Cost: 3 dim nnz multiply-adds, some 5 N dim numbers of memory.

    Args:
        graph: The graph of all links.
        state: What of it is known.
        features: Numbers of the nodes, standardized; None where there are none.
        dim: Columns.
        seed: Of the projections.

    Shapes:
        - **features**: ``[N, F]``; **output**: ``[N, dim]``, with features ``[N, 2 dim]``, float32

    Example:
        >>> from graphlearn.serve.snapshot import link_graph
        >>> graph = link_graph(torch.tensor([[0, 1], [1, 2]]), 4)
        >>> vectors = node_vectors(graph, Snapshot(graph.rowptr, graph.col), None, dim=8, seed=0)
        >>> vectors.norm(dim=1).round().tolist()
        [1.0, 1.0, 1.0, 0.0]
    """
    seen = graph if state.keep is None else graph.with_mask(state.keep)
    walked = random_surroundings(
        seen, hops=_HOPS, alpha=_HOP_WEIGHTS, dim=dim, normalization="symmetric", seed=seed
    )
    # A node without links keeps its own random row, which is like nothing.
    walked[state.degree == 0] = 0.0
    if features is None:
        return unit_vectors(walked)
    generator = torch.Generator().manual_seed(seed)
    projection = torch.randn(features.size(1), dim, generator=generator) / dim**0.5
    own = unit_vectors(features @ projection)
    return unit_vectors(torch.cat([unit_vectors(walked), own], dim=1))


def standardized(features: Tensor) -> Tensor:
    """Columns with mean 0 and variance 1; a constant one becomes 0.

    Shapes:
        - **features**, **output**: ``[N, F]``

    Example:
        >>> standardized(torch.tensor([[1.0, 5.0], [3.0, 5.0]])).tolist()
        [[-1.0, 0.0], [1.0, 0.0]]
    """
    wide = features.double()
    spread = wide.std(dim=0, correction=0)
    return ((wide - wide.mean(dim=0)) / spread.masked_fill(spread == 0, 1.0)).float()
