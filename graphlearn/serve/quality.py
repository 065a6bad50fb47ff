"""How good lists are, measured on what would be served, and which scorer's are the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graphlearn.serve.lists import Lists, join_lists, ragged_ranges
from graphlearn.serve.scorer import Scorer
from graphlearn.serve.view import View

TOP = 10
"""Length of the list by which scorers are chosen and reported."""

_BLOCK = 2048
_FEW = 1_000  # links: with fewer, the error of a hit rate is shown


@dataclass(frozen=True, eq=False)
class Examples:
    """Candidate lists of sources, with the links that were held out.

    Args:
        lists: The lists.
        found: Whether each candidate is one of the held-out links.
        total: How many of them the sources have, those that no list holds included; one between two
            sources counts for both.
        sources: The node that each list is of.
        links: How many held-out links have at least one end among the sources.

    Shapes:
        - **found**: ``[K]`` bool; **sources**: ``[num_lists]``

    Example:
        >>> none = torch.empty(0, dtype=torch.int64)
        >>> lists = Lists(none, none, none, {}, torch.empty(0, 3), num_lists=1)
        >>> Examples(lists, none.bool(), total=1).total
        1
    """

    lists: Lists
    found: Tensor
    total: int
    sources: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.int64))
    links: int = 0

    @cached_property
    def useful(self) -> tuple[Lists, Tensor]:
        """The lists that hold a link, and which candidates are."""
        hits = torch.zeros(self.lists.num_lists, dtype=torch.bool)
        hits[self.lists.place[self.found]] = True
        kept = hits[self.lists.place]
        return self.lists.where(kept), self.found[kept]


@dataclass(frozen=True)
class Quality:
    """What a scorer earns.

    Args:
        hit_rate: Share of the held-out links, from either end, among the first ten of that end.
        mrr: Mean of one over their rank; 0 for one that is in no list.

    Example:
        >>> Quality(0.5, 0.25).as_dict()
        {'hit_rate': 0.5, 'mrr': 0.25}
    """

    hit_rate: float
    mrr: float

    def as_dict(self) -> dict[str, float]:
        """Return plain values, for JSON."""
        return asdict(self)


def make_examples(view: View, links: Tensor, *, most_sources: int, seed: int) -> Examples:
    """Lists of all nodes with a held-out link, or of a seeded draw of them.

    Args:
        view: What is known before these links.
        links: Held-out links.
        most_sources: How many nodes to draw.
        seed: Of the draw.

    Shapes:
        - **links**: ``[2, P]``
    """
    both = torch.cat([links, links.flip(0)], dim=1)
    sources = draw_nodes(torch.unique(both[0]), most_sources, seed)
    ours = torch.zeros(view.state.num_nodes, dtype=torch.bool)
    ours[sources] = True
    lists = join_lists([view.lists(block) for block in torch.split(sources, _BLOCK)])
    both = both[:, ours[both[0]]]
    touched = int(ours[links].any(dim=0).sum())
    return Examples(lists, held_out(lists, both), both.size(1), sources, touched)


def draw_nodes(nodes: Tensor, most: int, seed: int) -> Tensor:
    """At most so many of some nodes, ascending as they are: all, or a seeded draw.

    Shapes:
        - **nodes**: ``[M]``

    Example:
        >>> draw_nodes(torch.arange(5), 5, seed=0).tolist()
        [0, 1, 2, 3, 4]
    """
    if nodes.numel() <= most:
        return nodes
    generator = torch.Generator().manual_seed(seed)
    return nodes[torch.randperm(nodes.numel(), generator=generator)[:most]].sort().values


def held_out(lists: Lists, pairs: Tensor) -> Tensor:
    """Whether each candidate with its source is one of some pairs, ``[K]`` bool.

    Shapes:
        - **pairs**: ``[2, P]``

    Example:
        >>> one, two = torch.tensor([1]), torch.tensor([2])
        >>> lists = Lists(torch.tensor([0]), one, two, {}, torch.empty(1, 0), num_lists=1)
        >>> held_out(lists, torch.tensor([[1], [2]])).tolist()
        [True]
    """
    if pairs.size(1) == 0:
        return torch.zeros_like(lists.node, dtype=torch.bool)
    nodes = 1 + max(int(pairs.max()), int(lists.node.max()) if lists.node.numel() else 0)
    wanted = torch.sort(pairs[0] * nodes + pairs[1]).values
    key = lists.source * nodes + lists.node
    place = torch.searchsorted(wanted, key).clamp_(max=wanted.numel() - 1)
    return wanted[place] == key


def measure(scorer: Scorer, examples: Examples) -> Quality:
    """The quality of one scorer's lists.

    Example:
        >>> nodes = torch.tensor([1, 2])
        >>> ra = {"ra": torch.tensor([0.5, 1.0])}
        >>> lists = Lists(torch.zeros(2).long(), torch.zeros(2).long(), nodes, ra,
        ...     torch.empty(2, 0), num_lists=1)
        >>> measure(Scorer("ra"), Examples(lists, torch.tensor([True, False]), total=2))
        Quality(hit_rate=0.5, mrr=0.25)
    """
    lists, found = examples.useful
    score = scorer(lists)
    # How many of its list are ahead of each link: no list has to be sorted.
    links = found.nonzero().flatten()
    bounds = torch.searchsorted(lists.place, torch.arange(lists.num_lists + 1))
    rows, which = ragged_ranges(bounds[lists.place[links]], bounds[lists.place[links] + 1])
    at = score[links][which]
    ahead = (score[rows] > at) | ((score[rows] == at) & (rows < links[which]))
    ranks = torch.zeros(links.numel(), dtype=torch.int64).index_add_(0, which, ahead.long())
    total = max(1, examples.total)
    hits = int((ranks < TOP).sum())
    return Quality(hits / total, float((1.0 / (1.0 + ranks.double())).sum()) / total)


def choose_scorer(scorers: Sequence[Scorer], quality: Mapping[str, Quality], total: int) -> Scorer:
    """The best heuristic, or a mixture whose hit rate is better by more than a standard error.

    A more flexible mixture has to beat a simpler one likewise: where they are as good, the simpler
    one errs less on links that are unlike those it was chosen by.

    Args:
        scorers: Heuristics, then mixtures from the simplest to the most flexible.
        quality: What each earns on the links to choose by.
        total: How many links these are.

    Example:
        >>> found = {"cn": Quality(0.3, 0.1), "ra": Quality(0.4, 0.2)}
        >>> choose_scorer([Scorer("cn"), Scorer("ra")], found, 100).name
        'ra'
    """
    plain = [scorer for scorer in scorers if scorer.mixer is None]
    best = max(plain, key=lambda s: (quality[s.name].hit_rate, quality[s.name].mrr))
    for scorer in scorers:
        rate = quality[best.name].hit_rate
        error = (rate * (1 - rate) / max(1, total)) ** 0.5
        if scorer.mixer is not None and quality[scorer.name].hit_rate > rate + error:
            best = scorer
    return best


def quality_lines(quality: dict[str, Any]) -> list[str]:
    """The figures of a fit as a table of text, a line for each scorer.

    Args:
        quality: What :attr:`LinkRecommender.quality` holds.

    Example:
        >>> figures = {"hit_rate": 0.25, "mrr": 0.1, "auc": 0.9}
        >>> found = {"chosen": "ra", "split": "random", "test": {"ra": figures}}
        >>> found |= {"test_links": 9000, "measured_links": 4000, "measured_sources": 2000}
        >>> for line in quality_lines(found | {"calibration_error": 0.01, "next_links": 9000}):
        ...     print(line)
        quality on 4,000 of 9,000 links held out (random), in the lists of 2,000 nodes
                            hit rate at 10     MRR     AUC
        ra (chosen)                 0.2500  0.1000  0.9000
        hit rate at 10 decides which is chosen; another may have the higher AUC
        a probability is the chance to be among the next 9,000 links: off by 0.0100 on average, in \
