"""Keeps at most k entries of every list, chosen by a hash so that a pair's choice is its own."""

from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.intersect.cpu_sampling import choose
from graphlearn.kernels.lists import NeighborLists
from graphlearn.validate import check_size

_MIX_A, _MIX_B = -4658895280553007687, -7723592293110705685  # splitmix64, as signed integers


def _mix(value: Tensor) -> Tensor:
    """splitmix64's finalizer; arithmetic shifts are made logical by a mask."""
    value = (value ^ ((value >> 30) & 0x3FFFFFFFF)) * _MIX_A
    value = (value ^ ((value >> 27) & 0x1FFFFFFFFF)) * _MIX_B
    return value ^ ((value >> 31) & 0x1FFFFFFFF)


def sample_lists(
    lists: NeighborLists, anchor: Tensor, partner: Tensor, limit: int, *, seed: int
) -> tuple[NeighborLists, Tensor]:
    """Keep ``limit`` uniformly chosen entries of each longer list, with weights ``length / kept``.

    The choice is a hash of (seed, anchor, partner, entry): it does not depend on the other lists
    beside it, nor on their order. O(K) time and memory on the CPU.

    Args:
        lists: The lists, one a pair.
        anchor: The endpoint whose neighborhood each list is part of.
        partner: The other endpoint.
        limit: Most entries to keep of a list.
        seed: Another seed makes another choice.

    Shapes:
        - **anchor**, **partner**: ``[B]``; **output**: B lists, and ``[K']`` float32 weights that
          make a sum over the kept entries an unbiased estimate of the sum over all

    Raises:
        InputTypeError: If ``limit`` or ``seed`` is not an integer.
        InputError: If ``limit`` is below 1, or there is not one endpoint for each list.

    Example:
        >>> import torch
        >>> lists = NeighborLists(torch.tensor([0, 4, 5]), torch.arange(5))
        >>> anchor, partner = torch.tensor([8, 9]), torch.tensor([7, 7])
        >>> kept, weight = sample_lists(lists, anchor, partner, 2, seed=0)
        >>> kept.counts().tolist(), weight.tolist()
        ([2, 1], [2.0, 2.0, 1.0])
    """
    limit = check_size(limit, name="limit")
    if isinstance(seed, bool) or not hasattr(seed, "__index__"):
        raise InputTypeError(f"seed is {seed!r}", expected="an integer")
    for name, ends in (("anchor", anchor), ("partner", partner)):
        if ends.is_floating_point() or ends.shape != (len(lists),):
            raise InputError(
                f"{name} has dtype {ends.dtype} and shape {list(ends.shape)}",
                expected=f"integers of shape [{len(lists)}], one for each list",
            )
    seed = (seed * 0x1234567) & 0x7FFFFFFFFFFFFFFF
    counts = lists.counts()
    if lists.node.numel() == 0 or int(counts.max()) <= limit:
        return lists, torch.ones(lists.node.numel(), device=counts.device)
    if counts.device.type == "cpu":
        found = choose(
            lists.rowptr.numpy(),
            lists.node.numpy(),
            anchor.long().numpy(),
            partner.long().numpy(),
            limit,
            seed,
        )
        rowptr, node, weight = (torch.from_numpy(part) for part in found)
        return NeighborLists(rowptr, node), weight
    return _sample_tensors(lists, anchor, partner, limit, seed)


def _sample_tensors(
    lists: NeighborLists, anchor: Tensor, partner: Tensor, limit: int, seed: int
) -> tuple[NeighborLists, Tensor]:
    """The same choice by torch operations on any device; O(K log K)."""
    counts, row = lists.counts(), lists.rows()
    pair_key = _mix(_mix(anchor.long() + seed) ^ partner.long())
    key = _mix(pair_key[row] ^ lists.node.long())
    # One sort by (list, 32 bits of the hash); the rare ties stay in the order of the list.
    order = torch.argsort((row << 32) | (key & 0xFFFFFFFF), stable=True)
    rank = torch.arange(row.numel(), device=row.device) - lists.rowptr[:-1][row]
    chosen = torch.zeros(row.numel(), dtype=torch.bool, device=row.device)
    chosen[order[rank < limit]] = True  # row[order] is row: ranks follow the sorted order
    kept_counts = counts.clamp(max=limit)
    rowptr = torch.zeros_like(lists.rowptr)
    rowptr[1:] = kept_counts.cumsum(0)
    weight = (counts / kept_counts.clamp(min=1)).float()[row[chosen]]
    return NeighborLists(rowptr, lists.node[chosen]), weight
