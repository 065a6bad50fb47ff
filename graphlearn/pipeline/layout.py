"""Where every node of a graph is computed: its chunk in time, its way among devices."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.partition import compact_cells
from graphlearn.pipeline.chunk import GraphChunk
from graphlearn.pipeline.grid import partition_grid
from graphlearn.pipeline.message_weights import Normalization, check_weight, make_entries
from graphlearn.pipeline.partition import NODE_COST, Method
from graphlearn.pipeline.partition_report import check_assignment
from graphlearn.typing import EdgeIndex
from graphlearn.validate import check_node_pairs, check_num_nodes, check_size


class Layout:
    """A graph cut into ``chunks`` that follow each other, and each chunk among ``ways`` devices.

    The same arguments give the same layout in every process. All chunks are made once, on the CPU,
    in O(N W + E) time and memory besides the assignment; they share memory, and
    :meth:`GraphChunk.to` moves one.

    Multi-edges and self-loops are entries as any other, isolated nodes have no entry. A chunk may
    have no node on a way where nodes are fewer than chunks times ways.

    Args:
        edge_index: Edges, from source to target.
        num_nodes: Number of nodes.
        chunks: How many chunks.
        ways: How many devices share a chunk: those that hold the same layers.
        method: How nodes are assigned, as in :func:`partition_nodes`, where assignments are not
            given.
        seed: Seed of the assignment.
        node_cost: How many messages a node's row is worth where work is shared out, see
            :func:`graphlearn.pipeline.partition.node_work`.
        chunk_of: The chunk of each node; made by ``method`` if None.
        way_of: The way of each node; made by ``method`` if None.
        weight: A weight for each edge.
        normalization: ``"gcn"``, PyG's ``gcn_norm``: a self-loop at every node that has none, of
            several the last, factors from the degrees of the whole graph; ``"mean"``: divide by the
            sum of weights at the target; ``"sum"`` or None: weights as they are.
        dtype: Of the factors; by default that of ``weight``, else torch's default one.

    Attributes:
        chunk_of: The chunk of each node.
        way_of: The way of each node.
        degree: In-degree of each node, added self-loops not counted.
        halo_rows: Rows of all halos together.
        border_nodes: How many nodes another chunk or way reads.
        normalization: As given.

    Shapes:
        - **edge_index**: ``[2, E]``; **weight**: ``[E]``
        - **chunk_of**, **way_of**, **degree**: ``[N]``

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If there are more chunks or more ways than nodes, an assignment or the weights
            do not fit the graph, or an id is out of range.
        UnknownNameError: If method or normalization is unknown.
        MissingExtraError: If ``"metis"`` is asked for without pymetis.

    Example:
        >>> edges = torch.tensor([[0, 1, 2, 3], [1, 2, 3, 0]])
        >>> layout = Layout(edges, 4, chunks=2, ways=2, method="range")
        >>> layout
        Layout(4 nodes, 4 edges, 2 chunks, 2 ways, replicas_per_vertex=0.50)
        >>> layout.chunk(0, way=1)
        GraphChunk(0: 1 nodes, halo of 1, 1 edges)
        >>> layout.sends(0, 1), layout.receives(0, 1)
        ({1: tensor([1])}, {1: tensor([3])})
    """

    def __init__(
        self,
        edge_index: EdgeIndex,
        num_nodes: int,
        chunks: int,
        ways: int = 1,
        *,
        method: Method = "stream",
        seed: int = 0,
        node_cost: int = NODE_COST,
        chunk_of: Tensor | None = None,
        way_of: Tensor | None = None,
        weight: Tensor | None = None,
        normalization: Normalization | None = None,
        dtype: torch.dtype | None = None,
    ) -> None:
        self.num_nodes = check_num_nodes(num_nodes)
        self.num_chunks = check_size(chunks, name="chunks")
        self.num_ways = check_size(ways, name="ways")
        edges = check_node_pairs(edge_index, self.num_nodes).detach().cpu().long()
        self.num_edges = edges.size(1)
        values = check_weight(weight, self.num_edges)
        given: Any = dtype
        if given is not None and not (isinstance(given, torch.dtype) and given.is_floating_point):
            raise InputTypeError(f"dtype is {given!r}", expected="a floating-point torch.dtype")
        if dtype is None:
            dtype = torch.get_default_dtype() if values is None else values.dtype
        entries = make_entries(edges, self.num_nodes, values, normalization, dtype)
        self.normalization = normalization

        if chunk_of is not None:
            chunk_of = check_assignment(
                chunk_of, self.num_nodes, self.num_chunks, name="chunk_of", kind="chunks"
            )
        if way_of is not None:
            way_of = check_assignment(
                way_of, self.num_nodes, self.num_ways, name="way_of", kind="ways"
            )
        self.chunk_of, self.way_of = partition_grid(
            edges,
            self.num_nodes,
            self.num_chunks,
            self.num_ways,
            method=method,
            seed=seed,
            chunk_of=chunk_of,
            way_of=way_of,
            node_cost=node_cost,
        )
        self.degree = torch.bincount(edges[1], minlength=self.num_nodes)

        cell = self.chunk_of * self.num_ways + self.way_of
        cells = compact_cells(entries.source, entries.target, cell, self.num_chunks * self.num_ways)
        self.halo_rows = cells.halo.numel()
        self.border_nodes: int = torch.unique(cells.halo).numel()
        factor = None if entries.weight is None else entries.weight[cells.edge]
        edge = entries.edge[cells.edge]
        node_ptr, halo_ptr = cells.node_ptr.tolist(), cells.halo_ptr.tolist()
        entry_ptr = cells.rowptr[cells.node_ptr].tolist()
        self._chunks: list[GraphChunk] = []
        for c in range(len(node_ptr) - 1):
            rows = slice(node_ptr[c], node_ptr[c + 1])
            part = slice(entry_ptr[c], entry_ptr[c + 1])
            nodes, halo = cells.nodes[rows], cells.halo[halo_ptr[c] : halo_ptr[c + 1]]
            self._chunks.append(
                GraphChunk(
                    number=c // self.num_ways,
                    nodes=nodes,
                    halo=halo,
                    rowptr=cells.rowptr[rows.start : rows.stop + 1] - entry_ptr[c],
                    col=cells.col[part],
                    edge=edge[part],
                    weight=None if factor is None else factor[part],
                    degree=torch.cat([self.degree[nodes], self.degree[halo]]),
                )
            )
        self._replicas = _replicas(
            entries.source, entries.target, self.chunk_of, self.way_of, self.num_ways
        )
        self.num_replicas = sum(ids.numel() for ids in self._replicas.values())

    @property
    def replicas_per_vertex(self) -> float:
        """On how many other ways a node is needed, on average: the alpha of graph parallelism."""
        return self.num_replicas / max(1, self.num_nodes)

    def chunk(self, k: int, way: int = 0) -> GraphChunk:
        """The part of chunk ``k`` that a way computes.

        Args:
            k: Which chunk.
            way: Which way.

        Raises:
            InputError: If there is no such chunk or way.
        """
        self._check(k, way)
        return self._chunks[k * self.num_ways + way]

    def sends(self, way: int, k: int) -> dict[int, Tensor]:
        """Nodes of chunk ``k`` that a way computes and others read, in whichever chunk of theirs.

        Args:
            way: The way that computes them.
            k: Which chunk.

        Returns:
            For each other way that reads any, their ids, ascending; the receiver finds the same
            ones in the same order under :meth:`receives`.

        Raises:
            InputError: If there is no such chunk or way.
        """
        self._check(k, way)
        pairs = ((other, (k, way, other)) for other in range(self.num_ways))
        return {other: self._replicas[key] for other, key in pairs if key in self._replicas}

    def receives(self, way: int, k: int) -> dict[int, Tensor]:
        """Nodes of chunk ``k`` that others compute and this way reads.

        Args:
            way: The way that reads them.
            k: Which chunk.

        Returns:
            For each other way that computes any, their ids, ascending.

        Raises:
            InputError: If there is no such chunk or way.
        """
        self._check(k, way)
        pairs = ((other, (k, other, way)) for other in range(self.num_ways))
        return {other: self._replicas[key] for other, key in pairs if key in self._replicas}

    def _check(self, k: int, way: int) -> None:
        for name, value, count in (("chunk", k, self.num_chunks), ("way", way, self.num_ways)):
            if not 0 <= value < count:
                raise InputError(f"{name} is {value}", expected=f"a number in [0, {count})")

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({self.num_nodes} nodes, {self.num_edges} edges, "
            f"{self.num_chunks} chunks, {self.num_ways} ways, "
            f"replicas_per_vertex={self.replicas_per_vertex:.2f})"
        )


def _replicas(
    source: Tensor, target: Tensor, chunk_of: Tensor, way_of: Tensor, ways: int
) -> dict[tuple[int, int, int], Tensor]:
    """Ids of a chunk that a way owns and another reads, by (chunk, owner, reader), ascending."""
    if ways == 1:
        return {}
    reads = torch.zeros(chunk_of.numel(), ways, dtype=torch.bool)
    reads.view(-1)[source * ways + way_of[target]] = True
    reads[torch.arange(way_of.numel()), way_of] = False
    node, reader = reads.nonzero().unbind(1)
    key = ((chunk_of[node] * ways + way_of[node]) * ways + reader).numpy()
    order = np.argsort(key, kind="stable")
    keys, begins = np.unique(key[order], return_index=True)
    ids = node[torch.from_numpy(order)]
    ends = [*begins.tolist(), ids.numel()]
    return {
        (k // ways // ways, k // ways % ways, k % ways): ids[begin:end]
        for k, (begin, end) in zip(keys.tolist(), pairwise(ends), strict=True)
    }
