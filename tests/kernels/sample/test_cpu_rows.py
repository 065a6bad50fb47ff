from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.kernels.sample import cpu_rows

edge_lists = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 5), st.integers(0, 3)))


def arrays(edges: list[tuple[int, int, int]]) -> tuple[np.ndarray, ...]:
    source, target, time = np.array(edges, np.int64).reshape(-1, 3).T.copy()
    return source, target, time


def rows_of(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, ...]:
    rowptr = np.zeros(7, np.int64)
    cpu_rows.count_rows(target, rowptr)
    col, perm = np.empty(len(source), np.int32), np.empty(len(source), np.int64)
    cpu_rows.fill_rows(source, target, rowptr, col, perm)
    return rowptr, col, perm


@given(edge_lists)
def test_rows_hold_the_edges_of_their_target_in_their_order(edges) -> None:
    source, target, _ = arrays(edges)
    rowptr, col, perm = rows_of(source, target)
    assert rowptr.tolist() == [0, *np.bincount(target, minlength=6).cumsum()]
    assert perm.tolist() == np.argsort(target, kind="stable").tolist()
    assert col.tolist() == source[perm].tolist()


@given(edge_lists, st.sampled_from([np.int64, np.float64]))
def test_rows_in_the_order_of_time_keep_the_order_of_equal_times(edges, dtype) -> None:
    source, target, time = arrays(edges)
    rowptr, col, perm = rows_of(source, target)
    along = time[perm].astype(dtype)
    unsorted = cpu_rows.first_unsorted_row(rowptr, along)
    falls = [v for v in range(6) if (np.diff(along[rowptr[v] : rowptr[v + 1]]) < 0).any()]
    assert unsorted == (falls[0] if falls else -1)

    cpu_rows.sort_rows_by_time(rowptr, col, perm, along)
    assert perm.tolist() == np.lexsort((np.arange(len(edges)), time, target)).tolist()
    assert along.tolist() == time[perm].tolist()
    assert col.tolist() == source[perm].tolist()
    assert cpu_rows.first_unsorted_row(rowptr, along) == -1


@pytest.mark.parametrize(
    ("target", "place"), [([], -1), ([3], -1), ([0, 0, 2], -1), ([1, 0], 1), ([0, 2, 1, 0], 2)]
)
def test_the_first_descent(target, place) -> None:
    assert cpu_rows.first_descent(np.array(target, np.int64)) == place
