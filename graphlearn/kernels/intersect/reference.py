"""Set-based intersection: the oracle of the tests, written to be read."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels.csr import CSRGraph
from graphlearn.kernels.lists import NeighborLists


def _lists(rows: list[list[int]], device: torch.device) -> NeighborLists:
    counts = torch.tensor([0] + [len(row) for row in rows])
    nodes = torch.tensor([node for row in rows for node in row], dtype=torch.int64)
    return NeighborLists(counts.cumsum(0).to(device), nodes.to(device))


def overlap_reference(
    graph: CSRGraph, pairs: Tensor
) -> tuple[NeighborLists, NeighborLists, NeighborLists]:
    """Common and residual neighborhoods of every pair, by Python sets.

    Returns:
        ``N(u) & N(v)``, ``N(u) - N(v) - {u, v}`` and ``N(v) - N(u) - {u, v}``, each sorted.

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 0, 1, 1], [2, 3, 2, 4]]))
        >>> [lists.tolist() for lists in overlap_reference(graph, torch.tensor([[0], [1]]))]
        [[[2]], [[3]], [[4]]]
    """
    neighbors: dict[int, set[int]] = {}
    row, col = graph.edge_index()
    for source, target in zip(row.tolist(), col.tolist(), strict=True):
        neighbors.setdefault(source, set()).add(target)
    common, only_source, only_target = [], [], []
    for u, v in zip(*pairs.tolist(), strict=True):
        of_u, of_v = neighbors.get(u, set()), neighbors.get(v, set())
        common.append(sorted(of_u & of_v))
        only_source.append(sorted(of_u - of_v - {u, v}))
        only_target.append(sorted(of_v - of_u - {u, v}))
    device = graph.device
    return _lists(common, device), _lists(only_source, device), _lists(only_target, device)


def pooled_reference(
    graph: CSRGraph, pairs: Tensor, x: Tensor, node_weight: Tensor | None = None
) -> Tensor:
    """``sum_{w in N(u) & N(v)} node_weight[w] * x[w]`` for every pair, by Python sets.

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [2, 2]]))
        >>> pooled_reference(graph, torch.tensor([[0], [1]]), torch.eye(3)).tolist()
        [[0.0, 0.0, 1.0]]
    """
    common, _, _ = overlap_reference(graph, pairs)
    weighted = x if node_weight is None else x * node_weight[:, None]
    rows = [weighted[nodes].sum(dim=0) for nodes in common.tolist()]
    return torch.stack(rows) if rows else x.new_zeros(0, x.size(1))
