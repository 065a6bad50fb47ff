"""Sampling of neighborhoods hop by hop, over any number of node types and relations."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphlearn.errors import InputError
from graphlearn.kernels.sample import cpu_draw, cpu_number
from graphlearn.kernels.sample.neighbor_rows import NeighborRows

Array = NDArray[Any]

_NONE = np.empty(0, np.int64)
_LAST_TAG = 2**31 - 1
_GOLDEN, _WORD = 0x9E3779B97F4A7C15, 0xFFFFFFFFFFFFFFFF


def mix_keys(*parts: int) -> int:
    """One number of 64 bits from several, each of which changes all of its bits.

    Example:
        >>> mix_keys(1, 2) == mix_keys(1, 2), mix_keys(1, 2) == mix_keys(2, 1)
        (True, False)
    """
    value = 0
    for part in parts:
        value = (value ^ (part & _WORD)) + _GOLDEN & _WORD
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 & _WORD
        value = (value ^ value >> 27) * 0x94D049BB133111EB & _WORD
        value ^= value >> 31
    return value


@dataclass(frozen=True)
class Relation:
    """Edges of one type: from which type of nodes to which, by number, and their rows."""

    source: int
    target: int
    rows: NeighborRows


@dataclass(frozen=True, eq=False)
class SampledHops:
    """What was sampled, by number of type and of relation.

    Args:
        node: For each type the nodes: seeds first, then the others as they were met.
        tree: For each type the seed that each node was met from; None for a common subgraph.
        source: For each relation the place of every edge's source among the nodes of its type.
        target: Likewise of every edge's target.
        entry: For each relation the entries that were drawn, in the order of its rows.
        nodes_per_hop: For each type the seeds, then the new nodes of every hop.
        edges_per_hop: For each relation the edges of every hop; None for induced subgraphs.
    """

    node: list[Array]
    tree: list[Array] | None
    source: list[Array]
    target: list[Array]
    entry: list[Array]
    nodes_per_hop: list[list[int]]
    edges_per_hop: list[list[int]] | None


@dataclass
class _Numbers:
    """The hash table that numbers the nodes of a batch, kept from batch to batch."""

    table: Array = field(default_factory=lambda: np.zeros(2 * 4096, np.int64))
    tag: int = 0

    def begin(self) -> None:
        self.tag += 1
        if self.tag == _LAST_TAG:  # after two thousand million batches
            self.table[:] = 0
            self.tag = 1

    def make_room(self, nodes: int) -> None:
        """At least two slots for each node, or else searches grow long."""
        if len(self.table) < 4 * nodes:
            larger = np.zeros(2 << (2 * nodes - 1).bit_length(), np.int64)
            cpu_number.enlarge(self.table, self.tag, larger)
            self.table = larger


class HopSampler:
    """Draws the neighborhoods of seeds, hop by hop.

    In each hop every node that the last hop met draws entries from its row in every relation that
    points to its type, and the sources behind them are met. What a node draws is keyed by the
    batch's key, the hop, the relation and its place among the nodes: one key gives one sample,
    whatever else runs beside it. Calls may come from several threads at once; each holds the GIL
    for microseconds.

    Cost of a batch of S draws: O(S) time and memory, wherever the draws go (O(S log degree) with
    weights or times), and a hash table of at least 32 bytes a node met, kept for the next batch.

    Args:
        num_nodes: How many nodes each type has.
        relations: The relations between the types.
        node_time: For each type when its nodes came to be, or None.

    Example:
        >>> import torch
        >>> edges = torch.tensor([[1, 2, 3, 0], [0, 0, 1, 3]])
        >>> rows = NeighborRows.from_edges(edges[0], edges[1], num_sources=4, num_targets=4)
        >>> sampler = HopSampler([4], [Relation(0, 0, rows)])
        >>> hops = sampler.sample({0: np.array([0])}, [[2, 2]], key=7)
        >>> hops.node[0].tolist(), hops.source[0].tolist(), hops.target[0].tolist()
        ([0, 1, 2, 3], [1, 2, 3], [0, 0, 1])
        >>> hops.nodes_per_hop, hops.edges_per_hop
        ([[1, 2, 1]], [[2, 1]])
    """

    def __init__(
        self,
        num_nodes: Sequence[int],
        relations: Sequence[Relation],
        node_time: Sequence[Array | None] | None = None,
    ) -> None:
        self.num_nodes = list(num_nodes)
        self.relations = list(relations)
        self.node_time = list(node_time or [None] * len(self.num_nodes))
        for relation in self.relations:
            assert relation.rows.num_targets == self.num_nodes[relation.target]
        self._shift = [0, *itertools.accumulate(self.num_nodes)]
        self._idle: list[_Numbers] = []  # append and pop are atomic

    def __getstate__(self) -> dict[str, Any]:
        # To another process go the rows, not the scratch.
        return {**self.__dict__, "_idle": []}

    def sample(
        self,
        seeds: Mapping[int, Array],
        fan_outs: Sequence[Sequence[int]],
        *,
        key: int,
        replace: bool = False,
        disjoint: bool = False,
        seed_time: Mapping[int, Array] | None = None,
        latest: bool = False,
        induced: bool = False,
    ) -> SampledHops:
        """Draw the neighborhoods of ``seeds``.

        Args:
            seeds: For types by number their seeds, int64; one that comes twice is drawn for twice.
            fan_outs: For each relation how many entries a node draws in every hop; -1 for all.
            key: Of 64 bits; another key draws another sample.
            replace: Draw with replacement.
            disjoint: Give every seed a subgraph (a tree) of its own.
            seed_time: For each type of ``seeds`` until when neighbors may have come to be. Needs
                ``disjoint``, since a time is the tree's.
            latest: With times: take the latest entries instead of drawing.
            induced: Return all edges among the nodes met instead of those drawn.

        Raises:
            InputError: If a seed is out of range, or the batch is too large to number.
        """
        assert seed_time is None or disjoint
        for kind, ids in seeds.items():
            if len(ids) and (ids.min() < 0 or ids.max() >= self.num_nodes[kind]):
                bad = int(ids.min()) if ids.min() < 0 else int(ids.max())
                raise InputError(
                    f"a seed is node {bad}", expected=f"ids in [0, {self.num_nodes[kind]})"
                )
        try:
            numbers = self._idle.pop()
        except IndexError:  # not asked before: another thread may take the last one meanwhile
            numbers = _Numbers()
        batch = _Batch(self, numbers, seeds, disjoint, seed_time)
        try:
            for hop in range(max((len(counts) for counts in fan_outs), default=0)):
                batch.draw_hop(hop, fan_outs, key, replace and not latest, latest)
            return batch.induced() if induced else batch.result()
        finally:
            self._idle.append(numbers)


class _Batch:
    """The state of one call of :meth:`HopSampler.sample`."""

    def __init__(
        self,
        sampler: HopSampler,
        numbers: _Numbers,
        seeds: Mapping[int, Array],
        disjoint: bool,
        seed_time: Mapping[int, Array] | None,
    ) -> None:
        self.sampler, self.numbers, self.disjoint = sampler, numbers, disjoint
        self.total = sampler._shift[-1]
        types, relations = len(sampler.num_nodes), len(sampler.relations)
        self.node = [_NONE] * types
        self.tree = [_NONE] * types
        self.count = [0] * types
        self.begin = [0] * types  # where the nodes that the last hop met begin
        self.nodes_per_hop: list[list[int]] = [[0] for _ in range(types)]
        self.edges_per_hop: list[list[int]] = [[] for _ in range(relations)]
        self.parts: list[list[Array]] = [[] for _ in range(relations)]
        numbers.begin()
        trees = 0
        times: list[Array] = []
        for kind in sorted(seeds):
            ids = seeds[kind].astype(np.int64, copy=False)
            self.node[kind], self.count[kind] = ids, len(ids)
            self.nodes_per_hop[kind][0] = len(ids)
            if disjoint:
                self.tree[kind] = np.arange(trees, trees + len(ids))
            if seed_time is not None:
                times.append(seed_time[kind])
            trees += len(ids)
        if trees * max(1, self.total) >= 2**63:
            raise InputError(
                f"{trees} seeds have a subgraph each of up to {self.total} nodes",
                expected="fewer than 2^63 in all",
                mend="take smaller batches",
            )
        self.tree_time = np.concatenate(times) if times else None
        for kind in sorted(seeds):
            self._number_seeds(kind)

    def _number_seeds(self, kind: int) -> None:
        self._make_room(self.count[kind])
        cpu_number.number_seeds(
            self.node[kind],
            self.tree[kind],
            0,
            self.count[kind],
            self.sampler._shift[kind],
            self.total,
            self.numbers.tag,
            self.numbers.table,
        )

    def _make_room(self, more: int) -> None:
        nodes = sum(self.count) + more
        if nodes >= 2**32:
            raise InputError(f"a batch meets up to {nodes} nodes", expected="fewer than 2^32")
        self.numbers.make_room(nodes)

    def _segments(self, relation: Relation, first: int, last: int) -> tuple[Array, Array]:
        """The part of every frontier node's row that may be drawn from."""
        frontier = self.node[relation.target][first:last]
        begin, end = np.empty(len(frontier), np.int64), np.empty(len(frontier), np.int64)
        cpu_draw.segments(relation.rows.rowptr, frontier, begin, end)
        if self.tree_time is not None and len(frontier):
            until = self.tree_time[self.tree[relation.target][first:last]]
            node_time = self.sampler.node_time[relation.source]
            if relation.rows.entry_time is not None:
                cpu_draw.end_by_entry_time(begin, end, relation.rows.entry_time, until)
            elif node_time is not None:
                cpu_draw.end_by_node_time(begin, end, relation.rows.col, node_time, until)
        return begin, end

    def draw_hop(
        self,
        hop: int,
        fan_outs: Sequence[Sequence[int]],
        key: int,
        replace: bool,
        latest: bool,
    ) -> None:
        """Draw for all that the last hop met; what is met now waits for the next."""
        first, last = list(self.begin), list(self.count)
        for number, relation in enumerate(self.sampler.relations):
            at, to = first[relation.target], last[relation.target]
            entry, offset = self._draw(
                number, at, to, fan_outs[number][hop], key, hop, replace, latest
            )
            source, target = np.empty(len(entry), np.int64), np.empty(len(entry), np.int64)
            if len(entry):
                self._number(relation, entry, offset, at, source, target)
            self.parts[number] += [entry, source, target]
            self.edges_per_hop[number].append(len(entry))
        for kind, before in enumerate(last):
            self.begin[kind] = before
            self.nodes_per_hop[kind].append(self.count[kind] - before)

    def _draw(
        self,
        number: int,
        at: int,
        to: int,
        fan_out: int,
        key: int,
        hop: int,
        replace: bool,
        latest: bool,
    ) -> tuple[Array, Array]:
        """The entries drawn for nodes ``at`` to ``to``, and where each one's begin."""
        rows = self.sampler.relations[number].rows
        if at == to or fan_out == 0:
            return _NONE, np.zeros(to - at + 1, np.int64)
        begin, end = self._segments(self.sampler.relations[number], at, to)
        offset = np.empty(to - at + 1, np.int64)
        positive = _NONE if rows.positive is None else rows.positive
        cpu_draw.count_draws(begin, end, fan_out, replace, positive, offset)
        entry = np.empty(int(offset[-1]), np.int64)
        if latest:
            cpu_draw.take_last(end, offset, positive, entry)
            return entry, offset
        own_key = np.uint64(mix_keys(key, hop, number))
        if rows.weight is None or rows.running_weight is None:
            cpu_draw.draw_uniform(begin, end, offset, fan_out, replace, own_key, at, entry)
        else:
            cpu_draw.draw_weighted(
                begin,
                end,
                offset,
                fan_out,
                replace,
                rows.weight,
                rows.running_weight,
                positive,
                own_key,
                at,
                entry,
            )
        return entry, offset

    def _number(
        self,
        relation: Relation,
        entry: Array,
        offset: Array,
        at: int,
        source: Array,
        target: Array,
    ) -> None:
        """Number the neighbors behind the entries, after the nodes that are known."""
        kind = relation.source
        known = self.count[kind]
        self.node[kind] = _extended(self.node[kind], known, len(entry))
        if self.disjoint:
            self.tree[kind] = _extended(self.tree[kind], known, len(entry))
        self._make_room(len(entry))
        self.count[kind] = int(
            cpu_number.number_neighbors(
                relation.rows.col,
                entry,
                offset,
                at,
                self.tree[relation.target],
                self.sampler._shift[kind],
                self.total,
                self.numbers.tag,
                self.numbers.table,
                self.node[kind],
                self.tree[kind],
                known,
                source,
                target,
            )
        )

    def _nodes(self) -> tuple[list[Array], list[Array] | None]:
        node = [ids[:count] for ids, count in zip(self.node, self.count, strict=True)]
        if not self.disjoint:
            return node, None
        return node, [tree[:count] for tree, count in zip(self.tree, self.count, strict=True)]

    def result(self) -> SampledHops:
        """The edges as they were drawn."""
        node, tree = self._nodes()
        entry, source, target = (
            [_joined(parts[which::3]) for parts in self.parts] for which in range(3)
        )
        return SampledHops(
            node, tree, source, target, entry, self.nodes_per_hop, self.edges_per_hop
        )

    def induced(self) -> SampledHops:
        """All edges among the nodes met; reads the whole row of each."""
        node, tree = self._nodes()
        entry: list[Array] = []
        source: list[Array] = []
        target: list[Array] = []
        for relation in self.sampler.relations:
            count = self.count[relation.target]
            begin, end = self._segments(relation, 0, count)
            offset = np.empty(count + 1, np.int64)
            common = (
                begin,
                end,
                relation.rows.col,
                self.tree[relation.target][:count],
                self.sampler._shift[relation.source],
                self.total,
                self.numbers.tag,
                self.numbers.table,
                offset,
            )
            cpu_number.count_induced(*common)
            found = [np.empty(int(offset[-1]), np.int64) for _ in range(3)]
            cpu_number.write_induced(*common, *found)
            for parts, part in zip((entry, source, target), found, strict=True):
                parts.append(part)
        return SampledHops(node, tree, source, target, entry, self.nodes_per_hop, None)


def _extended(array: Array, used: int, more: int) -> Array:
    """The used part of an array, with room for more behind it."""
    longer = np.empty(used + more, np.int64)
    longer[:used] = array[:used]
    return longer


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else np.concatenate(parts) if parts else _NONE
