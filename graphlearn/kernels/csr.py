"""The graph every kernel reads: compressed sparse rows that know their edge ids and can be masked.

It is built once. Removing the target links of a batch, or dropping edges at random, sets bytes in a
mask over the entries; rows, columns and ids are shared and never rebuilt.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.csr_rows import build_rows
from graphlearn.typing import EdgeIndex, Pairs
from graphlearn.validate import check_node_pairs, check_probability


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
        weight: For each entry the factor of the message that its row takes from its column, which
            encoders use in place of a normalization of their own; ``None`` leaves it to them. See
            :meth:`with_weights`.
        loop_weight: Likewise for each node the factor of its own state.

    Shapes:
        - **rowptr**: ``[N + 1]``; **col**, **edge_id**, **keep**, **weight**: ``[nnz]``
        - **edge_entries**: ``[num_edges, 2]``; **input_edge**: ``[E]``; **loop_weight**: ``[N]``

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
    weight: Tensor | None = field(default=None)
    loop_weight: Tensor | None = field(default=None)

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
        rows = build_rows(
            edge_index, num_nodes, undirected=undirected, keep_self_loops=keep_self_loops
        )
        return cls(*rows, undirected)

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
    def matrix(self) -> Tensor:
        """The present entries as 1, ``[N, N]`` of bfloat16: 2 N^2 bytes, for dense graphs."""
        with torch.inference_mode(False):  # it is kept, and a later training step needs it
            matrix = torch.zeros(self.num_nodes**2, dtype=torch.bfloat16, device=self.device)
            present = self.entry_key if self.keep is None else self.entry_key[self.keep]
            return matrix.index_fill_(0, present, 1).view(self.num_nodes, self.num_nodes)

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

    def with_weights(self, weight: Tensor, loop_weight: Tensor) -> CSRGraph:
        """Return a view in which messages have these factors; masked entries still send none.

        A later mask does not change the factors of what remains: make weights that sum to
        something of the masked graph.

        Args:
            weight: One for each entry, the masked ones included.
            loop_weight: One for each node's own state.

        Shapes:
            - **weight**: ``[nnz]``; **loop_weight**: ``[N]``, both floating-point

        Raises:
            InputTypeError: If one is no floating-point tensor.
            InputError: If a shape does not fit.
        """
        given: tuple[tuple[str, Any, int], ...] = (
            ("weight", weight, self.col.numel()),
            ("loop_weight", loop_weight, self.num_nodes),
        )
        for name, value, size in given:
            if not isinstance(value, Tensor) or not value.is_floating_point():
                kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
                raise InputTypeError(f"{name} is a {kind}", expected="a floating-point tensor")
            if list(value.shape) != [size]:
                raise InputError(f"{name} has shape {list(value.shape)}", expected=f"[{size}]")
        return self._share_caches(replace(self, weight=weight, loop_weight=loop_weight))

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
        for name in ("keep", "weight", "loop_weight"):
            value = getattr(self, name)
            moved[name] = None if value is None else value.to(device)
        return replace(self, **moved)

    def __repr__(self) -> str:
        removed = "" if self.keep is None else f", entries_removed={int((~self.keep).sum())}"
        weighted = "" if self.weight is None else ", weighted"
        return (
            f"{type(self).__name__}(num_nodes={self.num_nodes}, num_edges={self.num_edges}, "
            f"undirected={self.undirected}{removed}{weighted})"
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
