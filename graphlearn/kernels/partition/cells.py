"""A graph cut into cells of nodes: the rows of every cell, compactly numbered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.kernels.eager import run_eagerly
from graphlearn.kernels.partition import cpu_cells
from graphlearn.kernels.sample.cpu_rows import count_rows, fill_rows

Array = NDArray[Any]


@dataclass(frozen=True, eq=False)
class Cells:
    """Entries by the cell of their target, then by target, sources numbered within the cell.

    Args:
        nodes: Node ids, by cell, ascending in each.
        node_ptr: Where the nodes of each cell begin.
        rowptr: Where the entries of each node of ``nodes`` begin.
        col: For each entry the row of its source: own nodes of the cell first, then its halo.
        edge: Which of the given edges each entry is; those of one target keep their order.
        halo: Ids of the nodes outside that each cell reads, by cell, ascending in each.
        halo_ptr: Where the halo of each cell begins.

    Shapes:
        - **nodes**: ``[N]``; **node_ptr**, **halo_ptr**: ``[cells + 1]``; **rowptr**: ``[N + 1]``
        - **col**, **edge**: ``[E]``; **halo**: ``[H]``; all int64
    """

    nodes: Tensor
    node_ptr: Tensor
    rowptr: Tensor
    col: Tensor
    edge: Tensor
    halo: Tensor
    halo_ptr: Tensor


def sorted_rows(source: Array, target: Array, rows: int) -> tuple[Array, Array, Array]:
    """``rowptr``, the sources by target, and the edge of each; a stable counting sort, O(E)."""
    rowptr = np.zeros(rows + 1, np.int64)
    count_rows(target, rowptr)
    col, perm = np.empty(len(source), np.int64), np.empty(len(source), np.int64)
    fill_rows(source, target, rowptr, col, perm)
    return rowptr, col, perm


@run_eagerly
def compact_cells(source: Tensor, target: Tensor, cell: Tensor, num_cells: int) -> Cells:
    """Sort edges into the cells of their targets and number each cell's sources from 0.

    O(N + E + cells) by counting sorts, and for each cell min(h log h, N) to put its halo of h nodes
    in order. A cell may be empty; multi-edges and self-loops are entries as any other.

    Args:
        source: Where messages come from.
        target: Where they go to.
        cell: The cell of each node. Like the ids it is trusted: check it where it is made.
        num_cells: How many cells there are.

    Shapes:
        - **source**, **target**: ``[E]``; **cell**: ``[N]``; all int64, on the CPU

    Example:
        >>> cells = compact_cells(
        ...     torch.tensor([2, 0, 3]), torch.tensor([0, 1, 2]), torch.tensor([0, 0, 1, 1]), 2
        ... )
        >>> cells.nodes.tolist(), cells.rowptr.tolist(), cells.col.tolist()
        ([0, 1, 2, 3], [0, 1, 2, 3, 3], [2, 0, 1])
        >>> cells.halo.tolist(), cells.halo_ptr.tolist()
        ([2], [0, 1, 1])
    """
    of_node = cell.contiguous().numpy()
    ids = np.arange(len(of_node))
    node_ptr, nodes, _ = sorted_rows(ids, of_node, num_cells)
    place = np.empty(len(nodes), np.int64)
    cpu_cells.invert(nodes, place)
    heads = place[target.contiguous().numpy()]
    rowptr, col, edge = sorted_rows(source.contiguous().numpy(), heads, len(nodes))
    halo = np.empty(len(col), np.int64)  # at most one an entry; pages not written take no memory
    halo_ptr = np.zeros(num_cells + 1, np.int64)
    used = cpu_cells.number_cells(nodes, node_ptr, rowptr, col, halo, halo_ptr)
    arrays = (nodes, node_ptr, rowptr, col, edge, halo[:used].copy(), halo_ptr)
    return Cells(*(torch.from_numpy(array) for array in arrays))


@run_eagerly
def halo_size(source: Tensor, target: Tensor, part: Tensor, num_parts: int) -> int:
    """Number of pairs (node, another part that it sends to), O(N + E + parts).

    Args:
        source: Where messages come from.
        target: Where they go to.
        part: The part of each node; trusted, as are the ids.
        num_parts: How many parts there are.

    Shapes:
        - **source**, **target**: ``[E]``; **part**: ``[N]``; all int64, on the CPU

    Example:
        >>> edges = torch.tensor([[0, 0, 1], [2, 3, 0]])
        >>> halo_size(edges[0], edges[1], torch.tensor([0, 0, 1, 1]), 2)
        1
    """
    of_node = part.contiguous().numpy()
    heads = of_node[target.contiguous().numpy()]
    part_ptr, tails, _ = sorted_rows(source.contiguous().numpy(), heads, num_parts)
    return int(cpu_cells.count_halo(of_node, part_ptr, tails))
