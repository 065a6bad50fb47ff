"""The order in which links are taken as known, and where it is cut into parts.

By time where there are times, so that what is learnt and measured is what will be asked: later
links from earlier ones. Else by a seeded permutation.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.errors import InputError

PARTS = ("learn", "choose", "test")
"""What the links after the first cut are for: to learn on, to choose by, to report."""

_SHARE = 0.1
_MOST = 100_000
_LEAST_LINKS = 30
_LEAST = 5  # links of a part
_LEAST_KNOWN = 0.2  # share of the links before the first cut
_NEAR = 8  # moments on either side of where a cut should be that are tried
_FEW = 5_000  # links of a part: with fewer, earlier ones are learnt from as well
_EARLIER = 3


@dataclass(frozen=True, eq=False, repr=False)
class LinkOrder:
    """A place for every link, and three cuts: links before a cut are known at it.

    Args:
        place: Each link's place.
        cuts: How many links are known when the first, second and third part is predicted.
        earlier: Cuts before these, ascending: further times to learn from where links are few.

    Shapes:
        - **place**: ``[P]`` int64

    Example:
        >>> order = order_links(100, None, seed=0)
        >>> order
        LinkOrder(known=70, learn=10, choose=10, test=10)
        >>> order.part("test").numel()
        10
    """

    place: Tensor
    cuts: tuple[int, int, int]
    earlier: tuple[int, ...] = ()

    def known(self, cut: int) -> Tensor:
        """Whether each link is among the first ``cut``, ``[P]`` bool."""
        return self.place < cut

    def part(self, name: str) -> Tensor:
        """The links of a part, in their order."""
        number = PARTS.index(name)
        ends = (*self.cuts, self.place.numel())
        return self._between(ends[number], ends[number + 1])

    def earlier_parts(self) -> list[tuple[int, Tensor]]:
        """The earlier cuts, each with the links up to the next one."""
        ends = (*self.earlier, self.cuts[0])
        return [(cut, self._between(cut, ends[i + 1])) for i, cut in enumerate(self.earlier)]

    def _between(self, begin: int, end: int) -> Tensor:
        links = ((self.place >= begin) & (self.place < end)).nonzero().flatten()
        return links[torch.argsort(self.place[links])]

    def __repr__(self) -> str:
        ends = (*self.cuts, self.place.numel())
        sizes = [f"{name}={ends[i + 1] - ends[i]}" for i, name in enumerate(PARTS)]
        return f"{type(self).__name__}(known={ends[0]}, {', '.join(sizes)})"


def order_links(num_links: int, first_time: Tensor | None, *, seed: int) -> LinkOrder:
    """Order links and cut them: a tenth, 5 to 100,000, for each of three parts at the end.

    Links of one time are never on both sides of a cut: where many are, a cut is at the moment that
    leaves the parts nearest to that size.

    Args:
        num_links: How many links there are.
        first_time: When each was first seen; None for a random order.
        seed: Of the random order.

    Shapes:
        - **first_time**: ``[P]``

    Raises:
        InputError: If there are fewer than 30 links, or their times are too few to cut between.
    """
    if num_links < _LEAST_LINKS:
        raise InputError(
            f"the graph has {num_links} distinct links between two nodes",
            expected=f"at least {_LEAST_LINKS}, of which some are held out to measure quality",
        )
    size = min(max(_LEAST, int(num_links * _SHARE)), _MOST)
    parts = 3 + (_EARLIER if size < _FEW else 0)
    cuts = [num_links - size * number for number in range(parts, 0, -1)]
    cuts = [cut for cut in cuts if cut > 0]
    if first_time is None:
        generator = torch.Generator().manual_seed(seed)
        place = torch.randperm(num_links, generator=generator)
        return LinkOrder(place, (cuts[-3], cuts[-2], cuts[-1]), tuple(cuts[:-3]))
    order = torch.argsort(first_time, stable=True)
    times = first_time[order].contiguous()
    # What happened at once is not told apart: a cut is where one time ends and another begins.
    ends = (times.diff() > 0).nonzero().flatten() + 1
    moved = _nearest_cuts(ends, cuts[-3:], size, num_links)
    if moved is None:
        lengths = torch.cat([ends, ends.new_tensor([num_links])]).diff(prepend=ends.new_zeros(1))
        raise InputError(
            f"the times have {ends.numel() + 1} distinct values, one of them of "
            f"{int(lengths.max()):,} of {num_links:,} links, too few to cut the links into earlier "
            "and later ones",
            expected=f"times that tell three last parts of at least {_LEAST} links apart, and a "
            "fifth of the links before them",
            mend="leave out the time column for a random split",
        )
    place = torch.empty_like(order)
    place[order] = torch.arange(num_links)
    near = {end for cut in cuts[:-3] for end in _around(ends, cut, 1)}
    return LinkOrder(place, moved, tuple(sorted(end for end in near if end < moved[0])))


def _around(ends: Tensor, cut: int, count: int) -> list[int]:
    """The last ends up to a cut, and the first from it on."""
    place = int(torch.searchsorted(ends, cut))
    found: list[int] = ends[max(0, place - count) : place + count].tolist()
    return found if count > 1 else sorted(found, key=lambda end: abs(end - cut))[:1]


def _nearest_cuts(
    ends: Tensor, cuts: Sequence[int], size: int, num_links: int
) -> tuple[int, int, int] | None:
    """Three of the ends that leave parts whose sizes are, in proportion, nearest to ``size``."""
    near = sorted({end for cut in cuts for end in _around(ends, cut, _NEAR)})
    best, least = None, math.inf
    for first, second, third in itertools.combinations(near, 3):
        sizes = (second - first, third - second, num_links - third)
        if min(sizes) < _LEAST or first < _LEAST_KNOWN * num_links:
            continue
        off = sum(math.log(found / size) ** 2 for found in sizes)
        if off < least:
            best, least = (first, second, third), off
    return best
