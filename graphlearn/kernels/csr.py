"""The graph every kernel reads: compressed sparse rows that know their edge ids and can be masked.

It is built once. Removing the target links of a batch, or dropping edges at random, sets bytes in a
mask over the entries; rows, columns and ids are shared and never rebuilt.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.typing import EdgeIndex, Pairs
from graphlearn.validate import check_node_pairs, check_num_nodes, check_probability

_INT32_LIMIT = 2**31 - 1


@dataclass(frozen=True, eq=False, repr=False)
class CSRGraph:
    """A simple graph in compressed sparse rows, with edge ids and an optional mask.

    Build it with :meth:`from_edge_index`. Column indices are sorted within a row. Node and entry
    indices are int32 where the sizes allow, else int64.

    Args:
        rowptr: Where each row starts.
        col: Neighbors, sorted within a row.
        edge_id: The edge that each entry belongs to; the two directions of one share it.
        edge_entries: For each edge, the positions of its two directions in ``col`` (twice the same
            position where there is one).
        input_edge: For each column of the ``edge_index`` it was built from, its edge id, or -1
            for a dropped self-loop.
        undirected: Whether every edge is stored in both directions.
        keep: Entries that are present; ``None`` if all are.

    Shapes:
        - **rowptr**: ``[N + 1]``; **col**, **edge_id**, **keep**: ``[nnz]``
        - **edge_entries**: ``[num_edges, 2]``; **input_edge**: ``[E]``

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2], [1, 2, 0]]), num_nodes=4)
        >>> graph
        CSRGraph(num_nodes=4, num_edges=3, undirected=True)
        >>> graph.without_edges(torch.tensor([0])).degree().tolist()
        [1, 1, 2, 0]
    """

    rowptr: Tensor
    col: Tensor
    edge_id: Tensor
    edge_entries: Tensor
    input_edge: Tensor
    undirected: bool = True
    keep: Tensor | None = field(default=None)

    @classmethod
    def from_edge_index(
        cls,
        edge_index: EdgeIndex,
        num_nodes: int | None = None,
        *,
        undirected: bool = True,
        keep_self_loops: bool = False,
    ) -> CSRGraph:
        """Build from PyG's ``edge_index``, in O(E log E) time and O(E) memory.

        Multi-edges collapse into one. Distinct edges are numbered in the order of their first
        appearance, so an ``edge_index`` of distinct pairs keeps its column numbers as edge ids.

        Args:
            edge_index: Integer tensor ``[2, E]``; each undirected edge may come once or twice.
            num_nodes: Number of nodes; by default one more than the largest id.
            undirected: Store both directions of every edge. If False, row ``u`` holds the targets
                of the edges that leave ``u``.
            keep_self_loops: Keep ``(u, u)`` as an ordinary entry. By default self-loops are
                dropped, because a node is not its own neighbor.

        Raises:
            InputTypeError: If ``edge_index`` is not an integer tensor.
            InputError: If its shape is wrong, an id is out of range, or memory does not hold a few
                pointers for each node.
        """
        if num_nodes is None:
            check_node_pairs(edge_index, 2**62)
            num_nodes = int(edge_index.max()) + 1 if edge_index.numel() else 0
        num_nodes = check_num_nodes(num_nodes)
        check_node_pairs(edge_index, num_nodes)
        if num_nodes >= 3_037_000_499:
            raise InputError(f"num_nodes is {num_nodes}", expected="fewer than 3,037,000,499")
        _check_memory(num_nodes)
        source, target = edge_index.long()
        low, high = (
            (torch.minimum(source, target), torch.maximum(source, target))
            if undirected
            else (source, target)
        )
        loop = low == high
        key = low * num_nodes + high
        order = torch.argsort(key, stable=True)
        if not keep_self_loops:
            order = order[~loop[order]]
        sorted_key = key[order]
        begins = torch.ones_like(sorted_key, dtype=torch.bool)
        begins[1:] = sorted_key[1:] != sorted_key[:-1]
        group = torch.cumsum(begins, 0) - 1
        first = order[begins]  # stable order: the first appearance of every distinct edge
        num_edges = first.numel()
        rank = torch.empty_like(first)
        by_appearance = torch.argsort(first)
        rank[by_appearance] = torch.arange(num_edges, device=first.device)
        input_edge = torch.full_like(key, -1)
        input_edge[order] = rank[group]
        first = first[by_appearance]
        low, high = low[first], high[first]
        ids = torch.arange(num_edges, device=first.device)
        if undirected:
            back = (low != high).nonzero().flatten()
            row, column = torch.cat([low, high[back]]), torch.cat([high, low[back]])
            edge_id = torch.cat([ids, back])
        else:
            row, column, edge_id = low, high, ids
        order = torch.argsort(row * num_nodes + column)
        row, column, edge_id = row[order], column[order], edge_id[order]
        rowptr = torch.zeros(num_nodes + 1, dtype=torch.int64, device=row.device)
        rowptr[1:] = torch.cumsum(torch.bincount(row, minlength=num_nodes), 0)
        position = torch.empty_like(order)
        position[order] = torch.arange(order.numel(), device=order.device)
        edge_entries = position[:num_edges, None].repeat(1, 2)
        if undirected:
            edge_entries[back, 1] = position[num_edges:]
        small = max(num_nodes, order.numel()) < _INT32_LIMIT
        index = torch.int32 if small else torch.int64
        return cls(
            rowptr.to(index),
            column.to(index),
            edge_id.to(index),
            edge_entries.to(index),
            input_edge,
            undirected,
        )

    @property
    def num_nodes(self) -> int:
        """Number of nodes, isolated ones included."""
        return self.rowptr.numel() - 1

    @property
    def num_edges(self) -> int:
        """Number of distinct edges the graph was built with, masked ones included."""
        return self.edge_entries.size(0)

    @property
    def device(self) -> torch.device:
        """Where the tensors lie."""
        return self.col.device

    @cached_property
    def _full_degree(self) -> Tensor:
        return self.rowptr.diff()

    @cached_property
    def entry_row(self) -> Tensor:
        """The row of every entry, ``[nnz]``."""
        rows = torch.arange(self.num_nodes, device=self.device, dtype=self.col.dtype)
        return torch.repeat_interleave(rows, self._full_degree, output_size=self.col.numel())

    @cached_property
    def entry_key(self) -> Tensor:
        """``row * N + column`` of every entry, ascending, ``[nnz]`` int64."""
        return self.entry_row.long() * self.num_nodes + self.col

    @cached_property
    def reverse_entry(self) -> Tensor:
        """For each entry the position of its other direction, ``[nnz]`` (undirected graphs)."""
        assert self.undirected, "a directed graph does not store the other direction"
        first, second = self.edge_entries.long().unbind(1)
        reverse = torch.empty(self.col.numel(), dtype=torch.int64, device=self.device)
        reverse[first], reverse[second] = second, first
        return reverse

    @cached_property
    def _degree(self) -> Tensor:
        if self.keep is None:
            return self._full_degree
        kept = torch.zeros(self.col.numel() + 1, dtype=self.col.dtype, device=self.device)
        torch.cumsum(self.keep, 0, out=kept[1:])
        return kept[self.rowptr.long()].diff()

    def degree(self) -> Tensor:
        """Number of kept entries of every row, ``[N]``; O(N), or O(N + nnz) under a mask."""
        return self._degree

    def _share_caches(self, other: CSRGraph) -> CSRGraph:
        """Let a masked view use what was derived from the rows that it shares."""
        for name in ("_full_degree", "entry_row", "entry_key", "reverse_entry"):
            if name in self.__dict__:
                other.__dict__[name] = self.__dict__[name]
        return other

    def with_mask(self, keep: Tensor) -> CSRGraph:
        """Return a view whose entries are those of this one where ``keep`` (``[nnz]``, bool) holds.

        Raises:
            InputError: If ``keep`` is not a boolean tensor with one value for each entry.
        """
        if not isinstance(keep, Tensor):
            raise InputTypeError(
                f"keep is a {type(keep).__name__}", expected=f"a bool tensor [{self.col.numel()}]"
            )
        if keep.dtype != torch.bool or keep.shape != self.col.shape:
            raise InputError(
                f"keep has dtype {keep.dtype} and shape {list(keep.shape)}",
                expected=f"torch.bool and [{self.col.numel()}]",
            )
        if self.keep is not None:
            keep = keep & self.keep
        return self._share_caches(replace(self, keep=keep))

    def without_edges(self, edge_ids: Tensor) -> CSRGraph:
        """Return a view without the given edges, in both directions; copies nnz bytes, no more.

        Args:
            edge_ids: Integer tensor ``[R]`` of edge ids.

        Raises:
            InputTypeError: If ``edge_ids`` is not an integer tensor.
            InputError: If an id is not one of this graph's.
        """
        if not isinstance(edge_ids, Tensor):
            raise InputTypeError(
                f"edge_ids is a {type(edge_ids).__name__}",
                expected="an integer tensor of edge ids",
                mend="pass torch.tensor(edge_ids)",
            )
        if edge_ids.is_floating_point() or edge_ids.dtype == torch.bool:
            raise InputTypeError(
                f"edge_ids has dtype {edge_ids.dtype}",
                expected="an integer tensor of edge ids",
                mend="pass mask.nonzero().flatten()" if edge_ids.dtype == torch.bool else "",
            )
        if edge_ids.numel():
            low, high = (int(v) for v in torch.aminmax(edge_ids))
            if low < 0 or high >= self.num_edges:
                raise InputError(
                    f"edge_ids holds {low if low < 0 else high}",
                    expected=f"ids in [0, {self.num_edges})",
                    mend="drop the -1 that find_edges gives for pairs that are no edge"
                    if low == -1
                    else "",
                )
        keep = (
            torch.ones(self.col.numel(), dtype=torch.bool, device=self.device)
            if self.keep is None
            else self.keep.clone()
        )
        keep[self.edge_entries[edge_ids.long()].flatten().long()] = False
        return self._share_caches(replace(self, keep=keep))

    def drop_entries(
        self, probability: float, generator: torch.Generator | None = None
    ) -> CSRGraph:
        """Return a view in which every entry (each direction by itself) is dropped at random.

        Args:
            probability: Chance of an entry to go.
            generator: Source of the draws; torch's default one if None, as in ``nn.Dropout``.
        """
        check_probability(probability, name="probability")
        if probability == 0.0:
            return self
        draws = torch.rand(self.col.numel(), device=self.device, generator=generator)
        return self.with_mask(draws >= probability)

    def edge_index(self) -> EdgeIndex:
        """PyG's ``edge_index`` of the kept entries, ``[2, nnz]`` int64, sorted by row."""
        row, col = self.entry_row.long(), self.col.long()
        if self.keep is not None:
            row, col = row[self.keep], col[self.keep]
        return torch.stack([row, col])

    def edge_pairs(self) -> Pairs:
        """One direction of every edge in the order of the ids, ``[2, num_edges]``, mask ignored."""
        entry = self.edge_entries[:, 0].long()
        return torch.stack([self.entry_row[entry].long(), self.col[entry].long()])

    def find_edges(self, pairs: Pairs) -> Tensor:
        """Return the edge id of every pair, or -1 where the graph has no such edge.

        O(B log nnz). The mask is ignored: an edge has its id whether it is removed or not.

        Args:
            pairs: Integer tensor ``[2, B]``.

        Raises:
            InputError: If an id is out of range.
        """
        place, found = self._find_entries(pairs)
        edge_id = self.edge_id.long() if self.col.numel() else place.new_full((1,), -1)
        return torch.where(found, edge_id[place], -1)

    def has_entries(self, pairs: Pairs) -> Tensor:
        """Whether the second node of each pair is in the first one's row, ``[B]`` bool.

        O(B log nnz). Unlike :meth:`find_edges` this asks the mask: a removed edge is not there.

        Args:
            pairs: Integer tensor ``[2, B]``.

        Raises:
            InputError: If an id is out of range.
        """
        place, found = self._find_entries(pairs)
        return found if self.keep is None or not self.col.numel() else found & self.keep[place]

    def _find_entries(self, pairs: Pairs) -> tuple[Tensor, Tensor]:
        """The position of each pair's entry, and whether there is one, mask ignored."""
        check_node_pairs(pairs, self.num_nodes, name="pairs")
        key = pairs[0].long() * self.num_nodes + pairs[1].long()
        place = torch.searchsorted(self.entry_key, key).clamp_(max=max(0, self.col.numel() - 1))
        if self.col.numel() == 0:
            return place, torch.zeros_like(key, dtype=torch.bool)
        return place, self.entry_key[place] == key

    def to(self, device: torch.device | str) -> CSRGraph:
        """Return this graph with its tensors on ``device``."""
        moved: dict[str, Any] = {
            name: getattr(self, name).to(device)
            for name in ("rowptr", "col", "edge_id", "edge_entries", "input_edge")
        }
        moved["keep"] = None if self.keep is None else self.keep.to(device)
        return replace(self, **moved)

    def __repr__(self) -> str:
        removed = "" if self.keep is None else f", entries_removed={int((~self.keep).sum())}"
        return (
            f"{type(self).__name__}(num_nodes={self.num_nodes}, num_edges={self.num_edges}, "
            f"undirected={self.undirected}{removed})"
        )


