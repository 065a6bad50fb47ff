from __future__ import annotations

import numpy as np
import pytest

from graphlearn.store.page_forecast import pages_among_groups, pages_of_rows, pages_per_row


def pages_of(row: int, row_bytes: int) -> set[int]:
    return set(range(row * row_bytes // 4096, ((row + 1) * row_bytes - 1) // 4096 + 1))


@pytest.mark.parametrize("row_bytes", [4, 512, 3000, 4096, 5000, 20_000])
def test_pages_of_rows(row_bytes: int) -> None:
    rng = np.random.default_rng(0)
    for share in (0.02, 0.1, 1.0):
        rows = np.flatnonzero(rng.random(500) < share)
        pages = set().union(*(pages_of(row, row_bytes) for row in rows.tolist()))
        assert pages_of_rows(rows, row_bytes) == len(pages)
    assert pages_of_rows(rows[:0], row_bytes) == 0


@pytest.mark.parametrize("row_bytes", [1, 100, 512, 4096, 4097, 12_288])
def test_pages_per_row(row_bytes: int) -> None:
    counts = [len(pages_of(row, row_bytes)) for row in range(4096)]
    assert pages_per_row(row_bytes) == pytest.approx(np.mean(counts))


def test_pages_among_groups() -> None:
    rng = np.random.default_rng(0)
    drawn = [pages_of_rows(np.flatnonzero(rng.random(4000) < 0.05), 512) for _ in range(200)]
    assert pages_among_groups(200, 4000, 512) == pytest.approx(np.mean(drawn), rel=0.02)
    assert pages_among_groups(0, 4000, 512) == 0
