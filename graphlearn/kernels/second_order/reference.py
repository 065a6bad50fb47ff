"""Paths of length three by plain loops: the oracle of the tests, written to be read."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels.csr import CSRGraph
from graphlearn.kernels.lists import NeighborLists


def second_order_reference(graph: CSRGraph, pairs: Tensor) -> tuple[NeighborLists, Tensor]:
    """Every path ``i - u - w - j`` of four distinct nodes is walked, and counts for u and for w.

    Under a mask that hides one direction of an edge, a node shows those neighbors that its own row
    has: u is in the row of i, w in that of j, and u in that of w.

    Example:
        >>> import torch
        >>> path = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 3]]))
        >>> lists, count = second_order_reference(path, torch.tensor([[0], [3]]))
        >>> lists.tolist(), count.tolist()
        ([[1, 2]], [[1, 0], [0, 1]])
    """
    rows: list[set[int]] = [set() for _ in range(graph.num_nodes)]
    for source, target in graph.edge_index().t().tolist():
        rows[source].add(target)
    lists, counts = [], []
    for i, j in pairs.t().tolist():
        found: dict[int, list[int]] = {}
        for side, (near, far) in enumerate(((i, j), (j, i))):
            for u in rows[near] - {i, j}:
                paths = sum(u in rows[w] for w in rows[far] - {i, j, u})
                if paths:
                    found.setdefault(u, [0, 0])[side] = paths
        lists.append(sorted(found))
        counts += [found[u] for u in sorted(found)]
    rowptr = torch.tensor([0] + [len(nodes) for nodes in lists]).cumsum(0)
    node = torch.tensor([u for nodes in lists for u in nodes], dtype=torch.int64)
    return (
        NeighborLists(rowptr.to(graph.device), node.to(graph.device)),
        torch.tensor(counts, dtype=torch.int64, device=graph.device).view(-1, 2),
    )
