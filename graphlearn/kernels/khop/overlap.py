"""How the surroundings of two nodes overlap: by exact hops, and by walks."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.kernels.csr import CSRGraph, as_graph
from graphlearn.kernels.khop import cpu_balls, cpu_bits, cpu_walks
from graphlearn.kernels.threads import thread_count
from graphlearn.typing import EdgeIndex, Pairs
from graphlearn.validate import check_node_pairs, check_size

_NO_MASK = np.empty(0, np.uint8)
# Nanoseconds of a search step, of one word in a union, and of one word in an intersection, each
# with what comes with it; the ratio of the first to the others decides. `experiments/perf/
# topology.py` prints both ways' times.
_SEARCH_STEP, _UNION_WORD, _SHARED_WORD = 5.0, 0.9, 0.9


class HopOverlap(NamedTuple):
    """What :func:`hop_overlap` gives.

    Args:
        shared: ``[B, K, K]`` int32: how many nodes are at k1 hops from the first and at k2 hops
            from the second node of the pair.
        source: ``[B, K]`` int32: how many are at k hops from the first.
        target: ``[B, K]`` int32: the same of the second.
    """

    shared: Tensor
    source: Tensor
    target: Tensor


class WalkOverlap(NamedTuple):
    """What :func:`walk_overlap` gives.

    Args:
        shared: ``[B, K, K]`` float64: how many walks of k1 steps from the first node end where some
            walk of k2 steps from the second can.
        source: ``[B, K]`` float64: how many walks of k steps leave the first.
    """

    shared: Tensor
    source: Tensor


def hop_overlap(graph: CSRGraph | EdgeIndex, pairs: Pairs, hops: int) -> HopOverlap:
    """Count the nodes at each distance from both nodes of each pair.

    The cheaper of two ways is taken. Searches cost, for each pair, the edges within K - 1 hops of
    its node with the smaller surroundings. Sets of bits cost ``(N / 64) ((K - 1) nnz + K^2 B)``
    word operations whatever the surroundings hold, and 64 (K + 1) N bytes. Either way output is
    ``4 (K^2 + 2 K) B`` bytes: give pairs in portions where that is much. Computed on the CPU; the
    result is where the graph is.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``. Undirected.
        pairs: Node pairs.
        hops: K, the largest distance, at least 1 and at most 100.

    Shapes:
        - **pairs**: ``[2, B]``

    Raises:
        InputTypeError: If ``pairs`` is not an integer tensor, or ``hops`` not an integer.
        InputError: If a shape or id is out of range, or the graph is directed.

    Example:
        >>> import torch
        >>> path = torch.tensor([[0, 1, 2], [1, 2, 3]])
        >>> hop_overlap(path, torch.tensor([[0], [1]]), 2).shared.tolist()
        [[[0, 0], [1, 0]]]
    """
    graph, hops = check_undirected(graph), _check_hops(hops)
    check_node_pairs(pairs, graph.num_nodes, name="pairs")
    rowptr, col, keep = arrays(graph)
    chosen = pairs.long().contiguous().cpu().numpy()
    if chosen.shape[1] == 0:
        sizes = np.empty((2, 0, hops), np.int32)
        return HopOverlap(*_on(graph, np.empty((0, hops, hops), np.int32), sizes[0], sizes[1]))
    steps = cpu_balls.search_steps(rowptr, col, hops)
    blocks = -(-graph.num_nodes // cpu_bits.BLOCK)
    words = cpu_bits.WORDS * blocks
    searching = float(np.minimum(steps[chosen[0]], steps[chosen[1]]).sum()) * _SEARCH_STEP
    unions, meets = (hops - 1) * len(col), hops * hops * chosen.shape[1]
    bits = words * (unions * _UNION_WORD + meets * _SHARED_WORD)
    threads = thread_count(int(min(searching, bits)))
    found = (
        cpu_balls.hop_overlap(rowptr, col, keep, chosen, hops, steps, threads)
        if searching <= bits
        else cpu_bits.hop_overlap(rowptr, col, keep, chosen, hops, threads)
    )
    return HopOverlap(*_on(graph, *found))


def walk_overlap(graph: CSRGraph | EdgeIndex, pairs: Pairs, hops: int) -> WalkOverlap:
    """Count the walks from the first node of each pair that end where walks from the second can.

    Cost: for each pair the edges at the ends of walks of up to K - 1 steps from its second node;
    pairs with the same first node share its walks. 24 K N bytes a thread. Counts are exact up to
    2^53. Computed on the CPU; the result is where the graph is.

    Args:
        graph: The graph, possibly masked; or an ``edge_index``. Undirected.
        pairs: Node pairs.
        hops: K, the greatest number of steps, at least 1 and at most 100.

    Shapes:
        - **pairs**: ``[2, B]``

    Raises:
        InputTypeError: If ``pairs`` is not an integer tensor, or ``hops`` not an integer.
        InputError: If a shape or id is out of range, or the graph is directed.

    Example:
        >>> import torch
        >>> triangle = torch.tensor([[0, 1, 2], [1, 2, 0]])
        >>> overlap = walk_overlap(triangle, torch.tensor([[0], [1]]), 1)
        >>> overlap.shared.tolist(), overlap.source.tolist()
        ([[[1.0]]], [[2.0]])
    """
    graph, hops = check_undirected(graph), _check_hops(hops)
    check_node_pairs(pairs, graph.num_nodes, name="pairs")
    rowptr, col, keep = arrays(graph)
    chosen = pairs.long().contiguous().cpu().numpy()
    steps = cpu_balls.search_steps(rowptr, col, hops)
    threads = thread_count(int(min(steps[chosen[1]].sum(), 1e15)))
    found = cpu_walks.walk_overlap(rowptr, col, keep, chosen, hops, steps, threads)
    return WalkOverlap(*_on(graph, *found))


def check_undirected(graph: CSRGraph | EdgeIndex) -> CSRGraph:
    """Return the graph in compressed rows; an ``edge_index`` is taken as undirected.

    Raises:
        InputError: If it is directed, be it by a mask that keeps one direction of an edge.
    """
    graph = as_graph(graph, None)
    if not graph.undirected:
        raise InputError(
            "the graph is directed",
            expected="an undirected one: hops count along edges in both directions",
            mend="build it with CSRGraph.from_edge_index(edge_index, num_nodes)",
        )
    if graph.keep is not None:
        one, other = graph.keep[graph.edge_entries.long()].unbind(1)
        if not torch.equal(one, other):
            raise InputError(
                "the graph is directed: its mask keeps one direction of some edges",
                expected="both or neither of every edge",
                mend="mask it with without_edges(edge_ids)",
            )
    return graph


def arrays(graph: CSRGraph) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Row pointers, columns and mask as numpy's."""
    keep = _NO_MASK if graph.keep is None else graph.keep.cpu().view(torch.uint8).numpy()
    return graph.rowptr.cpu().numpy(), graph.col.cpu().numpy(), keep


def _check_hops(hops: int) -> int:
    hops = check_size(hops, name="hops")
    if hops > 100:
        raise InputError(f"hops is {hops}", expected="at most 100")
    return hops


def _on(graph: CSRGraph, *found: NDArray[Any]) -> list[Tensor]:
    return [torch.from_numpy(part).to(graph.device) for part in found]
