"""The likeliest new links of some nodes: the best of each list, and further ones where it ends.

Lists are those that were learnt from and measured, whatever the number asked for. Where a node has
fewer candidates than that, further nodes follow behind them: more of those two steps away and of
the most linked, of which there are as many as nodes are not linked to it.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from graphlearn.serve.calibration import Calibration, list_sums
from graphlearn.serve.lists import list_order
from graphlearn.serve.scorer import Scorer
from graphlearn.serve.view import View

_MOST_AT_ONCE = 1 << 19  # further candidates: some hundred bytes each


class RankedLinks(NamedTuple):
    """Links, list by list from the likeliest to the least likely.

    Args:
        source: The node that each is of.
        rank: From 0, for each source.
        node: The node that may be linked to it.
        chance: That it will be.
    """

    source: Tensor
    rank: Tensor
    node: Tensor
    chance: Tensor


def rank_links(
    view: View, scorer: Scorer, calibration: Calibration, sources: Tensor, count: int
) -> RankedLinks:
    """The ``count`` likeliest new links of each source: fewer only where fewer nodes are unlinked.

    Args:
        view: Makes candidate lists.
        scorer: Scores them.
        calibration: Turns scores into probabilities.
        sources: Nodes.
        count: How many of each.

    Shapes:
        - **sources**: ``[B]``; **output**: ``[R]`` each

    Example:
        >>> from graphlearn.serve.candidates import CandidateSizes
        >>> from graphlearn.serve.snapshot import Snapshot
        >>> path = Snapshot(torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1]))
        >>> view = View(path, torch.eye(3), CandidateSizes())
        >>> none = torch.empty(0, dtype=torch.float64)
        >>> calibration = Calibration(torch.tensor([0.0, 0.0, 0.0, 0.0]).double(), none, none)
        >>> rank_links(view, Scorer("ra"), calibration, torch.tensor([0]), 5).node.tolist()
        [2]
    """
    lists = view.lists(sources)
    score = scorer(lists)
    chance = calibration(lists, score, view.state)
    order, rank = list_order(lists.place, score)
    best = order[rank < count]
    found = [(lists.place[best], rank[rank < count], lists.node[best], chance[best])]
    size = torch.bincount(lists.place, minlength=sources.numel())
    room = view.state.num_nodes - 1 - view.state.degree[sources]
    short = (size < room.clamp(max=count)).nonzero().flatten()
    if short.numel():
        nodes = view.state.num_nodes
        listed = lists.place * nodes + lists.node  # ascending, as both are
        least = torch.ones(sources.numel(), dtype=torch.float64)
        least = least.scatter_reduce(0, lists.place, chance, "amin")
        whole = list_sums(lists, score)
        at_once = max(1, _MOST_AT_ONCE // min(nodes, 8 * count))
        for part in torch.split(short, at_once):
            more = view.further(sources[part], count)
            key = part[more.place] * nodes + more.node
            place = torch.searchsorted(listed, key).clamp_(max=max(0, listed.numel() - 1))
            known = listed[place] == key if listed.numel() else torch.zeros_like(key).bool()
            more = more.where(~known)
            value = scorer(more)
            # Of a list's sum only its own candidates are part: what follows changes none of them.
            chances = calibration(more, value, view.state, whole[part])
            chances = torch.minimum(chances, least[part][more.place])
            order, rank = list_order(more.place, value)
            rank = rank + size[part][more.place[order]]
            kept = order[rank < count]
            rank = rank[rank < count]
            found.append((part[more.place[kept]], rank, more.node[kept], chances[kept]))
    owner, rank, node, chance = (torch.cat(column) for column in zip(*found, strict=True))
    if len(found) > 1:
        order = torch.argsort(owner, stable=True)  # what follows a list stands behind it
        owner, rank, node, chance = owner[order], rank[order], node[order], chance[order]
    return RankedLinks(sources[owner], rank, node, chance)
