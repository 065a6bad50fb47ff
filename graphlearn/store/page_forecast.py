"""How many pages of a file of rows a mini-batch reads, from the chances of its rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from graphlearn.store.file_header import PAGE


def pages_of_rows(chance: NDArray[Any], row_bytes: int) -> float:
    """Pages of the file that hold a row of the batch, each counted once, on average.

    Args:
        chance: For each row the chance that the batch reads it from the file, in the file's order.
        row_bytes: Bytes of a row.

    Shapes:
        - **chance**: ``[N]``

    Example:
        >>> pages_of_rows(np.array([1.0, 1.0, 0.0, 0.5]), 2048)
        1.5
    """
    start = np.arange(len(chance), dtype=np.int64) * row_bytes
    first, last = start // PAGE, (start + row_bytes - 1) // PAGE
    with np.errstate(divide="ignore"):
        missed = np.log1p(-chance)
    log_missed = np.bincount(first, missed, minlength=int(last.max(initial=-1)) + 1)
    spans = last > first
    np.add.at(log_missed, last[spans], missed[spans])
    inner = float(chance @ np.maximum(last - first - 1, 0))  # pages of one row alone
    return float(-np.expm1(log_missed).sum()) + inner


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
