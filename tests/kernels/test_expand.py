from __future__ import annotations

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlearn.kernels import CSRGraph, expand


@given(st.lists(st.integers(0, 50), max_size=40), st.sampled_from([1, 7, 64, 10_000]))
def test_chunks_cover_the_pairs_and_bound_the_work(work: list[int], limit: int) -> None:
    patch = pytest.MonkeyPatch()
    with patch.context() as at:
        at.setattr(expand, "_CHUNK_ENTRIES", limit)
        chunks = expand.chunks(torch.tensor(work, dtype=torch.int64))
    assert [i for begin, end in chunks for i in range(begin, end)] == list(range(len(work)))
    assert all(first[1] == second[0] for first, second in itertools.pairwise(chunks))
    for begin, end in chunks:
        assert begin < end
        assert sum(work[begin : end - 1]) <= limit  # but the last pair of a chunk


def test_entries_of_nodes_are_those_that_the_mask_keeps(graph: CSRGraph) -> None:
    if graph.num_nodes == 0:
        return
    generator = torch.Generator().manual_seed(3)
    keep = torch.rand(graph.col.numel(), generator=generator) < 0.7
    nodes = torch.randint(graph.num_nodes, (50,), generator=generator)
    masked = graph.with_mask(keep)
    owner, entry = expand.entries_of(masked, nodes)
    assert bool(masked.keep[entry].all())  # type: ignore[index]
    assert torch.equal(graph.entry_row[entry].long(), nodes[owner])
    assert torch.equal(torch.bincount(owner, minlength=50), masked.degree()[nodes].long())


def test_lists_of_owners_that_have_none() -> None:
    nodes: Tensor = torch.tensor([4, 2, 9])
    lists = expand.to_lists(torch.tensor([1, 1, 3]), nodes, 5)
    assert lists.tolist() == [[], [4, 2], [], [9], []]
