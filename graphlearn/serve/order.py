"""The order in which links are taken as known, and where it is cut into parts.

By time where there are times, so that what is learnt and measured is what will be asked: later
links from earlier ones. Else by a seeded permutation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from graphlearn.errors import InputError

PARTS = ("learn", "choose", "test")
"""What the links after the first cut are for: to learn on, to choose by, to report."""

_SHARE = 0.1
_MOST = 100_000
_LEAST_LINKS = 30
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
    """Order links and cut them: a tenth, at most 100,000, for each of three parts at the end.

    Links of one time are never on both sides of a cut.

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
    size = min(max(1, int(num_links * _SHARE)), _MOST)
    parts = 3 + (_EARLIER if size < _FEW else 0)
    cuts = [num_links - size * number for number in range(parts, 0, -1)]
    if first_time is None:
        generator = torch.Generator().manual_seed(seed)
        place = torch.randperm(num_links, generator=generator)
        return LinkOrder(place, (cuts[-3], cuts[-2], cuts[-1]), tuple(cuts[:-3]))
    order = torch.argsort(first_time, stable=True)
    times = first_time[order].contiguous()
    # To the end of the links of that time: what happened at once is not told apart.
    moved = [int(torch.searchsorted(times, times[cut - 1], right=True)) for cut in cuts]
    if not moved[-3] < moved[-2] < moved[-1] < num_links:
        distinct = int((times.diff() > 0).sum()) + 1
        raise InputError(
            f"the times have {distinct} distinct values, too few to cut the links into earlier and "
            "later ones",
            expected="times by which the last tenths of the links can be told apart",
            mend="leave out the time column for a random split",
        )
    place = torch.empty_like(order)
    place[order] = torch.arange(num_links)
    earlier = sorted({cut for cut in moved[:-3] if cut < moved[-3]})
    return LinkOrder(place, (moved[-3], moved[-2], moved[-1]), tuple(earlier))
