"""Heuristics on walks of any length: Katz and personalised PageRank."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph, spmm
from graphlearn.nn.predictor.arguments import check_call
from graphlearn.nn.registries import PREDICTORS
from graphlearn.typing import EdgeIndex, Pairs, Scores
from graphlearn.validate import check_number, check_size

# Sources whose vectors are carried at once: memory is N x this many float64, whatever the batch.
_SOURCES_AT_ONCE = 32


def _from_sources(
    graph: CSRGraph, sources: Tensor, targets: Tensor, series: Callable[[Tensor], Tensor]
) -> Tensor:
    """``series(indicator of source)[target]`` for every pair; each distinct source once."""
    scores = torch.zeros(sources.numel(), dtype=torch.float64, device=graph.device)
    distinct, slot = torch.unique(sources, return_inverse=True)
    for begin in range(0, distinct.numel(), _SOURCES_AT_ONCE):
        chunk = distinct[begin : begin + _SOURCES_AT_ONCE]
        start = torch.zeros(
            graph.num_nodes, chunk.numel(), dtype=torch.float64, device=graph.device
        )
        start[chunk, torch.arange(chunk.numel(), device=graph.device)] = 1.0
        reached = series(start)
        of_chunk = ((slot >= begin) & (slot < begin + _SOURCES_AT_ONCE)).nonzero().flatten()
        scores[of_chunk] = reached[targets[of_chunk], slot[of_chunk] - begin]
    return scores


@PREDICTORS.register("katz")
class Katz(nn.Module):
    r"""Scores a pair by its walks: :math:`\sum_{l=1}^{L} \beta^l (\mathbf{A}^l)_{ij}`.

    From `"A new status index derived from sociometric analysis"
    <https://doi.org/10.1007/BF02289026>`_, truncated at :math:`L`. Cost: L products of the
    adjacency with 32 columns for each 32 distinct sources; memory 32 N float64.

    Args:
        beta (float): Factor a step, in (0, 1). (default: :obj:`0.005`)
        max_length (int): :math:`L`. (default: :obj:`4`)

    Shapes:
        - **x**: ignored; **graph**: a ``CSRGraph`` or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]`` float64

    Raises:
        InputError: If an option or an id is out of range.

    Example:
        >>> import torch
        >>> path = torch.tensor([[0, 1], [1, 2]])
        >>> Katz(beta=0.5, max_length=2)(None, path, torch.tensor([[0], [2]])).tolist()
        [0.25]
    """

    def __init__(self, beta: float = 0.005, max_length: int = 4) -> None:
        super().__init__()
        if not 0.0 < check_number(beta, name="beta") < 1.0:
            raise InputError(f"beta is {beta}", expected="a number in (0, 1)")
        self.beta, self.max_length = beta, check_size(max_length, name="max_length")

    def forward(self, x: Tensor | None, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        graph = check_call(None, graph, pairs, None, directed=True)
        keep = None if graph.keep is None else graph.keep.double()

        def series(walks: Tensor) -> Tensor:
            total = torch.zeros_like(walks)
            for _ in range(self.max_length):
                walks = self.beta * spmm(graph.rowptr, graph.col, walks, keep)
                total += walks
            return total

        # Row i of A reaches the targets of i: on the indicator of j this gives (A^l)_{ij}.
        return _from_sources(graph, pairs[1].long(), pairs[0].long(), series)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return f"beta={self.beta}, max_length={self.max_length}"


@PREDICTORS.register("ppr")
class PersonalizedPageRank(nn.Module):
    r"""Scores a pair by :math:`\pi_i(j) + \pi_j(i)`, the PageRank of each from the other.

    From `"The Link-Prediction Problem for Social Networks"
    <https://doi.org/10.1002/asi.20591>`_: :math:`\pi_i` is where a walk from i that returns to i
    with probability :math:`\alpha` at each step is found, by power iteration. A walk that comes to
    a node without edges returns. Cost: as :class:`Katz`, for both endpoints.

    Args:
        alpha (float): Chance to return, in (0, 1). (default: :obj:`0.15`)
        num_iterations (int): Steps; the error is below :math:`(1 - \alpha)^{steps}`.
            (default: :obj:`30`)

    Shapes:
        - **x**: ignored; **graph**: a ``CSRGraph`` or an undirected ``edge_index [2, E]``
        - **pairs**: ``[2, B]``; **output**: ``[B]`` float64

    Raises:
        InputError: If an option or an id is out of range.

    Example:
        >>> import torch
        >>> edge = torch.tensor([[0], [1]])
        >>> score = PersonalizedPageRank(alpha=0.5)(None, edge, edge)
        >>> round(float(score[0]), 4)
        0.6667
    """

    def __init__(self, alpha: float = 0.15, num_iterations: int = 30) -> None:
        super().__init__()
        if not 0.0 < check_number(alpha, name="alpha") < 1.0:
            raise InputError(f"alpha is {alpha}", expected="a number in (0, 1)")
        self.alpha = alpha
        self.num_iterations = check_size(num_iterations, name="num_iterations")

    def forward(self, x: Tensor | None, graph: CSRGraph | EdgeIndex, pairs: Pairs) -> Scores:
        """Return one score a pair."""
        graph = check_call(None, graph, pairs, None)
        keep = None if graph.keep is None else graph.keep.double()
        degree = graph.degree().double()
        share = torch.where(degree > 0, (1 - self.alpha) / degree.clamp(min=1), 0.0)[:, None]

        def series(start: Tensor) -> Tensor:
            rank = start
            for _ in range(self.num_iterations):
                moved = spmm(graph.rowptr, graph.col, rank * share, keep)
                rank = moved + (1 - moved.sum(dim=0)) * start
            return rank

        source, target = pairs.long()
        return _from_sources(graph, source, target, series) + _from_sources(
            graph, target, source, series
        )

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return f"alpha={self.alpha}, num_iterations={self.num_iterations}"
