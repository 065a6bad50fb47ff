from __future__ import annotations

import numpy as np

from graphlearn.kernels.segment import cpu


def test_grouping_is_a_stable_counting_sort() -> None:
    rowptr, order = cpu.group(np.array([2, 0, 2, 1, 0]), 4)
    assert rowptr.tolist() == [0, 2, 3, 5, 5]
    assert order is not None
    assert order.tolist() == [1, 4, 3, 0, 2]


def test_of_a_sorted_index_no_order_is_made() -> None:
    rowptr, order = cpu.group(np.array([1, 1, 3]), 4)
    assert (rowptr.tolist(), order) == ([0, 0, 2, 2, 3], None)