the first ten of each node's list
    """
    held, measured = quality["test_links"], quality["measured_links"]
    share = f"{held:,}" if measured == held else f"{measured:,} of {held:,}"
    lines = [
        f"quality on {share} links held out ({quality['split']}), in the lists of "
        f"{quality['measured_sources']:,} nodes",
        f"{'':20}{'hit rate at 10':>14}{'MRR':>8}{'AUC':>8}",
    ]
    for name, found in quality["test"].items():
        shown = f"{name} (chosen)" if name == quality["chosen"] else name
        lines.append(f"{shown:26}{found['hit_rate']:>8.4f}{found['mrr']:>8.4f}{found['auc']:>8.4f}")
    lines.append("hit rate at 10 decides which is chosen; another may have the higher AUC")
    if measured < _FEW:
        # As if there were one hit and one miss more: without a hit the error would be 0.
        rate = (quality["test"][quality["chosen"]]["hit_rate"] * measured + 1) / (measured + 2)
        error = (rate * (1 - rate) / (measured + 2)) ** 0.5
        lines.append(
            f"so few links tell the hit rate of what is chosen to within about {error:.2g} (a "
            "standard error)"
        )
    lines.append(
        f"a probability is the chance to be among the next {quality['next_links']:,} links: off by "
        f"{quality['calibration_error']:.4f} on average, in the first ten of each node's list"
    )
    return lines
