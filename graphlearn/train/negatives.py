"""Negatives for training: node pairs that the training graph does not link, drawn uniformly.

Number the ``N (N - 1)`` ordered pairs ``u != v`` by ``u (N - 1) + v - [v > u]``. The graph's
entries are numbers in that range, already sorted. The ``r``-th pair that is no entry is found by
one binary search over how many non-entries lie before each entry, so a uniform rank is a uniform
negative. Nothing is rejected, so a dense graph costs what a sparse one does, and the number of
draws does not depend on luck.
"""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.typing import Pairs
from graphlearn.validate import check_num_nodes


class UniformNegatives:
    """Draws pairs that are no edges; what depends on the graph alone is computed once.

    A draw is with replacement, in O(count log nnz). Both directions of a pair are as likely.

    Args:
        graph: The training graph. Its mask is ignored: a removed target is still no negative.

    Shapes:
        - output of :meth:`draw`: ``[2, count]``, int64

    Raises:
        InputError: If every pair of two nodes is an edge.

    Example:
        >>> triangle_and_one = CSRGraph.from_edge_index(torch.tensor([[0, 1, 0], [1, 2, 2]]), 4)
        >>> negatives = UniformNegatives(triangle_and_one)
        >>> pairs = negatives.draw(100, torch.Generator().manual_seed(0))
        >>> sorted(set(map(tuple, pairs.t().tolist())))
        [(0, 3), (1, 3), (2, 3), (3, 0), (3, 1), (3, 2)]
    """

    def __init__(self, graph: CSRGraph) -> None:
        self.num_nodes = graph.num_nodes
        source, target = graph.entry_row.long().cpu(), graph.col.long().cpu()
        linked = source != target  # self-loops are not among the numbered pairs
        if not bool(linked.all()):
            source, target = source[linked], target[linked]
        number = source * (self.num_nodes - 1) + target - (target > source).long()
        self.available = self.num_nodes * (self.num_nodes - 1) - number.numel()
        if self.available <= 0:
            raise InputError(
                f"the graph links every pair of its {self.num_nodes} nodes",
                expected="at least one unlinked pair to draw negatives from",
            )
        # number[i] - i pairs that are no entry come before entry i.
        self._before = number - torch.arange(number.numel())

    def draw(self, count: int, generator: torch.Generator) -> Pairs:
        """Return ``count`` pairs.

        Args:
            count: How many.
            generator: Source of the draws, on the CPU.

        Raises:
            InputError: If ``count`` is negative.
        """
        count = check_num_nodes(count, name="count")
        # All 63 bits and a remainder, whose bias is below 2**-20 for any graph that fits a machine:
        # how torch.randint maps ranges near 2**32 has changed between releases.
        bits = torch.empty(count, dtype=torch.int64).random_(generator=generator)
        rank = bits.remainder_(self.available)
        number = rank.add_(torch.searchsorted(self._before, rank, right=True))
        source = torch.div(number, self.num_nodes - 1, rounding_mode="floor")
        target = number.sub_(source * (self.num_nodes - 1))
        return torch.stack([source, target + (target >= source)])

    def __repr__(self) -> str:
        return f"{type(self).__name__}(num_nodes={self.num_nodes}, available={self.available})"


def uniform_negatives(graph: CSRGraph, count: int, generator: torch.Generator) -> Tensor:
    """Draw ``count`` ordered pairs ``u != v`` that are no edges of ``graph``, with replacement.

    A loop that draws often from one graph makes one :class:`UniformNegatives` and keeps it.

    Args:
        graph: The training graph.
        count: How many pairs.
        generator: Source of the draws, on the CPU.

    Shapes:
        - output: ``[2, count]``, int64

    Raises:
        InputError: If every pair of two nodes is an edge, or ``count`` is negative.

    Example:
        >>> path = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 3)
        >>> uniform_negatives(path, 5, torch.Generator().manual_seed(0)).sort(dim=0).values
        tensor([[0, 0, 0, 0, 0],
                [2, 2, 2, 2, 2]])
    """
    return UniformNegatives(graph).draw(count, generator)
