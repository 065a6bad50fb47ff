"""The plain form of the sampler: lists, dictionaries and Python's integers; the oracle of tests."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphlearn.kernels.sample.hops import Relation, SampledHops

Array = NDArray[Any]

_WORD = 2**64 - 1
_STEP = 0x9E3779B97F4A7C15
# So many draws in a row may meet what is drawn already; the rest is then left to clocks.
_TRIES = 16


def _mix(value: int) -> int:
    """splitmix64's finalizer."""
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & _WORD
    return value ^ (value >> 31)


def _relation_key(key: int, hop: int, relation: int) -> int:
    value = 0
    for part in (key, hop, relation):
        value = _mix(((value ^ part & _WORD) + _STEP) & _WORD)
    return value


def _uniforms(key: int, place: int) -> Iterator[float]:
    """The random numbers in [0, 1) of the node at one place among the nodes of its type."""
    state = _mix((key + (place + 1) * 0xD1342543DE82EF95) & _WORD)
    while True:
        state = (state + _STEP) & _WORD
        yield (_mix(state) >> 11) / 2**53


def _drawn_uniformly(size: int, count: int, replace: bool, draw: Iterator[float]) -> list[int]:
    """Places in a row: with replacement, or by Floyd's algorithm without."""
    if replace:
        return [int(next(draw) * size) for _ in range(count)]
    if count == size:
        return list(range(size))
    found: list[int] = []
    for last in range(size - count, size):
        place = int(next(draw) * (last + 1))
        found.append(last if place in found else place)
    return found


def _drawn_by_weight(
    weight: Sequence[float], count: int, replace: bool, draw: Iterator[float]
) -> list[int]:
    """Places in a row in proportion to its weights: one after another, among those that are left.

    A draw that meets a place drawn already is made again. After 16 such in a row every place left
    gets an exponential clock instead, and those that ring first are taken.
    """
    total: list[float] = []
    for part in weight:
        total.append((total[-1] if total else 0.0) + float(part))

    def pick() -> int:
        wanted = next(draw) * total[-1]
        above = [place for place, so_far in enumerate(total) if so_far > wanted]
        return above[0] if above else total.index(total[-1])

    positive = [place for place, part in enumerate(weight) if part > 0]
    if replace:
        return [pick() for _ in range(count)]
    if count == len(positive):
        return positive
    found: list[int] = []
    tries = 0
    while len(found) < count and tries < _TRIES:
        place = pick()
        tries = tries + 1 if place in found else 0
        if not tries:
            found.append(place)
    left = [place for place in positive if place not in found]
    if len(found) < count:
        with np.errstate(divide="ignore"):
            clock = {p: np.log(-np.log1p(-next(draw))) - np.log(weight[p]) for p in left}
        first = sorted(left, key=clock.__getitem__)[: count - len(found)]
        # In the order of the row, but for those that ring at the same moment as the last.
        limit = clock[first[-1]]
        found += sorted(p for p in first if clock[p] < limit)
        found += [p for p in first if clock[p] == limit]
    return found


@dataclass
class _Nodes:
    """The nodes of one type that were met, by number, and the number of each."""

    node: list[int] = field(default_factory=list)
    tree: list[int] = field(default_factory=list)
    number: dict[tuple[int, int], int] = field(default_factory=dict)

    def append(self, tree: int, node: int) -> None:
        self.number.setdefault((tree, node), len(self.node))
        self.node.append(node)
        self.tree.append(tree)


