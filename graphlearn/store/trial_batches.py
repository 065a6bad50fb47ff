"""Some mini-batches, drawn before training as a loader will draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.kernels.sample import HopSampler, NeighborRows, Relation
from graphlearn.store.in_neighbors import InNeighbors

_MOST, _LEAST = 64, 4
_EDGES = 4_000_000  # of all batches together, unless the least number of them has more


@dataclass(frozen=True, eq=False)
class TrialBatch:
    """What a batch holds.

    Args:
        nodes: Its nodes, ascending.
        edges: How many edges each hop drew.
    """

    nodes: NDArray[np.int64]
    edges: tuple[int, ...]


def trial_batches(
    graph: InNeighbors,
    weight: Tensor,
    fan_out: Sequence[int],
    *,
    batch_size: int,
    num_edges: float,
) -> list[TrialBatch]:
    """Draw batches whose averages tell what a batch holds, whatever the graph looks like.

    Their seeds are drawn from those of an epoch, without replacement. The same call draws the same
    batches.

    Args:
        graph: What a sampler reads.
        weight: How often each node is a seed in an epoch, at least one of them; see
            :func:`graphlearn.store.in_neighbors.seed_weights`.
        fan_out: Neighbors that each hop draws; -1 for all.
        batch_size: Seeds a batch.
        num_edges: About how many edges a batch has: of large batches a few are drawn, which are as
            good as many small ones.

    Shapes:
        - **weight**: ``[N]``

    Example:
        >>> import torch
        >>> graph = InNeighbors(torch.tensor([0, 2, 2, 2]), torch.tensor([1, 2]))
        >>> seeds = torch.tensor([1.0, 0.0, 0.0])
        >>> batches = trial_batches(graph, seeds, [2], batch_size=8, num_edges=2.0)
        >>> len(batches), batches[0].nodes.tolist(), batches[0].edges
        (64, [0, 1, 2], (2,))
    """
    rows = NeighborRows.from_rows(graph.colptr, graph.row, num_sources=graph.num_nodes)
    sampler = HopSampler([graph.num_nodes], [Relation(0, 0, rows)])
    rng, draw = np.random.default_rng(0), _Seeds(weight.numpy(), batch_size)
    found = []
    for number in range(max(_LEAST, min(_MOST, int(_EDGES / max(1.0, num_edges))))):
        hops = sampler.sample({0: draw(rng)}, [list(fan_out)], key=number)
        edges = hops.edges_per_hop
        assert edges is not None  # which it is for induced subgraphs alone
        found.append(TrialBatch(np.sort(hops.node[0]), tuple(edges[0])))
    return found


class _Seeds:
    """Draws the seeds of a batch."""

    def __init__(self, weight: NDArray[Any], size: int) -> None:
        self._able = np.flatnonzero(weight)
        self._weight, self._size = weight[self._able], size
        if bool((self._weight % 1 == 0).all()):  # how often each of them is a seed
            self._able = np.repeat(self._able, self._weight.astype(np.int64))
            self._weight = np.ones(0)

    def __call__(self, rng: np.random.Generator) -> NDArray[np.int64]:
        size = min(self._size, len(self._able))
        if len(self._weight):  # the first of clocks that run as fast as weights say
            rings = rng.standard_exponential(len(self._able)) / self._weight
            return np.sort(self._able[np.argpartition(rings, size - 1)[:size]])
        return np.unique(rng.choice(self._able, size, replace=False, shuffle=False))
