"""Which rows belong together: the grouping that every segment reduction works on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels.eager import run_eagerly
from graphlearn.kernels.segment import cpu
from graphlearn.validate import check_num_nodes, id_range

_INTEGERS = (torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8)


@dataclass(frozen=True, eq=False, repr=False)
class Segments:
    """S segments over E rows, in CSR form; make it once for a fixed graph.

    :meth:`from_index` and :meth:`from_ptr` are the ways to make one. Built directly its tensors are
    checked, in O(E + S), since compiled code trusts them; do not change them afterwards.

    Args:
        rowptr: Where each segment starts.
        order: The row at each place, if rows of a segment do not lie together already; None if
            they do.

    Shapes:
        - **rowptr**: ``[S + 1]`` int64; **order**: ``[E]`` int64

    Raises:
        InputTypeError: If one is no int64 tensor.
        InputError: If ``rowptr`` does not rise from 0, or ``order`` is no order of the E rows.

    Example:
        >>> import torch
        >>> segments = Segments.from_index(torch.tensor([1, 0, 1]), num_segments=3)
        >>> segments
        Segments(segments=3, rows=3, sorted=False)
        >>> segments.rowptr.tolist(), segments.order.tolist()
        ([0, 1, 3, 3], [1, 0, 2])
    """

    rowptr: Tensor
    order: Tensor | None = None

    def __post_init__(self) -> None:
        rowptr: Any = self.rowptr
        order: Any = self.order
        for name, value in (("rowptr", rowptr), ("order", order)):
            if value is None and name == "order":
                continue
            if not isinstance(value, Tensor) or value.dtype != torch.int64 or value.dim() != 1:
                kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
                raise InputTypeError(f"{name} is {kind}", expected="a flat int64 tensor")
        _check_rise(rowptr, "rowptr")
        rows = int(rowptr[-1])
        if order is not None and not torch.equal(
            order.sort().values, torch.arange(rows, device=order.device)
        ):
            raise InputError(
                f"order has {order.numel()} entries", expected=f"each of the {rows} rows once"
            )

    @classmethod
    def _trusted(cls, rowptr: Tensor, order: Tensor | None = None) -> Segments:
        """Make one of tensors that this class has made itself, unchecked."""
        made = object.__new__(cls)
        object.__setattr__(made, "rowptr", rowptr)
        object.__setattr__(made, "order", order)
        return made

    @classmethod
    def from_index(cls, index: Any, num_segments: int | None = None) -> Segments:
        """Group rows by ``index``, stably; O(E + S), and no copy of a sorted index.

        Args:
            index: The segment of every row, in any order.
            num_segments: Number of segments; by default one more than the largest id.

        Shapes:
            - **index**: ``[E]``

        Raises:
            InputTypeError: If ``index`` is no integer tensor.
            InputError: If an id is out of range.
        """
        if not isinstance(index, Tensor) or index.dtype not in _INTEGERS:
            kind = index.dtype if isinstance(index, Tensor) else type(index).__name__
            raise InputTypeError(f"index is {kind}", expected="an integer tensor [E]")
        if index.dim() != 1:
            raise InputError(f"index has shape {list(index.shape)}", expected="shape [E]")
        low, high = id_range(index) if index.numel() else (0, -1)
        if num_segments is None:
            num_segments = high + 1
        num_segments = check_num_nodes(num_segments, name="num_segments")
        if low < 0 or high >= num_segments:
            bad = low if low < 0 else high
            raise InputError(
                f"index holds {bad} at row {int((index == bad).nonzero()[0])}",
                expected=f"segments in [0, {num_segments})",
            )
        if index.device.type == "cpu":
            bounds, places = cpu.group(index.long().numpy(), num_segments)
            order = None if places is None else torch.from_numpy(places)
            return cls._trusted(torch.from_numpy(bounds), order)
        rowptr = index.new_zeros(num_segments + 1, dtype=torch.int64)
        torch.cumsum(torch.bincount(index.long(), minlength=num_segments), 0, out=rowptr[1:])
        if bool((index[1:] >= index[:-1]).all()):
            return cls._trusted(rowptr)
        return cls._trusted(rowptr, torch.argsort(index, stable=True))

    @classmethod
    def from_ptr(cls, ptr: Any, num_rows: int) -> Segments:
        """Take the bounds of segments whose rows lie together.

        Args:
            ptr: Where each segment starts, and the end of the last.
            num_rows: E.

        Shapes:
            - **ptr**: ``[S + 1]``

        Raises:
            InputTypeError: If ``ptr`` is no integer tensor.
            InputError: If it does not rise from 0 to E.
        """
        if not isinstance(ptr, Tensor) or ptr.dtype not in _INTEGERS:
            kind = ptr.dtype if isinstance(ptr, Tensor) else type(ptr).__name__
            raise InputTypeError(f"ptr is {kind}", expected="an integer tensor [S + 1]")
        if ptr.dim() != 1 or ptr.numel() == 0:
            raise InputError(f"ptr has shape {list(ptr.shape)}", expected="shape [S + 1]")
        num_rows = check_num_nodes(num_rows, name="num_rows")
        ptr = ptr.long().clone()  # what the caller does to theirs must not reach compiled code
        if int(ptr[0]) != 0 or int(ptr[-1]) != num_rows:
            raise InputError(
                f"ptr runs from {int(ptr[0])} to {int(ptr[-1])}",
                expected=f"from 0 to {num_rows}, the number of rows",
            )
        _check_rise(ptr, "ptr")
        return cls._trusted(ptr)

    @property
    def num_rows(self) -> int:
        """E."""
        return int(self.rowptr[-1])

    def __len__(self) -> int:
        return self.rowptr.numel() - 1

    def counts(self) -> Tensor:
        """Number of rows of every segment, ``[S]``."""
        return self.rowptr.diff()

    @cached_property
    def row_segment(self) -> Tensor:
        """The segment of every row, ``[E]``: the index again."""
        segment = torch.repeat_interleave(
            torch.arange(len(self), device=self.rowptr.device), self.counts()
        )
        if self.order is None:
            return segment
        return torch.empty_like(segment).index_copy_(0, self.order, segment)

    @cached_property
    def lengths(self) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """Number of rows of every segment, on the CPU."""
        lengths: np.ndarray[tuple[int], np.dtype[np.int64]] = self.counts().cpu().numpy()
        return lengths

    @run_eagerly
    def shuffled(self, generator: torch.Generator | None = None) -> Segments:
        """The same segments with the rows of each in a random order; O(E).

        Args:
            generator: Source of the order, on the CPU; torch's default if None.
        """
        # One random key a row; grouping rows that come in the keys' order groups at random.
        rows = torch.randperm(self.num_rows, generator=generator).to(self.rowptr.device)
        index = self.row_segment[rows]
        if index.device.type == "cpu":
            _, places = cpu.group(index.numpy(), len(self))
            order = rows if places is None else rows[torch.from_numpy(places)]
            return self._trusted(self.rowptr, order)
        return self._trusted(self.rowptr, rows[torch.argsort(index, stable=True)])

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(segments={len(self)}, rows={self.num_rows}, "
            f"sorted={self.order is None})"
        )


def check_segments(segments: Any) -> Segments:
    """Return ``segments``, or raise unless they are :class:`Segments`.

    Raises:
        InputTypeError: If they are something else, such as a bare index.

    Example:
        >>> len(check_segments(Segments.from_index(torch.tensor([0, 0, 1]))))
        2
    """
    if not isinstance(segments, Segments):
        raise InputTypeError(
            f"segments is a {type(segments).__name__}",
            expected="Segments",
            mend="pass Segments.from_index(index, num_segments), or from_ptr(ptr, num_rows)",
        )
    return segments


def _check_rise(ptr: Tensor, name: str) -> None:
    if ptr.numel() == 0 or int(ptr[0]) != 0:
        first = "empty" if ptr.numel() == 0 else int(ptr[0])
        raise InputError(f"{name} starts at {first}", expected="0")
    fall = (ptr[1:] < ptr[:-1]).nonzero()
    if fall.numel():
        at = int(fall[0])
        raise InputError(
            f"{name} falls from {int(ptr[at])} to {int(ptr[at + 1])} at {at + 1}",
            expected="a sequence that never falls",
        )
