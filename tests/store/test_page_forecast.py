from __future__ import annotations

import numpy as np
import pytest

from graphlearn.store.page_forecast import pages_among_groups, pages_of_rows, pages_per_row


def pages_of(row: int, row_bytes: int) -> set[int]:
    return set(range(row * row_bytes // 4096, ((row + 1) * row_bytes - 1) // 4096 + 1))


@pytest.mark.parametrize("row_bytes", [4, 512, 3000, 4096, 5000, 20_000])
def test_pages_of_rows_that_are_read_for_sure(row_bytes: int) -> None:
    rng = np.random.default_rng(0)
    chance = (rng.random(500) < 0.1).astype(np.float64)
    pages = set().union(*(pages_of(row, row_bytes) for row in np.flatnonzero(chance).tolist()))
    assert pages_of_rows(chance, row_bytes) == pytest.approx(len(pages))


@pytest.mark.parametrize("row_bytes", [512, 3000, 10_000])
def test_pages_on_average(row_bytes: int) -> None:
    rng = np.random.default_rng(0)
    chance = rng.random(60) ** 2
    drawn = [
        len(set().union(*(pages_of(row, row_bytes) for row in np.flatnonzero(batch).tolist())))
        for batch in rng.random((2000, 60)) < chance
    ]
    assert pages_of_rows(chance, row_bytes) == pytest.approx(np.mean(drawn), rel=0.02)


@pytest.mark.parametrize("row_bytes", [1, 100, 512, 4096, 4097, 12_288])
def test_pages_per_row(row_bytes: int) -> None:
    counts = [len(pages_of(row, row_bytes)) for row in range(4096)]
    assert pages_per_row(row_bytes) == pytest.approx(np.mean(counts))


def test_pages_among_groups() -> None:
    chance = np.full(4000, 0.05)
    exact = pages_of_rows(chance, 512)
    assert pages_among_groups(200, 4000, 512) == pytest.approx(exact, rel=0.02)
    assert pages_among_groups(0, 4000, 512) == 0
    assert pages_of_rows(np.empty(0), 512) == 0
