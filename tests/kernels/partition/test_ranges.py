from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.kernels.partition import cut_ranges


@given(st.lists(st.integers(1, 50), min_size=1, max_size=30), st.data())
def test_ranges_ascend_and_none_is_empty(work, data) -> None:
    parts = data.draw(st.integers(1, len(work)))
    part = cut_ranges(torch.tensor(work), parts)
    steps = part.diff()
    assert int(part[0]) == 0
    assert int(part[-1]) == parts - 1
    assert bool(((steps == 0) | (steps == 1)).all())


@given(st.lists(st.integers(1, 50), min_size=40, max_size=60), st.integers(1, 4))
def test_no_range_is_more_than_the_heaviest_node_above_its_share(work, parts) -> None:
    part = cut_ranges(torch.tensor(work), parts)
    load = torch.bincount(part, torch.tensor(work).double(), minlength=parts)
    assert float(load.max()) <= sum(work) / parts + max(work)


def test_no_nodes_are_in_no_range() -> None:
    assert cut_ranges(torch.empty(0, dtype=torch.int64), 1).tolist() == []
