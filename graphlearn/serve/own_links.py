"""A user's own graph: links without direction or repetition, and the events that they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlearn.data.edge_columns import EdgeColumns
from graphlearn.data.node_table import NodeTable
from graphlearn.data.pairs import sorted_unique, undirected_keys
from graphlearn.errors import InputError

NodeIds = Tensor | list[str]
"""The id of each node: integers, or names."""


@dataclass(frozen=True, eq=False)
class LinkEvents:
    """When links were seen: each row of the file is an event.

    Args:
        link: The number of each event's link.
        time: When it was.
        first: For each link the time of its first event.

    Shapes:
        - **link**, **time**: ``[L]``; **first**: ``[P]``
    """

    link: Tensor
    time: Tensor
    first: Tensor


@dataclass(frozen=True, eq=False, repr=False)
class OwnLinks:
    """Distinct links between nodes that have ids, read as undirected.

    Args:
        ids: The id of each node.
        links: Distinct pairs ``u < v``, ascending.
        events: When they were seen, where there are times.
        features: Numbers of each node, where there is a table of them.
        notes: What was merged or left out, a line each.

    Shapes:
        - **links**: ``[2, P]`` int64; **features**: ``[N, C]`` float32

    Example:
        >>> columns = EdgeColumns(np.array([[0, 1], [1, 0], [1, 2]]), ["ann", "bob", "cem"])
        >>> own = own_links(columns)
        >>> own.links.tolist(), own.notes
        ([[0, 1], [1, 2]], ('1 repeated row was merged',))
    """

    ids: NodeIds
    links: Tensor
    events: LinkEvents | None = None
    features: Tensor | None = None
    notes: Sequence[str] = ()

    @property
    def num_nodes(self) -> int:
        """Number of nodes, isolated ones included."""
        return len(self.ids)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(nodes={self.num_nodes}, links={self.links.size(1)})"


def own_links(columns: EdgeColumns, table: NodeTable | None = None) -> OwnLinks:
    """Make links of an edge list's columns, and join the nodes' table to them.

    Args:
        columns: What a reader gave.
        table: Features by id. Nodes that only it has are isolated. Where its ids are the very
            object of ``columns.ids``, its rows are those of the nodes in their order.

    Raises:
        InputError: If no link is left, every pair is linked, or the table lacks a node or has
            another type of ids.
    """
    ids, features = columns.ids, None
    if table is not None:
        ids, features = _joined(columns.ids, table)
    nodes = len(ids)
    pairs = torch.from_numpy(np.ascontiguousarray(columns.pairs.T))
    loop = pairs[0] == pairs[1]
    keys = undirected_keys(pairs[:, ~loop], nodes).numpy()
    known, link = sorted_unique(torch.from_numpy(keys)).numpy(), None
    if columns.times is not None:
        link = np.searchsorted(known, keys)
    if len(known) == 0:
        raise InputError(
            f"the graph of {_count(nodes, 'node')} has no link between two nodes",
            expected="links to learn from",
        )
    if len(known) == nodes * (nodes - 1) // 2:
        raise InputError(
            f"the graph links every pair of its {nodes} nodes", expected="pairs that may be linked"
        )
    links = torch.from_numpy(np.stack([known // nodes, known % nodes]))
    notes = []
    if len(keys) > len(known):
        what = "later event" if columns.times is not None else "repeated row"
        were = "was" if len(keys) == len(known) + 1 else "were"
        notes.append(f"{_count(len(keys) - len(known), what)} {were} merged")
    if bool(loop.any()):
        count = int(loop.sum())
        were = "was" if count == 1 else "were"
        what = "link of a node to itself" if count == 1 else "links of a node to itself"
        notes.append(f"{count:,} {what} {were} left out")
    isolated = nodes - int(np.unique(links.numpy()).size)
    if isolated:
        notes.append(f"{_count(isolated, 'node')} without links")
    events = None
    if columns.times is not None and link is not None:
        time = columns.times[~loop.numpy()]
        first = np.full(len(known), np.inf)
        np.minimum.at(first, link, time)
        events = LinkEvents(*(torch.from_numpy(part) for part in (link, time, first)))
    return OwnLinks(ids, links, events, features, tuple(notes))


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _joined(ids: NodeIds, table: NodeTable) -> tuple[NodeIds, Tensor]:
    """Ids of both, the edge list's first, and the table's rows in that order."""
    if table.ids is ids:  # a row for each node, in their order
        return ids, table.features
    if isinstance(ids, Tensor) != isinstance(table.ids, Tensor):
        kinds = [
            f"integers such as {int(i[0])}" if isinstance(i, Tensor) else f"text such as {i[0]!r}"
            for i in (ids, table.ids)
        ]
        raise InputError(
            f"the edge list's ids are {kinds[0]} and the node table's are {kinds[1]}",
            expected="one type of ids in both",
            mend="write them alike, or pass --text-ids (text_ids=True) to take both as text",
        )
    ours = ids.tolist() if isinstance(ids, Tensor) else ids
    theirs = table.ids.tolist() if isinstance(table.ids, Tensor) else table.ids
    row = {name: number for number, name in enumerate(theirs)}
    missing = [name for name in ours if name not in row]
    if missing:
        raise InputError(
            f"the node table lacks {_count(len(missing), 'node')} of the edge list, the first "
            f"{missing[0]!r}",
            expected="a row of features for each node",
        )
    linked = set(ours)
    every = [*ours, *(name for name in theirs if name not in linked)]
    features = table.features[torch.tensor([row[name] for name in every])]
    return (torch.tensor(every) if isinstance(ids, Tensor) else every), features
