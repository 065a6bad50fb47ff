"""Which rows lie in which tier, and where in it: one small number a row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.validate import check_num_nodes


def check_scores(scores: Any, num_rows: int) -> NDArray[Any]:
    """Return scores as an array if there is one for each row, finite and at least 0.

    Raises:
        InputTypeError: If they are no tensor of numbers.
        InputError: If there are more or fewer, or one is negative, infinite or NaN.

    Example:
        >>> check_scores(torch.tensor([2, 0]), 2).tolist()
        [2, 0]
    """
    if not isinstance(scores, Tensor) or scores.dtype == torch.bool or scores.is_complex():
        kind = f"dtype {scores.dtype}" if isinstance(scores, Tensor) else type(scores).__name__
        raise InputTypeError(f"scores has {kind}", expected="a tensor of numbers [N]")
    if list(scores.shape) != [num_rows]:
        raise InputError(
            f"scores has shape {list(scores.shape)} and there are {num_rows} rows",
            expected=f"[{num_rows}]: features and graph are of different length",
            mend="score the graph whose nodes the rows belong to, with its num_nodes",
        )
    values = scores.detach().cpu()
    if values.dtype in (torch.float16, torch.bfloat16):
        values = values.float()
    array: NDArray[Any] = values.numpy()
    wrong = ~(np.isfinite(array) & (array >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise InputError(f"scores holds {array[row]} for row {row}", expected="finite scores >= 0")
    return array


def rows_in_budget(budget: Any, row_bytes: int, num_rows: int, *, name: str) -> int:
    """How many of ``num_rows`` rows a budget holds.

    Args:
        budget: Bytes.
        row_bytes: Bytes of a row.
        num_rows: How many rows there are.
        name: What the budget is called, for the error text.

    Raises:
        InputTypeError: If the budget is no integer.
        InputError: If it is negative, or above 0 and below one row.

    Example:
        >>> rows_in_budget(1000, 16, 50, name="host_bytes")
        50
    """
    size = check_num_nodes(budget, name=name)
    if 0 < size < row_bytes:
        raise InputError(f"{name} is {size}", expected=f"at least one row, {row_bytes} bytes, or 0")
    return min(size // max(1, row_bytes), num_rows)


def hottest_rows(scores: NDArray[Any], count: int) -> NDArray[np.int64]:
    """The rows of the ``count`` largest scores, ascending; of equal ones the first. O(N).

    Example:
        >>> hottest_rows(np.array([1.0, 5.0, 1.0, 7.0]), 3).tolist()
        [0, 1, 3]
    """
    if count <= 0:
        return np.empty(0, np.int64)
    if count >= len(scores):
        return np.arange(len(scores))
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    chosen = scores > least
    chosen[np.flatnonzero(scores == least)[: count - int(chosen.sum())]] = True
    return np.flatnonzero(chosen)


class RowPlaces:
    """The map from a row to its slot: tiers stand one behind the other, ascending ids in each.

    One int32 a row (int64 from 2^31 rows on). Slots ``[bounds[t], bounds[t + 1])`` are those of
    tier t; rows of no tier have the number after the last slot.

    Args:
        scores: Checked scores.
        sizes: How many rows each tier holds; the hottest rows go to the first.

    Shapes:
        - **scores**: ``[N]``

    Example:
        >>> places = RowPlaces(np.array([1.0, 5.0, 3.0, 7.0]), [1, 2])
        >>> [rows.tolist() for rows in places.rows], places.slots(torch.arange(4)).tolist()
        ([[3], [1, 2]], [3, 1, 2, 0])
    """

    def __init__(self, scores: NDArray[Any], sizes: Sequence[int]) -> None:
        num_rows = len(scores)
        self.rows: list[NDArray[np.int64]] = []
        self.bounds = [0]
        width = np.int32 if num_rows < 2**31 - 1 else np.int64
        total = min(sum(sizes), num_rows)
        place = np.full(num_rows, total, width)
        for size in sizes:
            end = min(self.bounds[-1] + size, total)
            rows = hottest_rows(scores, end)
            rows = rows[place[rows] == total]  # not those that a tier above has
            place[rows] = np.arange(self.bounds[-1], end, dtype=width)
            self.rows.append(rows)
            self.bounds.append(end)
        self._place = torch.from_numpy(place)

    @property
    def num_bytes(self) -> int:
        """Bytes of the map."""
        return self._place.nbytes

    def slots(self, index: Tensor) -> Tensor:
        """The slot of every row of ``index``, ``[B]``."""
        return self._place.index_select(0, index)

    def __repr__(self) -> str:
        sizes = [len(rows) for rows in self.rows]
        return f"{type(self).__name__}({self._place.numel()} rows, {sizes} in tiers)"
