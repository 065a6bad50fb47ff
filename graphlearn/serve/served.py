"""Scored lists of all nodes that would be served, for probabilities that hold for whoever is asked.

Hit rates need the lists of nodes with a held-out link alone. But most nodes that are served get no
new link soon, and nobody knows beforehand which: probabilities are fitted and measured on a draw of
all, in which those without a new link count as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.serve.lists import Lists, join_lists
from graphlearn.serve.quality import Examples, draw_nodes
from graphlearn.serve.scorer import Scorer
from graphlearn.serve.view import View

_BLOCK = 2048


@dataclass(frozen=True, eq=False)
class ServedLists:
    """Lists with scores, and how many nodes each stands for.

    Args:
        lists: The lists, without what scorers read.
        score: Of each candidate.
        found: Whether it is a held-out link.
        weight: For each list how many served nodes it stands for; 0 for one that is not served.

    Shapes:
        - **score**, **found**: ``[K]``; **weight**: ``[num_lists]`` float64

    Example:
        >>> zero = torch.zeros(1, dtype=torch.int64)
        >>> lists = Lists(zero, zero, zero + 1, {}, torch.empty(1, 0), num_lists=1)
        >>> ServedLists(lists, torch.zeros(1), zero.bool(), torch.full((1,), 3.0)).weights.tolist()
        [3.0]
    """

    lists: Lists
    score: Tensor
    found: Tensor
    weight: Tensor

    @property
    def weights(self) -> Tensor:
        """The weight of each candidate: that of its list, ``[K]``."""
        return self.weight[self.lists.place]


def served_nodes(known: Tensor, whole: Tensor) -> Tensor:
    """Which nodes would be served at a cut, ``[N]`` bool.

    A node whose first link comes later is not there yet. But where the graph has nodes without any
    link, from a table, such ones are served, and nothing tells which of them will stay so: all are.

    Args:
        known: How many neighbors each node has at the cut.
        whole: How many it has in the whole graph.

    Shapes:
        - **known**, **whole**: ``[N]``

    Example:
        >>> served_nodes(torch.tensor([0, 2]), torch.tensor([1, 2])).tolist()
        [False, True]
        >>> served_nodes(torch.tensor([0, 2, 0]), torch.tensor([1, 2, 0])).tolist()
        [True, True, True]
    """
    return (known > 0) | bool((whole == 0).any())


def score_served(
    scorer: Scorer,
    view: View,
    examples: Examples,
    has_link: Tensor,
    served: Tensor,
    *,
    most: int,
    seed: int,
) -> ServedLists:
    """Score lists of nodes with held-out links, and of a draw of the served nodes without.

    Args:
        scorer: What gives scores.
        view: What is known before these links.
        examples: Lists of a draw of the nodes with a held-out link.
        has_link: Which nodes have one.
        served: Which nodes are served.
        most: How many of those without to draw.
        seed: Of the draw.

    Shapes:
        - **has_link**, **served**: ``[N]`` bool
    """
    drawn = served[examples.sources].double()
    share = int((served & has_link).sum()) / max(1.0, float(drawn.sum()))
    without = (served & ~has_link).nonzero().flatten()
    chosen = draw_nodes(without, most, seed)
    parts, scores = [_bare(examples.lists)], [scorer(examples.lists)]
    for block in torch.split(chosen, _BLOCK):  # scored at once: what scorers read is not kept
        lists = view.lists(block)
        parts.append(_bare(lists))
        scores.append(scorer(lists))
    lists = join_lists(parts)
    found = torch.zeros(lists.place.numel(), dtype=torch.bool)
    found[: examples.found.numel()] = examples.found
    each = without.numel() / max(1, chosen.numel())
    weight = torch.cat([drawn * share, torch.full((chosen.numel(),), each, dtype=torch.float64)])
    return ServedLists(lists, torch.cat(scores), found, weight)


def _bare(lists: Lists) -> Lists:
    nothing = torch.empty(lists.place.numel(), 0)
    return Lists(lists.place, lists.source, lists.node, {}, nothing, lists.num_lists)
