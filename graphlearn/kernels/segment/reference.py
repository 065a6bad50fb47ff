"""Segment reductions as their definitions read, one segment at a time. The oracle of the tests."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from graphlearn.kernels.segment.segments import Segments


def rows_of(segments: Segments) -> list[list[int]]:
    """The rows of every segment, in order."""
    places = torch.arange(segments.num_rows) if segments.order is None else segments.order
    return [places[a:b].tolist() for a, b in pairwise(segments.rowptr.tolist())]


def segment_reduce_reference(values: Tensor, segments: Segments, reduce: str) -> Tensor:
    """``"sum"``, ``"mean"`` or ``"max"`` of the rows of every segment; 0 where there are none."""
    empty = values.new_zeros(values.shape[1:])
    results = []
    for rows in rows_of(segments):
        part = values[rows]
        if not rows:
            results.append(empty)
        elif reduce == "max":
            results.append(part.max(dim=0).values)
        else:
            results.append(part.sum(dim=0) if reduce == "sum" else part.mean(dim=0))
    return torch.stack(results) if results else values[:0]


def segment_softmax_reference(values: Tensor, segments: Segments) -> Tensor:
    """Softmax over the rows of every segment, channel by channel."""
    out = torch.zeros_like(values)
    for rows in rows_of(segments):
        if rows:
            out = out.index_copy(0, torch.tensor(rows), torch.softmax(values[rows], dim=0))
    return out


def tree_reduce_reference(
    values: Tensor,
    segments: Segments,
    merge: Callable[[Tensor, Tensor], Tensor],
    identity: Tensor,
    *,
    shape: str = "balanced",
    pad_odd: bool = False,
) -> Tensor:
    """Merge the rows of each segment two by two, one merge at a time."""
    results = []
    for rows in rows_of(segments):
        left = [values[row] for row in rows] or [identity]
        while len(left) > 1:
            if shape == "chain":
                left = [merge(left[0], left[1]), *left[2:]]
                continue
            merged = [merge(a, b) for a, b in zip(left[::2], left[1::2], strict=False)]
            if len(left) % 2:
                merged.append(merge(left[-1], identity) if pad_odd else left[-1])
            left = merged
        results.append(left[0])
    return torch.stack(results) if results else values[:0]
