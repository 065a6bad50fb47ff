"""Undirected node pairs as single integers, so that set questions become sorts and searches.

A pair ``{u, v}`` becomes the key ``min(u, v) * num_nodes + max(u, v)``: both directions of an edge
share one key. Everything here is O(E log E) in time and O(E) in memory.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.typing import EdgeIndex, Pairs

MAX_NODES = 3_037_000_499
"""The largest node count whose squared value fits a signed 64-bit integer."""


def undirected_keys(pairs: Pairs, num_nodes: int) -> Tensor:
    """Return one integer a pair, the same for ``(u, v)`` and ``(v, u)``.

    Args:
        pairs: Node pairs whose ids lie in ``[0, num_nodes)``.
        num_nodes: Number of nodes of the graph.

    Shapes:
        - ``pairs``: ``[2, B]``
        - output: ``[B]``, int64, on the CPU

    Raises:
        InputError: If ``num_nodes`` squared does not fit 64 bits.

    Example:
        >>> undirected_keys(torch.tensor([[0, 2], [2, 0]]), num_nodes=3)
        tensor([2, 2])
    """
    if num_nodes > MAX_NODES:
        raise InputError(f"num_nodes is {num_nodes}", expected=f"at most {MAX_NODES}")
    first, second = pairs.detach().cpu().long()
    return torch.minimum(first, second).mul_(num_nodes).add_(torch.maximum(first, second))


def unique_pairs(edge_index: EdgeIndex, num_nodes: int) -> Pairs:
    """Return the distinct undirected edges ``u < v`` without self-loops, in ascending order.

    The order depends on the set of edges alone, so that a seeded draw from it does not depend on
    how the source happened to list them.

    Args:
        edge_index: Edges in any direction, repeated or not.
        num_nodes: Number of nodes of the graph.

    Shapes:
        - ``edge_index``: ``[2, E]``
        - output: ``[2, P]``, int64

    Example:
        >>> unique_pairs(torch.tensor([[2, 0, 1, 1], [0, 2, 1, 2]]), num_nodes=3)
        tensor([[0, 1],
                [2, 2]])
    """
    keys = undirected_keys(edge_index[:, edge_index[0] != edge_index[1]], num_nodes)
    keys = sorted_unique(keys)
    divisor = max(num_nodes, 1)
    return torch.stack([keys // divisor, keys % divisor])


def sorted_unique(keys: Tensor) -> Tensor:
    """Return the distinct values of a 1-D integer tensor in ascending order.

    Shapes:
        - ``keys``: ``[B]``
        - output: ``[U]`` with ``U <= B``

    Example:
        >>> sorted_unique(torch.tensor([5, 1, 5]))
        tensor([1, 5])
    """
    # numpy's vectorised sort is several times faster than torch.unique on one thread.
    ordered = np.sort(keys.numpy())
    keep = np.ones(ordered.size, dtype=bool)
    np.not_equal(ordered[1:], ordered[:-1], out=keep[1:])
    return torch.from_numpy(ordered[keep])


def contains(ordered: Tensor, keys: Tensor) -> Tensor:
    """Return for each key whether it is among ``ordered``.

    Args:
        ordered: Ascending values.
        keys: Values to look for, in any order.

    Shapes:
        - ``ordered``: ``[S]``
        - ``keys``: ``[B]``
        - output: ``[B]``, bool

    Example:
        >>> contains(torch.tensor([1, 5]), torch.tensor([5, 2]))
        tensor([ True, False])
    """
    if ordered.numel() == 0:
        return torch.zeros(keys.shape, dtype=torch.bool)
    place = torch.searchsorted(ordered, keys).clamp_(max=ordered.numel() - 1)
    return ordered[place] == keys
