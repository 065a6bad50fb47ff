"""Ragged lists of nodes, one a pair: what an intersection returns and a pooling reads."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, eq=False, repr=False)
class NeighborLists:
    """One sorted list of nodes for each of B pairs, in CSR form.

    Args:
        rowptr: Where each list starts.
        node: The lists, one after the other.

    Shapes:
        - **rowptr**: ``[B + 1]`` int64; **node**: ``[K]`` int32 or int64

    Example:
        >>> import torch
        >>> NeighborLists(torch.tensor([0, 2, 2]), torch.tensor([4, 7])).tolist()
        [[4, 7], []]
    """

    rowptr: Tensor
    node: Tensor

    def __len__(self) -> int:
        return self.rowptr.numel() - 1

    def counts(self) -> Tensor:
        """Length of every list, ``[B]``."""
        return self.rowptr.diff()

    def rows(self) -> Tensor:
        """The list that every entry belongs to, ``[K]``."""
        lists = torch.arange(len(self), device=self.rowptr.device)
        return torch.repeat_interleave(lists, self.counts(), output_size=self.node.numel())

    def where(self, keep: Tensor) -> NeighborLists:
        """The lists with only those entries where ``keep`` (``[K]``, bool) holds; O(B + K)."""
        kept = torch.zeros(keep.numel() + 1, dtype=torch.int64, device=keep.device)
        torch.cumsum(keep, 0, out=kept[1:])
        return NeighborLists(kept[self.rowptr], self.node[keep])

    def tolist(self) -> list[list[int]]:
        """The lists as Python lists."""
        bounds = self.rowptr.tolist()
        nodes = self.node.tolist()
        return [nodes[a:b] for a, b in itertools.pairwise(bounds)]

    def __repr__(self) -> str:
        return f"{type(self).__name__}(lists={len(self)}, entries={self.node.numel()})"


def values_where_shared(
    asked: NeighborLists, lists: NeighborLists, values: Tensor, num_nodes: int
) -> Tensor:
    """For each entry of one set of lists the value that its node has in the other's same list.

    O(K log L) for K entries asked for among L.

    Args:
        asked: B lists, in any order.
        lists: B lists, each sorted, with no node twice.
        values: A value of each of their entries.
        num_nodes: Number of nodes.

    Shapes:
        - **values**: ``[L]``; **output**: ``[K]``, 0 where the other list has no such node

    Example:
        >>> import torch
        >>> asked = NeighborLists(torch.tensor([0, 2]), torch.tensor([7, 4]))
        >>> lists = NeighborLists(torch.tensor([0, 2]), torch.tensor([4, 5]))
        >>> values_where_shared(asked, lists, torch.tensor([2.0, 3.0]), 8).tolist()
        [0.0, 2.0]
    """
    key = asked.rows() * num_nodes + asked.node.long()
    known = lists.rows() * num_nodes + lists.node.long()
    if not known.numel():
        return values.new_zeros(key.numel())
    place = torch.searchsorted(known, key).clamp_(max=known.numel() - 1)
    return torch.where(known[place] == key, values[place], 0.0)


def join_lists(parts: list[tuple[NeighborLists, Tensor]]) -> tuple[NeighborLists, Tensor]:
    """Put the b-th lists of several parts one after the other, with a weight for each entry.

    O(K + B) time and memory for K entries in all; differentiable in the weights.

    Args:
        parts: Lists and their entries' weights; all of the same number of lists.

    Shapes:
        - **weights**: ``[K_p]`` each; **output**: B lists and ``[sum of K_p]``

    Example:
        >>> import torch
        >>> one = NeighborLists(torch.tensor([0, 1, 1]), torch.tensor([4]))
        >>> two = NeighborLists(torch.tensor([0, 1, 2]), torch.tensor([7, 8]))
        >>> lists, weight = join_lists([(one, torch.ones(1)), (two, torch.zeros(2))])
        >>> lists.tolist(), weight.tolist()
        ([[4, 7], [8]], [1.0, 0.0, 0.0])
    """
    first = parts[0][0]
    rowptr = torch.stack([lists.rowptr for lists, _ in parts]).sum(dim=0)
    begin = rowptr[:-1].clone()
    places = []
    for lists, _ in parts:
        # An entry's place: where its list now begins, plus its place in its own part.
        shift = begin - lists.rowptr[:-1]
        entries = torch.arange(lists.node.numel(), device=rowptr.device)
        places.append(entries + shift[lists.rows()])
        begin = begin + lists.counts()
    place = torch.cat(places)
    node = first.node.new_empty(place.numel())
    node[place] = torch.cat([lists.node for lists, _ in parts])
    weight = torch.cat([weight for _, weight in parts])
    return NeighborLists(rowptr, node), torch.zeros_like(weight).index_copy(0, place, weight)
