"""Contiguous ranges of about equal work."""

from __future__ import annotations

import torch
from torch import Tensor


def cut_ranges(work: Tensor, parts: int) -> Tensor:
    """The part of each node, parts being ranges of ids; O(N).

    A node goes where the middle of its work lies, so that a part is at most the heaviest node above
    its share. No part stays empty, also where few nodes have most of the work.

    Args:
        work: Of each node, positive.
        parts: How many parts, at most as many as nodes.

    Shapes:
        - **work**: ``[N]``; **output**: ``[N]`` int64

    Example:
        >>> cut_ranges(torch.tensor([4, 1, 1, 1, 1]), 2).tolist()
        [0, 1, 1, 1, 1]
    """
    nodes = work.numel()
    if nodes == 0:
        return torch.empty(0, dtype=torch.int64)
    ids = torch.arange(nodes)
    upto = work.double().cumsum(0)
    part = ((upto - work / 2) * (parts / upto[-1])).long()
    # The last nodes leave no part without one, ...
    part = torch.maximum(part, ids - nodes + parts).clamp_(max=parts - 1)
    # ... and part 0 comes first, and the number rises by one at most.
    return torch.minimum(part, ids + torch.cummin(part - ids, 0).values.clamp(max=0))