def sample_reference(
    num_nodes: Sequence[int],
    relations: Sequence[Relation],
    seeds: Mapping[int, Array],
    fan_outs: Sequence[Sequence[int]],
    *,
    key: int,
    node_time: Sequence[Array | None] | None = None,
    replace: bool = False,
    disjoint: bool = False,
    seed_time: Mapping[int, Array] | None = None,
    latest: bool = False,
    induced: bool = False,
) -> SampledHops:
    """What :meth:`HopSampler.sample` gives, entry for entry; O(degree) for each draw.

    Args:
        num_nodes: As for :class:`HopSampler`, and so are ``relations`` and ``node_time``.
        relations: The relations between the types.
        seeds: As for :meth:`HopSampler.sample`, and so are all that follow.
        fan_outs: How many entries a node draws, by relation and hop.
        key: Of 64 bits.
        node_time: For each type when its nodes came to be, or None.
        replace: Draw with replacement.
        disjoint: Give every seed a tree of its own.
        seed_time: Until when the neighbors of each seed may have come to be.
        latest: Take the latest entries instead of drawing.
        induced: Return all edges among the nodes met.

    Example:
        >>> import torch
        >>> from graphlearn.kernels.sample import NeighborRows
        >>> edges = torch.tensor([[1, 2, 3, 0], [0, 0, 1, 3]])
        >>> rows = NeighborRows.from_edges(edges[0], edges[1], num_sources=4, num_targets=4)
        >>> relations = [Relation(0, 0, rows)]
        >>> hops = sample_reference([4], relations, {0: np.array([0])}, [[2, 2]], key=7)
        >>> hops.node[0].tolist(), hops.source[0].tolist(), hops.target[0].tolist()
        ([0, 1, 2, 3], [1, 2, 3], [0, 0, 1])
    """
    met = [_Nodes() for _ in num_nodes]
    until: list[Any] = []
    seed_number = 0
    for kind in sorted(seeds):
        for place, node in enumerate(seeds[kind].tolist()):
            met[kind].append(seed_number if disjoint else 0, node)
            if seed_time is not None:
                until.append(seed_time[kind][place])
            seed_number += 1

    def row_of(relation: Relation, place: int) -> list[int]:
        """The entries that the target at a place may draw from."""
        target, rows = met[relation.target], relation.rows
        node = target.node[place]
        row = list(range(int(rows.rowptr[node]), int(rows.rowptr[node + 1])))
        if seed_time is None:
            return row
        limit = until[target.tree[place]]
        times = None if node_time is None else node_time[relation.source]
        if rows.entry_time is not None:
            return [entry for entry in row if rows.entry_time[entry] <= limit]
        if times is not None:
            return [entry for entry in row if times[rows.col[entry]] <= limit]
        return row

    def drawn(number: int, hop: int, place: int) -> list[int]:
        rows, row = relations[number].rows, row_of(relations[number], place)
        weight = None if rows.weight is None else [float(rows.weight[entry]) for entry in row]
        can = row if weight is None else [e for e, w in zip(row, weight, strict=True) if w > 0]
        fan_out = fan_outs[number][hop]
        if fan_out < 0 or not can:
            return can
        if latest:
            return can[-fan_out:] if fan_out else []
        count = fan_out if replace else min(fan_out, len(can))
        draw = _uniforms(_relation_key(key, hop, number), place)
        if weight is None:
            return [row[at] for at in _drawn_uniformly(len(row), count, replace, draw)]
        return [row[at] for at in _drawn_by_weight(weight, count, replace, draw)]

    edges: list[list[tuple[int, int, int]]] = [[] for _ in relations]  # entry, source, target
    nodes_per_hop = [[len(nodes.node)] for nodes in met]
    edges_per_hop: list[list[int]] = [[] for _ in relations]
    begin = [0 for _ in num_nodes]
    for hop in range(max((len(counts) for counts in fan_outs), default=0)):
        last = [len(nodes.node) for nodes in met]
        for number, relation in enumerate(relations):
            before, source = len(edges[number]), met[relation.source]
            for place in range(begin[relation.target], last[relation.target]):
                tree = met[relation.target].tree[place]
                for entry in drawn(number, hop, place):
                    node = int(relation.rows.col[entry])
                    if (tree, node) not in source.number:
                        source.append(tree, node)
                    edges[number].append((entry, source.number[tree, node], place))
            edges_per_hop[number].append(len(edges[number]) - before)
        begin = last
        for counts, nodes, known in zip(nodes_per_hop, met, last, strict=True):
            counts.append(len(nodes.node) - known)

    if induced:
        for number, relation in enumerate(relations):
            source, target = met[relation.source], met[relation.target]
            edges[number] = [
                (entry, source.number[target.tree[place], int(relation.rows.col[entry])], place)
                for place in range(len(target.node))
                for entry in row_of(relation, place)
                if (target.tree[place], int(relation.rows.col[entry])) in source.number
            ]
    entry_part, source_part, target_part = (
        [np.array([edge[part] for edge in found], np.int64) for found in edges] for part in range(3)
    )
    return SampledHops(
        [np.array(nodes.node, np.int64) for nodes in met],
        [np.array(nodes.tree, np.int64) for nodes in met] if disjoint else None,
        source_part,
        target_part,
        entry_part,
        nodes_per_hop,
        None if induced else edges_per_hop,
    )
