from __future__ import annotations

import torch

from graphlearn.kernels.partition import reference


def test_a_pass_by_hand() -> None:
    # Two pairs and a lone node: partners join, the lone one goes to the lightest part.
    near = reference.neighbor_lists([(0, 1), (2, 3)], 5)
    part, load = [-1] * 5, [0, 0]
    work, order = [1] * 5, [0, 1, 2, 3, 4]
    changed = reference.stream_pass_reference(near, work, order, load, 3.0, 0.1, 2.5, part)
    assert (changed, part, load) == (5, [0, 0, 1, 1, 0], [3, 2])
    assert reference.stream_pass_reference(near, work, order, load, 3.0, 0.1, 2.5, part) == 0


def test_search_by_hand() -> None:
    near = reference.neighbor_lists([(0, 2), (2, 4), (1, 3)], 5)
    assert reference.breadth_first_reference(near, [3, 0, 1, 2, 4]) == [3, 1, 0, 2, 4]


def test_cells_by_hand() -> None:
    cells = reference.compact_cells_reference(
        torch.tensor([2, 2, 1]), torch.tensor([0, 0, 2]), torch.tensor([1, 0, 1]), 2
    )
    assert cells.nodes.tolist() == [1, 0, 2]
    assert cells.rowptr.tolist() == [0, 0, 2, 3]
    assert cells.col.tolist() == [1, 1, 2]
    assert cells.edge.tolist() == [0, 1, 2]
    assert (cells.halo.tolist(), cells.halo_ptr.tolist()) == ([1], [0, 0, 1])
