from __future__ import annotations

import numpy as np
import pytest

from graphlearn.kernels.partition import cpu_cells


def test_invert_says_where_each_item_stands() -> None:
    place = np.empty(3, np.int64)
    cpu_cells.invert(np.array([2, 0, 1]), place)
    assert place.tolist() == [1, 2, 0]


@pytest.mark.parametrize("nodes", [12, 5000])  # a look at all nodes is less there, a sort here
def test_the_halo_ascends_either_way_it_is_put_in_order(nodes) -> None:
    order, node_ptr = np.arange(nodes), np.array([0, 2, 2, nodes])
    rowptr = np.zeros(nodes + 1, np.int64)
    rowptr[1], rowptr[2:] = 3, 6
    col = np.array([9, 1, 4, 9, 0, 11])
    halo, halo_ptr = np.empty(6, np.int64), np.zeros(4, np.int64)
    used = cpu_cells.number_cells(order, node_ptr, rowptr, col, halo, halo_ptr)
    assert halo[:used].tolist() == [4, 9, 11]
    assert halo_ptr.tolist() == [0, 3, 3, 3]
    assert col.tolist() == [3, 1, 2, 3, 0, 4]  # own nodes are rows 0 and 1


def test_a_node_outside_counts_once_for_every_part_it_sends_to() -> None:
    part = np.array([0, 0, 1, 2])
    # Parts 0, 1, 2 receive from these.
    source, part_ptr = np.array([2, 2, 1, 2, 0, 0, 1]), np.array([0, 3, 4, 7])
    assert cpu_cells.count_halo(part, part_ptr, source) == 1 + 0 + 2
