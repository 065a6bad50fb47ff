"""How many pages of a file of rows a mini-batch reads."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from graphlearn.store.file_header import PAGE


def pages_of_rows(rows: NDArray[np.int64], row_bytes: int) -> int:
    """Pages of the file that rows lie on, each counted once.

    Args:
        rows: Row numbers, ascending, each once.
        row_bytes: Bytes of a row.

    Shapes:
        - **rows**: ``[R]``

    Example:
        >>> pages_of_rows(np.array([0, 1, 4]), 2048)
        2
    """
    start = rows * row_bytes
    first, last = start // PAGE, (start + row_bytes - 1) // PAGE
    before = np.concatenate([[-1], last[:-1]])  # last page of the row before
    return int((last - np.maximum(first - 1, before[: len(rows)])).sum())


def pages_per_row(row_bytes: int) -> float:
    """Pages that a row lies on, on average over the rows of a file.

    Example:
        >>> pages_per_row(512), pages_per_row(3072), pages_per_row(4096)
        (1.0, 1.5, 1.0)
    """
    period = PAGE // math.gcd(row_bytes, PAGE)
    start = np.arange(period, dtype=np.int64) * row_bytes
    return float(((start + row_bytes - 1) // PAGE - start // PAGE + 1).mean())


def pages_among_groups(rows: float, num_rows: int, row_bytes: int) -> float:
    """Pages that ``rows`` rows lie on, drawn anywhere among ``num_rows``.

    Example:
        >>> round(pages_among_groups(100, 10**6, 512), 2)
        99.97
    """
    pages = max(1.0, num_rows * row_bytes / PAGE)
    chance = rows / max(1, num_rows)
    if chance >= 1.0:
        return pages
    return pages * -math.expm1(num_rows * pages_per_row(row_bytes) / pages * math.log1p(-chance))
