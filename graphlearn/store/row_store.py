"""The one protocol of all feature stores: rows of a table, read by index, wherever they lie."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any, Self

import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.store.closable import Closable
from graphlearn.store.traffic import Traffic
from graphlearn.validate import check_num_nodes, id_range

DTYPES: dict[str, torch.dtype] = {
    "float16": torch.float16,
    "bfloat16": torch.bfloat16,
    "float32": torch.float32,
    "float64": torch.float64,
    "uint8": torch.uint8,
    "int8": torch.int8,
    "int16": torch.int16,
    "int32": torch.int32,
    "int64": torch.int64,
    "bool": torch.bool,
}
"""What a row may be made of, by the name that files carry."""


def check_dtype(dtype: Any) -> torch.dtype:
    """Return ``dtype`` if stores hold it.

    Raises:
        InputTypeError: If it is another one, or none at all.

    Example:
        >>> check_dtype(torch.float32)
        torch.float32
    """
    if dtype not in DTYPES.values():
        raise InputTypeError(f"dtype is {dtype}", expected="one of " + ", ".join(DTYPES))
    kept: torch.dtype = dtype
    return kept


def check_index(index: Any, num_rows: int, *, name: str = "index") -> Tensor:
    """Return ``index`` unchanged if it holds row numbers in ``[0, num_rows)``.

    Raises:
        InputTypeError: If it is not a tensor of int32 or int64.
        InputError: If it is not one-dimensional, or a row is out of range (a negative one too).

    Example:
        >>> check_index(torch.tensor([2, 0]), 3).tolist()
        [2, 0]
    """
    if not isinstance(index, Tensor) or index.dtype not in (torch.int32, torch.int64):
        kind = f"dtype {index.dtype}" if isinstance(index, Tensor) else f"{type(index).__name__}"
        raise InputTypeError(f"{name} has {kind}", expected="an int32 or int64 tensor [B]")
    if index.dim() != 1:
        raise InputError(f"{name} has shape {list(index.shape)}", expected="shape [B]")
    if index.numel():
        low, high = id_range(index)
        if low < 0 or high >= num_rows:
            raise InputError(
                f"{name} holds {low if low < 0 else high}", expected=f"rows in [0, {num_rows})"
            )
    return index


class RowStore(Closable, ABC):
    """Rows of a table ``[N, ...]``, read by index.

    A subclass gives :meth:`_gather`; the checks, so that a bad index never reads another row, and
    the buffer for the result are made here. Stores may be read from several threads at once, and
    closed meanwhile: what a subclass releases in :meth:`_release` stays until gathers under way
    have ended, and later ones are refused.

    Args:
        num_rows: How many rows there are.
        row_shape: The shape of one row: ``(C,)`` for features, ``()`` for one number a node.
        dtype: What a row is made of; one of :data:`DTYPES`.
        device: Where gathered rows lie.

    Example:
        >>> class Squares(RowStore):
        ...     def _gather(self, index, out):
        ...         out.copy_(index**2)
        >>> Squares(5, (), torch.int64).gather(torch.tensor([4, 0, 4])).tolist()
        [16, 0, 16]
    """

    in_order = False
    """Whether rows can be asked for in a certain order of batches alone."""

    def __init__(
        self,
        num_rows: int,
        row_shape: tuple[int, ...],
        dtype: torch.dtype,
        device: torch.device | str = "cpu",
    ) -> None:
        super().__init__()
        self.num_rows = check_num_nodes(num_rows, name="num_rows")
        self.row_shape = tuple(check_num_nodes(size, name="row_shape") for size in row_shape)
        self.dtype = check_dtype(dtype)
        self.device = torch.device(device)
        self.traffic = Traffic()

    @property
    def row_bytes(self) -> int:
        """Bytes of one row."""
        return math.prod(self.row_shape) * self.dtype.itemsize

    @property
    def num_bytes(self) -> int:
        """Bytes of all rows."""
        return self.num_rows * self.row_bytes

    def gather(self, index: Tensor, out: Tensor | None = None) -> Tensor:
        """Return the rows of ``index``, in its order; a row may be asked for more than once.

        Args:
            index: Row numbers.
            out: Where to write them; a new tensor (or one from the store's own buffers) if None.

        Shapes:
            - **index**: ``[B]``, int32 or int64; **out** and **output**: ``[B, *row_shape]``,
              contiguous, of the store's dtype, on the store's device

        Raises:
            InputTypeError: If ``index`` is not an integer tensor, or ``out`` has another dtype.
            InputError: If a row is out of range, ``out`` has another shape or device, or the store
                was closed.
        """
        with self._in_use():
            return self._checked_gather(index, out)

    def _checked_gather(self, index: Tensor, out: Tensor | None) -> Tensor:
        index = check_index(index, self.num_rows)
        shape = (index.numel(), *self.row_shape)
        if out is None:
            out = self._empty(shape)
        elif getattr(out, "dtype", None) != self.dtype or not isinstance(out, Tensor):
            kind = getattr(out, "dtype", type(out).__name__)
            raise InputTypeError(f"out is a {kind}", expected=f"a tensor of {self.dtype}")
        elif tuple(out.shape) != shape or not out.is_contiguous() or out.device != self.device:
            raise InputError(
                f"out has shape {list(out.shape)}"
                + ("" if out.is_contiguous() else " (not contiguous)")
                + f" on {out.device}",
                expected=f"a contiguous {list(shape)} on {self.device}",
            )
        if index.numel() and self.row_bytes:
            self._gather(index, out)
        return out

    def rewind(self) -> None:
        """Begin with the first batch again, where rows come in a certain order; else nothing."""
        return

    def read(self, begin: int, end: int) -> Tensor:
        """Rows ``begin`` to ``end``, for a reader that goes through all of them in blocks."""
        return self.gather(torch.arange(begin, end))

    def _empty(self, shape: tuple[int, ...]) -> Tensor:
        return torch.empty(shape, dtype=self.dtype, device=self.device)

    @abstractmethod
    def _gather(self, index: Tensor, out: Tensor) -> None:
        """Write the rows of a checked ``index`` to ``out``, and count them in ``traffic``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def __len__(self) -> int:
        return self.num_rows

    def __repr__(self) -> str:
        row = "×".join(str(size) for size in self.row_shape) or "1"
        kind = str(self.dtype).removeprefix("torch.")
        return f"{type(self).__name__}({self.num_rows} rows of {row} {kind}, {self.device})"
