"""Candidate lists as flat arrays, and what is computed list by list."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Lists:
    """Candidate lists of some sources, with all that scorers read.

    Args:
        place: The list of each candidate, ascending.
        source: The source of each.
        node: The candidate itself; ascending within a list.
        heuristics: Scores by name.
        features: What a mixer reads; a learnt predictor's logit is the last column.
        num_lists: How many lists there are, empty ones included.

    Shapes:
        - **place**, **source**, **node**, heuristics: ``[K]``; **features**: ``[K, F]``

    Example:
        >>> none = torch.empty(0, dtype=torch.int64)
        >>> Lists(none, none, none, {}, torch.empty(0, 3), num_lists=2).num_lists
        2
    """

    place: Tensor
    source: Tensor
    node: Tensor
    heuristics: dict[str, Tensor]
    features: Tensor
    num_lists: int

    def where(self, kept: Tensor) -> Lists:
        """Only those candidates where ``kept`` (``[K]``, bool) holds; as many lists as before."""
        return Lists(
            self.place[kept],
            self.source[kept],
            self.node[kept],
            {name: score[kept] for name, score in self.heuristics.items()},
            self.features[kept],
            self.num_lists,
        )


def join_lists(parts: Sequence[Lists]) -> Lists:
    """Put the lists of several blocks of sources one after the other.

    Example:
        >>> none = torch.empty(0, dtype=torch.int64)
        >>> lists = Lists(none, none, none, {}, torch.empty(0, 3), num_lists=2)
        >>> join_lists([lists, lists]).num_lists
        4
    """
    starts, total = [], 0
    for part in parts:
        starts.append(total)
        total += part.num_lists
    return Lists(
        torch.cat([part.place + start for part, start in zip(parts, starts, strict=True)]),
        torch.cat([part.source for part in parts]),
        torch.cat([part.node for part in parts]),
        {name: torch.cat([p.heuristics[name] for p in parts]) for name in parts[0].heuristics},
        torch.cat([part.features for part in parts]),
        total,
    )


def list_order(place: Tensor, score: Tensor) -> tuple[Tensor, Tensor]:
    """Candidates list by list from best to worst, the lower node first among equals, and ranks.

    Args:
        place: The list of each candidate, ascending; candidates ascending within it.
        score: Higher is better.

    Shapes:
        - **place**, **score**: ``[K]``; **output**: the order ``[K]``, and the rank of each in it

    Example:
        >>> order, rank = list_order(torch.tensor([0, 0, 1]), torch.tensor([1.0, 2.0, 5.0]))
        >>> order.tolist(), rank.tolist()
        ([1, 0, 2], [0, 1, 0])
    """
    # Stable both times: equal scores stay in the order of the nodes.
    order = torch.argsort(score, descending=True, stable=True)
    order = order[torch.argsort(place[order], stable=True)]
    lists = place[order]
    count = torch.bincount(lists) if lists.numel() else lists
    first = torch.cumsum(count, 0) - count
    return order, torch.arange(lists.numel()) - first[lists]


def log_sums(scores: Tensor, lists: Tensor, num_lists: int) -> Tensor:
    """The logarithm of the sum of the exponentials of each list's scores; differentiable.

    Shapes:
        - **scores**, **lists**: ``[K]``; **output**: ``[num_lists]``, minus infinity where empty

    Example:
        >>> log_sums(torch.zeros(2), torch.tensor([0, 0]), 1).exp().round().tolist()
        [2.0]
    """
    highest = torch.full((num_lists,), -torch.inf, dtype=scores.dtype)
    highest = highest.scatter_reduce(0, lists, scores.detach(), "amax")
    sums = torch.zeros_like(highest).index_add(0, lists, (scores - highest[lists]).exp())
    return sums.log() + highest.masked_fill(highest == -torch.inf, 0.0)


def ragged_ranges(begin: Tensor, end: Tensor) -> tuple[Tensor, Tensor]:
    """The integers of several ranges one after the other, and which range each is of.

    Shapes:
        - **begin**, **end**: ``[R]``; **output**: twice ``[sum of lengths]``

    Example:
        >>> rows, which = ragged_ranges(torch.tensor([5, 0]), torch.tensor([7, 1]))
        >>> rows.tolist(), which.tolist()
        ([5, 6, 0], [0, 0, 1])
    """
    length = end - begin
    which = torch.repeat_interleave(torch.arange(begin.numel()), length)
    first = torch.cumsum(length, 0) - length
    return torch.arange(which.numel()) - first[which] + begin[which], which
