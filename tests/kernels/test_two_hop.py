"""Two-hop candidates: the compiled walk against the plain one, and what the door refuses."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, TwoHopCandidates, two_hop_candidates
from graphlearn.kernels.two_hop import candidates_reference


def as_lists(found: TwoHopCandidates) -> list[dict[int, tuple[float, ...]]]:
    lists: list[dict[int, tuple[float, ...]]] = [{} for _ in range(found.rowptr.numel() - 1)]
    columns = [found.owner(), *found[1:]]
    for owner, node, *sums in zip(*(column.tolist() for column in columns), strict=True):
        lists[owner][node] = tuple(sums)
    return lists


def agree(found: TwoHopCandidates, wanted: list[dict[int, tuple[float, ...]]]) -> None:
    lists = as_lists(found)
    assert [list(one) for one in lists] == [list(one) for one in wanted]
    for ours, theirs in zip(lists, wanted, strict=True):
        for node, sums in ours.items():
            np.testing.assert_allclose(sums, theirs[node], rtol=1e-5)


@given(
    st.integers(2, 20), st.integers(0, 60), st.integers(0, 6), st.booleans(), st.integers(0, 2**20)
)
def test_against_the_reference(nodes: int, edges: int, best: int, masked: bool, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    pairs = torch.randint(nodes, (2, edges), generator=generator)
    graph = CSRGraph.from_edge_index(pairs, nodes)
    sources = torch.randint(nodes, (7,), generator=generator)
    options = {
        # Multiples of an eighth: their sums are exact, and so are ties, in any order.
        "weight": torch.randint(1, 8, graph.col.shape, generator=generator) / 8.0,
        "popular": torch.randperm(nodes, generator=generator)[None],
        "take": 2,
        "extra": torch.randint(-1, nodes, (7, 2), generator=generator),
    }
    if masked:
        gone = torch.arange(0, graph.num_edges, 3)
        options["keep"] = graph.without_edges(gone).keep
    for budget in (2**40, 5):
        found = two_hop_candidates(
            graph.rowptr, graph.col, sources, best=best, budget=budget, **options
        )
        if best in (0, 6):  # between them nearly equal sums may be rounded across the border
            wanted = candidates_reference(
                graph.rowptr, graph.col, sources, best=best and 20, budget=budget, **options
            )
            if best == 0:
                agree(found, wanted)
            else:
                for ours, theirs in zip(as_lists(found), wanted, strict=True):
                    assert set(ours) <= set(theirs)


def test_the_best_by_each_sum_with_the_lower_node_among_equals() -> None:
    # 0 - {1, 2}; 1 - {3, 4, 5}; 2 - {6}: all share one neighbor, 6 the rarer one.
    edges = torch.tensor([[0, 0, 1, 1, 1, 2], [1, 2, 3, 4, 5, 6]])
    graph = CSRGraph.from_edge_index(edges, 7)
    found = two_hop_candidates(graph.rowptr, graph.col, torch.tensor([0]), best=1)
    assert found.node.tolist() == [3, 6]  # by count, by weight
    assert found.common.tolist() == [1.0, 1.0]
    assert found.resource_allocation.tolist() == [0.25, 0.5]


def test_threads_change_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    graph = CSRGraph.from_edge_index(torch.randint(3000, (2, 60_000), generator=generator), 3000)
    sources = torch.arange(3000)
    before = torch.get_num_threads()
    try:
        results = []
        for threads in (1, 3):
            torch.set_num_threads(threads)
            results.append(two_hop_candidates(graph.rowptr, graph.col, sources, best=9))
    finally:
        torch.set_num_threads(before)
    for one, other in zip(*results, strict=True):
        assert torch.equal(one, other)


def test_never_the_source_nor_a_neighbor_and_hubs_are_capped() -> None:
    edges = torch.tensor([[0] * 5 + [1, 2], [1, 2, 3, 4, 5, 6, 6]])
    graph = CSRGraph.from_edge_index(edges, 7)
    extra = torch.tensor([[0, 1], [6, -1]])
    found = two_hop_candidates(graph.rowptr, graph.col, torch.tensor([0, 3]), best=9, extra=extra)
    assert [list(one) for one in as_lists(found)] == [[6], [1, 2, 4, 5, 6]]
    capped = two_hop_candidates(graph.rowptr, graph.col, torch.tensor([3]), best=9, budget=4)
    assert capped.node.tolist() == []


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        ({"sources": torch.tensor([3])}, InputError, "sources holds 3"),
        ({"sources": torch.tensor([0.0])}, InputTypeError, "sources has dtype torch.float32"),
        ({"sources": [0]}, InputTypeError, "sources has list"),
        ({"sources": torch.tensor([[0]])}, InputError, "sources has shape"),
        ({"extra": torch.tensor([[-2]])}, InputError, "extra holds -2"),
        ({"extra": torch.tensor([[1], [1]])}, InputError, r"\[1, M\]"),
        ({"keep": torch.ones(3)}, InputError, "keep has shape"),
        ({"best": -1}, InputError, "best is -1"),
        ({"budget": 0}, InputError, "budget is 0"),
    ],
)
def test_refusals(change: dict[str, object], error: type[Exception], text: str) -> None:
    arguments = {
        "rowptr": torch.tensor([0, 1, 3, 4]),
        "col": torch.tensor([1, 0, 2, 1]),
        "sources": torch.tensor([0]),
        "best": 1,
    } | change
    with pytest.raises(error, match=text):
        two_hop_candidates(**arguments)
