"""The plain forms of partitioning: the oracle of the tests, written to be read."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Sequence

import torch
from torch import Tensor

from graphlearn.kernels.partition.cells import Cells


def neighbor_lists(edges: Sequence[tuple[int, int]], num_nodes: int) -> list[list[int]]:
    """For each node the other end of each of its edges, self-loops left out.

    Example:
        >>> neighbor_lists([(0, 1), (1, 0), (2, 2)], 3)
        [[1, 1], [0, 0], []]
    """
    near: list[list[int]] = [[] for _ in range(num_nodes)]
    for u, v in edges:
        if u != v:
            near[u].append(v)
            near[v].append(u)
    return near


def breadth_first_reference(near: list[list[int]], start: Sequence[int]) -> list[int]:
    """Nodes in the order a search meets them that begins at each of ``start`` not met before.

    Example:
        >>> breadth_first_reference([[2], [], [0]], [0, 1, 2])
        [0, 2, 1]
    """
    order, met = [], set()
    for root in start:
        waiting = deque([root] if root not in met else [])
        met.add(root)
        while waiting:
            u = waiting.popleft()
            order.append(u)
            for v in near[u]:
                if v not in met:
                    met.add(v)
                    waiting.append(v)
    return order


def stream_pass_reference(
    near: list[list[int]],
    work: Sequence[int],
    order: Sequence[int],
    load: list[int],
    capacity: float,
    price: float,
    share: float,
    part: list[int],
) -> int:
    """One pass as :func:`stream_partition` describes it; changes ``load`` and ``part``.

    Example:
        >>> load, part = [0, 0], [-1, -1]
        >>> stream_pass_reference([[1], [0]], [1, 1], [0, 1], load, 2.0, 0.5, 1.0, part)
        2
        >>> load, part
        ([2, 0], [0, 0])
    """
    changed = 0
    for v in order:
        old = part[v]
        if old >= 0:
            load[old] -= work[v]
        count = Counter(part[u] for u in near[v] if part[u] >= 0)
        lightest = min(range(len(load)), key=lambda p: (load[p], p))
        others = [*([old] if old >= 0 else []), *count]
        options = [lightest] + [p for p in others if load[p] + work[v] <= capacity]
        # max takes the first of equals; Counter keeps the order in which parts were met.
        part[v] = max(
            options, key=lambda p: count[p] - price * work[v] * math.sqrt(load[p] / share)
        )
        load[part[v]] += work[v]
        changed += part[v] != old
    return changed


def compact_cells_reference(source: Tensor, target: Tensor, cell: Tensor, num_cells: int) -> Cells:
    """The plain form of :func:`compact_cells`.

    Shapes:
        - **source**, **target**: ``[E]``; **cell**: ``[N]``

    Example:
        >>> part = torch.tensor([0, 1])
        >>> compact_cells_reference(torch.tensor([1]), torch.tensor([0]), part, 2).col.tolist()
        [1]
    """
    nodes: list[int] = []
    halo: list[int] = []
    col: list[int] = []
    edge: list[int] = []
    node_ptr, halo_ptr, rowptr = [0], [0], [0]
    edges = list(zip(source.tolist(), target.tolist(), strict=True))
    for c in range(num_cells):
        own = [v for v in range(cell.numel()) if cell[v] == c]
        outside = sorted({u for u, v in edges if v in own} - set(own))
        row = {v: i for i, v in enumerate(own + outside)}
        for v in own:
            entries = [e for e, (_, head) in enumerate(edges) if head == v]
            edge += entries
            col += [row[edges[e][0]] for e in entries]
            rowptr.append(len(col))
        nodes += own
        halo += outside
        node_ptr.append(len(nodes))
        halo_ptr.append(len(halo))
    found = (nodes, node_ptr, rowptr, col, edge, halo, halo_ptr)
    return Cells(*(torch.tensor(values, dtype=torch.int64) for values in found))
