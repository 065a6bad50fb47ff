"""The rows a sampler draws from: for every target the sources of its edges."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.sample.cpu_draw import running_weights
from graphlearn.kernels.sample.cpu_rows import (
    count_rows,
    fill_rows,
    first_descent,
    first_unsorted_row,
    sort_rows_by_time,
)
from graphlearn.validate import id_range

Array = NDArray[Any]


def _ids(name: str, ids: Tensor, bound: int) -> Array:
    if ids.dtype not in (torch.int32, torch.int64):
        raise InputTypeError(f"{name} has dtype {ids.dtype}", expected="int32 or int64")
    if ids.numel():
        low, high = id_range(ids)
        if low < 0 or high >= bound:
            raise InputError(
                f"{name} holds node id {low if low < 0 else high}", expected=f"ids in [0, {bound})"
            )
    array: Array = ids.detach().cpu().contiguous().numpy()
    return array


def _column(name: str, values: Any, size: int) -> Array:
    if isinstance(values, np.ndarray):
        values = torch.from_numpy(values)
    if not isinstance(values, Tensor) or values.is_complex():
        kind = values.dtype if isinstance(values, Tensor) else type(values).__name__
        raise InputTypeError(f"{name} is a {kind}", expected="a tensor of real numbers")
    if values.dim() == 2 and values.size(1) == 1:
        values = values[:, 0]
    if list(values.shape) != [size]:
        raise InputError(f"{name} has shape {list(values.shape)}", expected=f"[{size}]")
    if values.dtype == torch.bfloat16:  # which numpy does not know
        values = values.float()
    array: Array = values.detach().cpu().contiguous().numpy()
    return array


def time_column(name: str, times: Tensor, size: int) -> Array:
    """Times as int64 or float64, one for each of ``size`` edges or nodes.

    Raises:
        InputError: If there are more or fewer, or one is NaN.

    Example:
        >>> time_column("time", torch.tensor([3, 1]), 2).tolist()
        [3, 1]
    """
    array = _column(name, times, size)
    if array.dtype.kind == "f":
        if np.isnan(array).any():
            raise InputError(f"{name} holds NaN", expected="a time for each")
        return array.astype(np.float64, copy=False)
    return array.astype(np.int64, copy=False)


@dataclass(frozen=True, eq=False, repr=False)
class NeighborRows:
    """Edges by their target, as a sampler reads them. Build it with :meth:`from_edges`.

    Multi-edges and self-loops are kept: each edge is drawn as itself. Takes ``8 N + 12 E`` bytes
    (``8 E`` of them for the order of the edges), 24 E more with weights, 8 E with times of edges.

    Args:
        rowptr: Where each target's row begins.
        col: The sources.
        perm: Which of the given edges each entry is; None if they came sorted.
        weight: The weight of each entry; None without weights.
        running_weight: Sums of the weights within each row, up to each entry; None without weights.
        positive: How many entries of positive weight come before each entry.
        entry_time: The time of each entry, ascending within a row; None without times of edges.

    Shapes:
        - **rowptr**: ``[N + 1]``; **positive**: ``[E + 1]``; all others: ``[E]``

    Example:
        >>> import torch
        >>> edges = torch.tensor([[3, 1, 2], [0, 2, 0]])
        >>> rows = NeighborRows.from_edges(edges[0], edges[1], num_sources=4, num_targets=3)
        >>> rows.rowptr.tolist(), rows.col.tolist(), rows.perm.tolist()
        ([0, 2, 2, 3], [3, 2, 1], [0, 2, 1])
    """

    rowptr: Array
    col: Array
    perm: Array | None = None
    weight: Array | None = None
    running_weight: Array | None = None
    positive: Array | None = None
    entry_time: Array | None = None

    @property
    def num_targets(self) -> int:
        """Number of rows."""
        return len(self.rowptr) - 1

    @property
    def num_edges(self) -> int:
        """Number of edges."""
        return len(self.col)

    @classmethod
    def from_edges(
        cls,
        source: Tensor,
        target: Tensor,
        *,
        num_sources: int,
        num_targets: int,
        is_sorted: bool = False,
        weight: Tensor | None = None,
        edge_time: Tensor | None = None,
        source_time: Tensor | None = None,
    ) -> NeighborRows:
        """Sort edges by target in O(N + E); with times, each row by time too, O(E log degree).

        Args:
            source: Where messages come from.
            target: Where they go to.
            num_sources: How many nodes sources can be.
            num_targets: How many targets can be.
            is_sorted: Whether edges come sorted by target (and, with times, by time for each
                target). They are then not copied where their dtype allows it, and are checked.
            weight: How likely each edge is drawn, relative to the others of its target; >= 0.
            edge_time: When each edge came to be.
            source_time: When each source came to be, where edges have no times of their own.

        Shapes:
            - **source**, **target**, **weight**, **edge_time**: ``[E]``; **source_time**:
              ``[num_sources]``

        Raises:
            InputTypeError: If ids are not integers.
            InputError: If an id is out of range, lengths differ, a weight is negative or not
                finite, a time is NaN, or edges said to be sorted are not.
        """
        tails, heads = _ids("source", source, num_sources), _ids("target", target, num_targets)
        if len(tails) != len(heads):
            raise InputError(
                f"there are {len(tails)} sources and {len(heads)} targets",
                expected="as many of the one as of the other",
            )
        width = np.int32 if num_sources <= np.iinfo(np.int32).max else np.int64
        rowptr = np.zeros(num_targets + 1, np.int64)
        count_rows(heads, rowptr)
        perm: Array | None = None
        if is_sorted:
            _check_sorted(heads)
            col = tails.astype(width, copy=False)
        else:
            col, perm = np.empty(len(tails), width), np.empty(len(tails), np.int64)
            fill_rows(tails, heads, rowptr, col, perm)
        return cls(rowptr, col, perm)._with(weight, edge_time, source_time, num_sources)

    @classmethod
    def from_rows(
        cls,
        rowptr: Tensor,
        col: Tensor,
        *,
        num_sources: int,
        perm: Tensor | None = None,
        weight: Tensor | None = None,
        edge_time: Tensor | None = None,
        source_time: Tensor | None = None,
    ) -> NeighborRows:
        """Take edges that are in compressed rows already; times then have to be in order.

        Args:
            rowptr: Where each target's row begins.
            col: The sources.
            num_sources: How many nodes sources can be.
            perm: Which of the edges elsewhere each entry is; weights and times are then in the
                order of those.
            weight: As in :meth:`from_edges`.
            edge_time: As in :meth:`from_edges`.
            source_time: As in :meth:`from_edges`.

        Raises:
            InputTypeError: If ids are not integers.
            InputError: If ``rowptr`` does not describe ``col``, or as in :meth:`from_edges`.
        """
        pointers = _ids("rowptr", rowptr, col.numel() + 1).astype(np.int64, copy=False)
        if (
            len(pointers) == 0
            or pointers[0] != 0
            or pointers[-1] != col.numel()
            or bool((np.diff(pointers) < 0).any())
        ):
            raise InputError(
                "rowptr does not describe rows", expected=f"numbers rising from 0 to {col.numel()}"
            )
        sources = _ids("col", col, num_sources)
        order = None if perm is None else _ids("perm", perm, max(1, col.numel()))
        if order is not None and len(order) != len(sources):
            raise InputError(f"perm has shape [{len(order)}]", expected=f"[{len(sources)}]")
        width = np.int32 if num_sources <= np.iinfo(np.int32).max else np.int64
        rows = cls(pointers, sources.astype(width, copy=False), order)
        return rows._with(weight, edge_time, source_time, num_sources, may_sort=False)

    def _with(
        self,
        weight: Tensor | None,
        edge_time: Tensor | None,
        source_time: Tensor | None,
        num_sources: int,
        *,
        may_sort: bool = True,
    ) -> NeighborRows:
        """Put rows in the order of time, and lay weights and times out along them."""
        perm, entry_time = self.perm, None
        if edge_time is not None or source_time is not None:
            if edge_time is not None:
                time = time_column("edge_time", edge_time, self.num_edges)
                time = time.copy() if perm is None else time[perm]
                entry_time = time
            else:
                assert source_time is not None
                time = time_column("source_time", source_time, num_sources)[self.col]
            if perm is not None and may_sort:
                sort_rows_by_time(self.rowptr, self.col, perm, time)
            row = first_unsorted_row(self.rowptr, time)
            if row >= 0:
                raise InputError(
                    f"the edges of target {row} are not in the order of time",
                    expected="edges sorted by target and, for each target, by time",
                    mend="leave is_sorted=False, so that they are sorted here",
                )
        values = total = positive = None
        if weight is not None:
            values = _column("weight", weight, self.num_edges).astype(np.float64, copy=False)
            if not np.isfinite(values).all() or bool((values < 0).any()):
                raise InputError(
                    "an edge's weight is negative, infinite or NaN", expected="finite weights >= 0"
                )
            values = values if perm is None else values[perm]
            total, positive = np.empty(self.num_edges), np.empty(self.num_edges + 1, np.int64)
            running_weights(self.rowptr, values, total, positive)
            if not np.isfinite(total).all():
                raise InputError(
                    "the weights of a target's edges sum to more than a float64 holds",
                    mend="divide all weights by their largest",
                )
        return NeighborRows(self.rowptr, self.col, perm, values, total, positive, entry_time)

    def __repr__(self) -> str:
        extra = "".join(
            f", {name}"
            for name, part in (("weighted", self.positive), ("timed", self.entry_time))
            if part is not None
        )
        return f"{type(self).__name__}({self.num_targets} targets, {self.num_edges} edges{extra})"


def _check_sorted(target: Array) -> None:
    place = first_descent(target)
    if place >= 0:
        raise InputError(
            f"edge {place} has target {target[place]} after {target[place - 1]}",
            expected="edges sorted by target, as is_sorted=True says",
            mend="leave is_sorted=False, so that they are sorted here",
        )
