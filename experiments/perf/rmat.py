"""Random graphs for the benchmarks: RMAT with its hubs, and one whose links are mostly local.

Both are drawn by numpy in blocks, the same for the same seed on every machine.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

_BLOCK = 1 << 20


def rmat(
    num_nodes: int,
    num_edges: int,
    seed: int,
    *,
    quadrants: tuple[float, float, float, float] = (0.57, 0.19, 0.19, 0.05),
) -> Tensor:
    """A recursive-matrix graph: ``edge_index [2, E]`` int64, ids shuffled, repeated edges kept.

    Each edge picks one of the adjacency matrix's quadrants, again and again, down to one entry:
    degrees in and out follow a power law. With a number of nodes that is no power of two the
    matrix of the next one is squeezed to it.

    Args:
        num_nodes: N.
        num_edges: E.
        seed: Of the draws.
        quadrants: Chances of the four quadrants, row by row.
    """
    rng = np.random.default_rng(seed)
    levels = max(1, (num_nodes - 1).bit_length())
    a, b, c, _ = quadrants
    names = rng.permutation(num_nodes)
    edges = np.empty((2, num_edges), np.int64)
    for begin in range(0, num_edges, _BLOCK):
        block = edges[:, begin : begin + _BLOCK]
        block[:] = 0
        for _ in range(levels):
            draw = rng.random(block.shape[1], dtype=np.float32)
            source_bit = draw >= a + b
            target_bit = ((draw >= a) & ~source_bit) | (draw >= a + b + c)
            block *= 2
            block[0] += source_bit
            block[1] += target_bit
        block[:] = names[(block * num_nodes) >> levels]
    return torch.from_numpy(edges)


def local_graph(
    num_nodes: int, num_edges: int, seed: int, *, reach: int = 1000, noise: float = 0.1
) -> Tensor:
    """A graph on a ring: ``edge_index [2, E]`` int64; most in-neighbors of a node are near it.

    The distance to a near one is drawn from a two-sided geometric distribution with mean ``reach``;
    a share ``noise`` of the edges has its source anywhere, with a preference for hubs that the
    training nodes know nothing of: source ids of those follow a power law over shuffled nodes.

    Args:
        num_nodes: N.
        num_edges: E.
        seed: Of the draws.
        reach: Mean distance of a near in-neighbor.
        noise: Share of edges from anywhere.
    """
    rng = np.random.default_rng(seed)
    names = rng.permutation(num_nodes)
    edges = np.empty((2, num_edges), np.int64)
    for begin in range(0, num_edges, _BLOCK):
        size = min(_BLOCK, num_edges - begin)
        target = rng.integers(0, num_nodes, size)
        step = rng.geometric(1.0 / reach, size) * rng.choice((-1, 1), size)
        source = (target + step) % num_nodes
        far = rng.random(size) < noise
        source[far] = names[(rng.random(int(far.sum())) ** 4 * num_nodes).astype(np.int64)]
        edges[0, begin : begin + size], edges[1, begin : begin + size] = source, target
    return torch.from_numpy(edges)
