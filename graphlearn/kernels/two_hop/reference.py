"""Two-hop candidates in plain Python: the oracle of the compiled walk."""

from __future__ import annotations

import math

import numpy as np
from torch import Tensor


def candidates_reference(
    rowptr: Tensor,
    col: Tensor,
    sources: Tensor,
    *,
    best: int,
    keep: Tensor | None = None,
    weight: Tensor | None = None,
    popular: Tensor | None = None,
    take: int = 0,
    extra: Tensor | None = None,
    budget: int = 2**62,
) -> list[dict[int, tuple[float, float, float, float]]]:
    """Return for each source its candidates in ascending order, each with its four sums.

    Args:
        rowptr: As :func:`graphlearn.kernels.two_hop_candidates` takes it; likewise the others.
        col: Neighbors.
        sources: Nodes.
        best: How many by each sum.
        keep: Entries that are present.
        weight: A factor for each entry.
        popular: Orders of nodes to take candidates from.
        take: How many of each order.
        extra: Further candidates of each source; -1 for none.
        budget: Most steps from a source.

    Shapes:
        - as there; **output**: B dictionaries

    Example:
        >>> import torch
        >>> rowptr, col = torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1])
        >>> [list(found) for found in candidates_reference(rowptr, col, torch.tensor([0]), best=1)]
        [[2]]
    """
    begin, neighbors = rowptr.tolist(), col.tolist()
    present = [True] * len(neighbors) if keep is None else keep.bool().tolist()
    factor = [0.0] * len(neighbors) if weight is None else weight.tolist()
    rows = [
        [(neighbors[k], factor[k]) for k in range(begin[u], begin[u + 1]) if present[k]]
        for u in range(len(begin) - 1)
    ]
    results = []
    for b, u in enumerate(sources.tolist()):
        via = sorted(rows[u], key=lambda entry: (len(rows[entry[0]]), entry[0]))
        ends = np.cumsum([len(rows[w]) for w, _ in via])
        via = [entry for entry, end in zip(via, ends, strict=True) if end <= budget]
        barred = {u, *(w for w, _ in rows[u])}
        sums: dict[int, list[float]] = {}
        for w, first in via:
            degree = len(rows[w])
            for v, second in rows[w]:
                if v not in barred:
                    found = sums.setdefault(v, [0.0, 0.0, 0.0, 0.0])
                    parts = (1.0, 1 / math.log(degree), 1 / degree, first * second)
                    for m, value in enumerate(parts):
                        found[m] += value
        chosen: set[int] = set()
        for m in range(3 if weight is None else 4):
            # To float32, in which the kernel compares.
            order = sorted(sums, key=lambda v: (-float(np.float32(sums[v][m])), v))
            chosen |= set(order[:best])
        for order in [] if popular is None else popular.tolist():
            chosen |= set([v for v in order if v not in barred][:take])
        if extra is not None:
            chosen |= {v for v in extra[b].tolist() if v >= 0 and v not in barred}
        nothing = [0.0, 0.0, 0.0, 0.0]
        results.append(
            {v: (lambda s: (s[0], s[1], s[2], s[3]))(sums.get(v, nothing)) for v in sorted(chosen)}
        )
    return results
