from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.kernels import NeighborLists, sample_lists
from graphlearn.kernels.intersect.sampling import _sample_tensors


@given(
    st.lists(st.integers(0, 70), min_size=1, max_size=8),
    st.integers(1, 40),
    st.integers(0, 2**31 - 1),
    st.sampled_from([torch.int32, torch.int64]),
)
def test_the_choice_of_the_tensor_path(
    sizes: list[int], limit: int, seed: int, dtype: torch.dtype
) -> None:
    generator = torch.Generator().manual_seed(seed)
    rowptr = torch.tensor([0, *sizes]).cumsum(0)
    node = torch.randint(2**31 - 1, (sum(sizes),), generator=generator).to(dtype)
    lists = NeighborLists(rowptr, node)
    anchor, partner = torch.randint(2**31 - 1, (2, len(sizes)), generator=generator)
    kept, weight = sample_lists(lists, anchor, partner, limit, seed=seed)
    mixed = (seed * 0x1234567) & 0x7FFFFFFFFFFFFFFF
    expected, expected_weight = _sample_tensors(lists, anchor, partner, limit, mixed)
    assert torch.equal(kept.rowptr, expected.rowptr)
    assert torch.equal(kept.node, expected.node)
    assert torch.equal(weight, expected_weight)


def test_equal_hashes_are_decided_by_their_place() -> None:
    # The same node twice has one hash: exactly ``limit`` entries are kept all the same.
    lists = NeighborLists(torch.tensor([0, 6]), torch.tensor([5, 5, 5, 5, 5, 5]))
    end = torch.tensor([1])
    for limit in range(1, 6):
        kept, weight = sample_lists(lists, end, end, limit, seed=3)
        assert kept.counts().tolist() == [limit]
        assert weight.tolist() == [torch.tensor(6 / limit).item()] * limit
