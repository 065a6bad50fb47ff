"""Node pairs that are no edges, drawn uniformly and without repetition.

Number the ``N (N - 1) / 2`` pairs ``u < v`` by ``t = v (v - 1) / 2 + u``. With the edges' numbers
sorted, the ``r``-th non-edge is found by one binary search, so a uniform non-edge is a uniform
rank ``r``: nothing is rejected for being an edge, however dense the graph, and nothing of size
``N x N`` is made. Ranks are drawn without repetition: by permutation where more than a quarter of
them is wanted, otherwise by drawing again what came twice.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlearn.data.pairs import sorted_unique
from graphlearn.errors import InputError
from graphlearn.typing import Pairs


def sample_non_edges(edges: Pairs, num_nodes: int, count: int, generator: torch.Generator) -> Pairs:
    """Draw ``count`` distinct unordered pairs ``u < v`` that are not among ``edges``.

    Args:
        edges: The pairs to keep out; direction, repetition and self-loops do not matter.
        num_nodes: Number of nodes; ids lie in ``[0, num_nodes)``.
        count: How many pairs to draw.
        generator: Source of the draws, on the CPU.

    Shapes:
        - ``edges``: ``[2, E]``
        - output: ``[2, count]``, int64, in order of drawing

    Raises:
        InputError: If the graph has fewer than ``count`` unlinked pairs.

    Example:
        >>> triangle_and_one = torch.tensor([[0, 1, 0], [1, 2, 2]])
        >>> drawn = sample_non_edges(triangle_and_one, 4, 3, torch.Generator().manual_seed(0))
        >>> sorted(drawn.t().tolist())
        [[0, 3], [1, 3], [2, 3]]
    """
    first, second = edges.detach().cpu().long()
    linked = first != second
    taken = sorted_unique(_pair_number(first[linked], second[linked]))
    available = num_nodes * (num_nodes - 1) // 2 - taken.numel()
    if count > available:
        raise _too_few(num_nodes, taken.numel(), available, count)
    return _non_edge_of_rank(_distinct_ranks(available, count, generator), taken)


def shuffled_non_edges(
    edges: Pairs, num_nodes: int, count: int, generator: torch.Generator
) -> Pairs:
    """Shuffle all pairs ``u < v`` that are not among ``edges`` and return the first ``count``.

    The shuffle is one ``torch.randperm`` over the non-edges in the order of the adjacency matrix's
    upper triangle, row by row, so with the same seed it is the draw of code that makes that
    matrix. Time and memory are those of the permutation, 8 bytes a non-edge:
    :func:`sample_non_edges` is the one to use where nothing has to be repeated.

    Args:
        edges: The pairs to keep out; direction, repetition and self-loops do not matter.
        num_nodes: Number of nodes; ids lie in ``[0, num_nodes)``.
        count: How many pairs to return.
        generator: Source of the shuffle, on the CPU.

    Shapes:
        - ``edges``: ``[2, E]``
        - output: ``[2, count]``, int64

    Raises:
        InputError: If the graph has fewer than ``count`` unlinked pairs.

    Example:
        >>> star = torch.tensor([[0, 0, 0], [1, 2, 3]])
        >>> drawn = shuffled_non_edges(star, 4, 3, torch.Generator().manual_seed(0))
        >>> sorted(drawn.t().tolist())
        [[1, 2], [1, 3], [2, 3]]
    """
    # Seen from the last node, the triangle's rows end where they began: the order is that of the
    # pair numbers, backwards.
    mirrored = num_nodes - 1 - edges.detach().cpu().long()
    linked = mirrored[0] != mirrored[1]
    taken = sorted_unique(_pair_number(mirrored[0][linked], mirrored[1][linked]))
    pairs = num_nodes * (num_nodes - 1) // 2
    available = pairs - taken.numel()
    if count > available:
        raise _too_few(num_nodes, taken.numel(), available, count)
    ranks = available - 1 - torch.randperm(available, generator=generator)[:count]
    return num_nodes - 1 - _non_edge_of_rank(ranks, taken).flip(0)


def _too_few(num_nodes: int, edges: int, available: int, count: int) -> InputError:
    return InputError(
        f"the graph of {num_nodes} nodes and {edges} edges has {available} unlinked pairs",
        expected=f"at least {count} to draw negatives from",
        mend="hold out fewer links, or pass a smaller num_negatives",
    )


def _non_edge_of_rank(ranks: Tensor, taken: Tensor) -> Pairs:
    # taken[i] - i non-edges come before edge i; a rank is moved up by the edges before it.
    gaps = taken - torch.arange(taken.numel())
    return _pair_of_number(ranks + torch.searchsorted(gaps, ranks, right=True))


def _pair_number(first: Tensor, second: Tensor) -> Tensor:
    high, low = torch.maximum(first, second), torch.minimum(first, second)
    return high * (high - 1) // 2 + low


def _pair_of_number(number: Tensor) -> Pairs:
    # The float root is off by one at most; the two corrections make it exact.
    high = ((2.0 * number.double() + 0.25).sqrt() + 0.5).long()
    high -= (high * (high - 1) // 2 > number).long()
    high += (high * (high + 1) // 2 <= number).long()
    return torch.stack([number - high * (high - 1) // 2, high])


def _distinct_ranks(available: int, count: int, generator: torch.Generator) -> Tensor:
    if available <= 4 * count:
        return torch.randperm(available, generator=generator)[:count]
    drawn = torch.empty(0, dtype=torch.int64)
    while drawn.numel() < count:
        more = (count - drawn.numel()) * 5 // 4 + 16
        drawn = torch.cat([drawn, torch.randint(available, (more,), generator=generator)])
        # Keeping first occurrences in order of drawing makes this the same as drawing one by one
        # and drawing again on a repetition.
        _, first = np.unique(drawn.numpy(), return_index=True)
        drawn = drawn[torch.from_numpy(np.sort(first))]
    return drawn[:count]
