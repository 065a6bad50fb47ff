"""Plain forms of the hop kernels, by sets: the oracle of their tests."""

from __future__ import annotations

from collections import Counter

import torch
from torch import Tensor

from graphlearn.kernels.csr import CSRGraph
from graphlearn.kernels.khop.overlap import HopOverlap, WalkOverlap
from graphlearn.typing import Pairs


def _neighbors(graph: CSRGraph) -> list[set[int]]:
    found: list[set[int]] = [set() for _ in range(graph.num_nodes)]
    for u, v in graph.edge_index().t().tolist():
        found[u].add(v)
    return found


def hop_sets(graph: CSRGraph, root: int, hops: int) -> list[set[int]]:
    """Return the nodes at exactly 1, ..., ``hops`` hops from a node.

    Args:
        graph: The graph.
        root: The node.
        hops: K.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 3]]))
        >>> hop_sets(graph, 0, 2)
        [{1}, {2}]
    """
    near = _neighbors(graph)
    met, last, sets = {root}, {root}, []
    for _ in range(hops):
        last = {v for u in last for v in near[u]} - met
        met |= last
        sets.append(last)
    return sets


def hop_overlap_reference(graph: CSRGraph, pairs: Pairs, hops: int) -> HopOverlap:
    """The plain form of :func:`hop_overlap`.

    Args:
        graph: The graph.
        pairs: Node pairs.
        hops: K.

    Shapes:
        - **pairs**: ``[2, B]``
    """
    shared = torch.zeros(pairs.size(1), hops, hops, dtype=torch.int32)
    sizes = torch.zeros(2, pairs.size(1), hops, dtype=torch.int32)
    for b, (u, v) in enumerate(pairs.t().tolist()):
        of_u, of_v = hop_sets(graph, u, hops), hop_sets(graph, v, hops)
        for k in range(hops):
            sizes[0, b, k], sizes[1, b, k] = len(of_u[k]), len(of_v[k])
            for j in range(hops):
                shared[b, k, j] = len(of_u[k] & of_v[j])
    return HopOverlap(shared, sizes[0], sizes[1])


def walk_overlap_reference(graph: CSRGraph, pairs: Pairs, hops: int) -> WalkOverlap:
    """The plain form of :func:`walk_overlap`.

    Args:
        graph: The graph.
        pairs: Node pairs.
        hops: K.

    Shapes:
        - **pairs**: ``[2, B]``
    """
    near = _neighbors(graph)

    def walks(root: int) -> list[Counter[int]]:
        counts, found = Counter({root: 1}), []
        for _ in range(hops):
            after: Counter[int] = Counter()
            for u, number in counts.items():
                for v in near[u]:
                    after[v] += number
            counts = after
            found.append(after)
        return found

    shared = torch.zeros(pairs.size(1), hops, hops, dtype=torch.float64)
    totals = torch.zeros(pairs.size(1), hops, dtype=torch.float64)
    for b, (u, v) in enumerate(pairs.t().tolist()):
        of_u, of_v = walks(u), walks(v)
        for k in range(hops):
            totals[b, k] = sum(of_u[k].values())
            for j in range(hops):
                shared[b, k, j] = sum(n for w, n in of_u[k].items() if w in of_v[j])
    return WalkOverlap(shared, totals)


def edge_triangles_reference(graph: CSRGraph) -> Tensor:
    """The plain form of :func:`edge_triangles`.

    Args:
        graph: The graph.
    """
    near = [found - {u} for u, found in enumerate(_neighbors(graph))]
    pairs = graph.edge_pairs().t().tolist()
    counts = [len(near[u] & near[v]) if v in near[u] else 0 for u, v in pairs]
    return torch.tensor(counts, dtype=torch.int32)
