"""A graph cut twice: among devices, so that few rows travel, and into chunks within each."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlearn.pipeline.partition import (
    NODE_COST,
    Method,
    check_parts,
    node_work,
    partition_nodes,
)
from graphlearn.typing import EdgeIndex

_MOST_MATCHED = 512  # pieces: the table of their connections is as large as its square


def partition_grid(
    edge_index: EdgeIndex,
    num_nodes: int,
    chunks: int,
    ways: int,
    *,
    method: Method = "stream",
    seed: int = 0,
    chunk_of: Tensor | None = None,
    way_of: Tensor | None = None,
    node_cost: int = NODE_COST,
) -> tuple[Tensor, Tensor]:
    """Assign every node to a chunk and a way, each (chunk, way) about the same work.

    The whole graph is cut among ways first, since what they cut is sent in every layer. Then every
    way's nodes are cut into chunks by themselves, and the pieces of the ways are matched so that
    those with many edges between them share a chunk: a chunk then reads less of others. Where
    one of the assignments is given, the other is made within it in the same manner.

    Args:
        edge_index: Checked edges, on the CPU.
        num_nodes: Number of nodes.
        chunks: How many chunks.
        ways: How many ways.
        method: As in :func:`partition_nodes`.
        seed: Seed.
        chunk_of: The chunk of each node, where it is given; checked.
        way_of: The way of each node, where it is given; checked.
        node_cost: How many messages a node's row is worth.

    Returns:
        The chunk and the way of each node.

    Shapes:
        - **edge_index**: ``[2, E]``, int64; **chunk_of**, **way_of**, **output**: ``[N]``, int64

    Raises:
        InputError: If there are more chunks or ways to make than nodes.
        UnknownNameError: If the method is unknown.
        MissingExtraError: If ``"metis"`` is asked for and pymetis is not installed.

    Example:
        >>> path = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> chunk_of, way_of = partition_grid(path, 4, 2, 2, method="range")
        >>> chunk_of.tolist(), way_of.tolist()
        ([0, 1, 0, 1], [0, 0, 1, 1])
    """
    for name, count, given in (("chunks", chunks, chunk_of), ("ways", ways, way_of)):
        if given is None:
            check_parts(count, num_nodes, name=name)
    work = node_work(edge_index, num_nodes, node_cost)
    if way_of is None and chunk_of is not None:
        return chunk_of, _within(edge_index, work, chunk_of, chunks, ways, method, seed)
    if way_of is None:
        way_of = partition_nodes(edge_index, num_nodes, ways, method=method, seed=seed, work=work)
    if chunk_of is None:
        chunk_of = _within(edge_index, work, way_of, ways, chunks, method, seed)
    return chunk_of, way_of


def _within(
    edges: Tensor,
    work: Tensor,
    outer: Tensor,
    num_outer: int,
    num_inner: int,
    method: Method,
    seed: int,
) -> Tensor:
    """Cut the nodes of every outer part into inner ones, and match them with those made before."""
    nodes = outer.numel()
    if num_outer == 1:
        return partition_nodes(edges, nodes, num_inner, method=method, seed=seed, work=work)
    inner = torch.full((nodes,), -1)
    if num_inner == 1:
        return inner.zero_()
    place = torch.empty(nodes, dtype=torch.int64)
    ends = outer[edges]
    for number in range(num_outer):
        ids = (outer == number).nonzero().flatten()
        if not ids.numel():
            continue
        place[ids] = torch.arange(ids.numel())
        both = (ends == number).all(dim=0)
        pieces = min(num_inner, ids.numel())
        piece = partition_nodes(
            place[edges[:, both]], ids.numel(), pieces, method=method, seed=seed, work=work[ids]
        )
        if method != "range" and num_inner <= _MOST_MATCHED:
            crossing = edges[:, (ends == number).sum(dim=0) == 1]
            piece = _matched(piece, place, crossing, outer, number, inner, num_inner)
        inner[ids] = piece
    return inner


def _matched(
    piece: Tensor,
    place: Tensor,
    crossing: Tensor,
    outer: Tensor,
    number: int,
    inner: Tensor,
    num_inner: int,
) -> Tensor:
    """Number pieces so that the most edges lead to nodes of the same number in earlier parts."""
    source, target = crossing
    mine = torch.where(outer[source] == number, source, target)
    label = inner[source + target - mine]
    known = label >= 0  # the other end's part has been cut
    key = piece[place[mine[known]]] * num_inner + label[known]
    table = torch.bincount(key, minlength=num_inner**2).view(num_inner, num_inner)
    from scipy.optimize import linear_sum_assignment  # dear to import, wanted for ways alone

    _, column = linear_sum_assignment(table.numpy(), maximize=True)
    return torch.from_numpy(np.asarray(column, np.int64))[piece]