def _check_memory(num_nodes: int) -> None:
    """Raise if a few pointers for each node are more than memory: the system would end the process.

    Ids that are hashes or account numbers name billions of nodes with a handful of edges.
    """
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not told on this system
        return
    needed = 3 * 8 * num_nodes
    if needed > memory:
        raise InputError(
            f"num_nodes is {num_nodes}: row pointers need {needed / 2**30:.1f} GiB, and this "
            f"machine has {memory / 2**30:.1f} GiB",
            expected="ids in 0, 1, ..., N - 1",
            mend="number the nodes anew with edge_index.unique(return_inverse=True)",
        )


def as_graph(graph: CSRGraph | Tensor, num_nodes: int | None) -> CSRGraph:
    """Accept either a built graph or a plain undirected ``edge_index``.

    Building costs O(E log E); a training script builds once and passes the graph.

    Args:
        graph: A :class:`CSRGraph`, or an ``edge_index`` ``[2, E]``.
        num_nodes: Number of nodes where an ``edge_index`` is given, and the number required of a
            built graph; None where it is not known.

    Raises:
        InputError: If the built graph has another number of nodes.

    Example:
        >>> import torch
        >>> as_graph(torch.tensor([[0], [1]]), 3)
        CSRGraph(num_nodes=3, num_edges=1, undirected=True)
    """
    if not isinstance(graph, CSRGraph):
        return CSRGraph.from_edge_index(graph, num_nodes)
    if num_nodes is not None and graph.num_nodes != num_nodes:
        raise InputError(
            f"x has {num_nodes} rows", expected=f"{graph.num_nodes}, one for each node of the graph"
        )
    return graph
