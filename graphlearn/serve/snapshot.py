"""What is known at a cut: the links before it, and how lately each node was active.

All snapshots share one graph's rows and see them through a mask.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.kernels import CSRGraph
from graphlearn.serve.own_links import OwnLinks
from graphlearn.typing import Pairs

_BULK = 0.99
_LATE_SHARE = 0.1  # the last tenth of the links says how long "lately" is
_LINK_DECAYS = (1.0, 0.3, 0.1)
_EVENT_DECAYS = (1.0, 0.1)


@dataclass(frozen=True, eq=False, repr=False)
class Recency:
    """How lately nodes and links were active, as of one moment.

    Args:
        activity: For each node the number of its links that were new lately, decayed by a slow, a
            middle and a fast clock; the same of all its events, by a slow and a fast clock; and
            the decay of its last event by the slow clock.
        entry: For each entry of the graph the decay of its link's last event by the slow clock.

    Shapes:
        - **activity**: ``[N, 6]``; **entry**: ``[nnz]``, both float32

    Example:
        >>> Recency(torch.zeros(3, 6), torch.ones(4)).popular().shape
        torch.Size([2, 3])
    """

    activity: Tensor
    entry: Tensor

    def popular(self) -> Tensor:
        """Orders of nodes are by these: new links by the slow and the middle clock, ``[2, N]``."""
        return self.activity[:, :2].t()

    def lately(self) -> Tensor:
        """The decay of each node's last event by the slow clock, ``[N]``, between 0 and 1."""
        return self.activity[:, 5]


@dataclass(frozen=True, eq=False, repr=False)
class Snapshot:
    """A graph as it was known at a cut.

    Args:
        rowptr: Where each node's neighbors start.
        col: Neighbors, sorted.
        keep: Entries that are known; all if None.
        recency: Where there are times: how lately nodes and links were active.

    Shapes:
        - **rowptr**: ``[N + 1]``; **col**, **keep**: ``[nnz]``

    Example:
        >>> path = Snapshot(torch.tensor([0, 1, 3, 4]), torch.tensor([1, 0, 2, 1]))
        >>> path.degree.tolist(), path.popular.tolist()
        ([1, 2, 1], [[1, 0, 2]])
    """

    rowptr: Tensor
    col: Tensor
    keep: Tensor | None = None
    recency: Recency | None = None

    @property
    def num_nodes(self) -> int:
        """Number of nodes, isolated ones included."""
        return self.rowptr.numel() - 1

    @cached_property
    def degree(self) -> Tensor:
        """How many known neighbors each node has, ``[N]``."""
        if self.keep is None:
            return self.rowptr.diff()
        kept = torch.zeros(self.keep.numel() + 1, dtype=torch.int64)
        torch.cumsum(self.keep, 0, out=kept[1:])
        return kept[self.rowptr.long()].diff()

    @cached_property
    def popular(self) -> Tensor:
        """Nodes by degree, and by late new links where there are times, ``[R, N]`` int64.

        The lower node comes first among equals.
        """
        orders = [self.degree, *([] if self.recency is None else self.recency.popular())]
        return torch.stack([torch.argsort(order, descending=True, stable=True) for order in orders])

    def __repr__(self) -> str:
        links = (self.col.numel() if self.keep is None else int(self.keep.sum())) // 2
        timed = "" if self.recency is None else ", with times"
        return f"{type(self).__name__}(nodes={self.num_nodes}, links={links}{timed})"


def link_graph(links: Pairs, num_nodes: int) -> CSRGraph:
    """The graph of all links; its edge ids are the links' numbers.

    Shapes:
        - **links**: ``[2, P]``, distinct

    Example:
        >>> link_graph(torch.tensor([[0, 1], [1, 2]]), 3).find_edges(torch.tensor([[2], [1]]))
        tensor([1])
    """
    return CSRGraph.from_edge_index(links, num_nodes)


def snapshot(graph: CSRGraph, known: Tensor | None, own: OwnLinks) -> Snapshot:
    """What ``own`` was when only some of its links were known.

    Now is when the last of them was new, at a cut and in the whole graph alike: an event after that
    is not known. Else one late repetition would move what is served, and nothing that is measured.

    Args:
        graph: What :func:`link_graph` made of its links.
        known: Which links are; all if None.
        own: Links and events.

    Shapes:
        - **known**: ``[P]`` bool
    """
    keep = None if known is None else known[graph.edge_id.long()]
    return Snapshot(graph.rowptr, graph.col, keep, _recency(graph, known, own))


def _recency(graph: CSRGraph, known: Tensor | None, own: OwnLinks) -> Recency | None:
    if own.events is None:
        return None
    nodes, links = own.num_nodes, own.links.numpy()
    link, time = own.events.link.numpy(), own.events.time.numpy()
    new = np.arange(links.shape[1]) if known is None else known.nonzero().flatten().numpy()
    first = own.events.first.numpy()[new]
    now = float(first.max())
    seen = time <= now
    link, time = link[seen], time[seen]
    clock = max(now - float(np.quantile(first, 1 - _LATE_SHARE)), 1e-9)
    columns = [
        _by_node(links[:, which], np.exp((when - now) / (clock * factor)), nodes)
        for which, when, factors in ((new, first, _LINK_DECAYS), (link, time, _EVENT_DECAYS))
        for factor in factors
    ]
    of_node, of_link = np.full(nodes, -np.inf), np.full(links.shape[1], -np.inf)
    np.maximum.at(of_link, link, time)
    for end in links[:, link]:
        np.maximum.at(of_node, end, time)
    columns.append(np.exp((of_node - now) / clock))
    return Recency(
        torch.from_numpy(np.stack(columns, axis=1)).float(),
        # 0 for a link that is not known: nothing of it was ever seen.
        torch.from_numpy(np.exp((of_link - now) / clock)).float()[graph.edge_id.long()],
    )


def late_note(own: OwnLinks) -> str | None:
    """A line for a graph whose last event lies far beyond the rest, or None.

    What is read of times counts back from the last new link: where that one is alone, nothing seems
    to have happened lately.

    Example:
        >>> late_note(OwnLinks(["a", "b"], torch.tensor([[0], [1]]))) is None
        True
    """
    if own.events is None:
        return None
    first = own.events.first.sort().values
    most = first[int(_BULK * (first.numel() - 1))]
    span, beyond = float(most - first[0]), float(own.events.time.max() - most)
    if beyond <= span or span == 0:
        return None
    return (
        f"the last event comes {beyond / span:,.1f} times as long after {_BULK:.0%} of the links "
        "as these took in all: is its time right?"
    )


def _by_node(pairs: NDArray[Any], weight: NDArray[Any], nodes: int) -> NDArray[Any]:
    """Sums of the weights of each node's pairs, ``[N]``."""
    first, second = (np.bincount(end, weights=weight, minlength=nodes) for end in pairs)
    return first + second
