"""Non-edges: never an edge, never twice, each equally likely, on empty and on full graphs."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.data.negatives import sample_non_edges, shuffled_non_edges
from graphlearn.errors import InputError


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(
    st.integers(2, 12).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.lists(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=60),
        )
    ),
    st.floats(0, 1),
    st.integers(0, 2**31),
)
def test_drawn_pairs_are_distinct_non_edges(graph, share, seed) -> None:
    num_nodes, edges = graph
    linked = {frozenset(edge) for edge in edges}
    free = {frozenset((u, v)) for v in range(num_nodes) for u in range(v)} - linked
    count = round(share * len(free))
    tensor = torch.tensor(edges, dtype=torch.int64).view(-1, 2).t()
    drawn = sample_non_edges(tensor, num_nodes, count, generator(seed))
    assert drawn.shape == (2, count)
    assert bool((drawn[0] < drawn[1]).all())
    pairs = {frozenset(pair) for pair in drawn.t().tolist()}
    assert len(pairs) == count
    assert pairs <= free


def test_every_non_edge_is_equally_likely() -> None:
    # 45 pairs of 10 nodes, 5 of them edges; 4 of the 40 others are drawn, 4,000 times.
    edges = torch.tensor([[0, 1, 2, 3, 8], [1, 2, 3, 4, 9]])
    source, hits = generator(), torch.zeros(10, 10)
    for _ in range(4000):
        u, v = sample_non_edges(edges, 10, 4, source)
        hits[u, v] += 1
    drawn = hits[hits > 0]
    assert drawn.numel() == 40
    # Each is drawn 400 times in the mean, with standard deviation 19.
    assert drawn.min() > 310
    assert drawn.max() < 490


def test_a_graph_that_lacks_one_edge_gives_that_one() -> None:
    pairs = torch.triu_indices(200, 200, offset=1)
    missing = 12345
    kept = torch.arange(pairs.size(1)) != missing
    drawn = sample_non_edges(pairs[:, kept], 200, 1, generator())
    assert drawn[:, 0].tolist() == pairs[:, missing].tolist()


def test_too_dense_a_graph_is_refused_with_the_count() -> None:
    pairs = torch.triu_indices(5, 5, offset=1)
    with pytest.raises(InputError, match="has 0 unlinked pairs: expected at least 1"):
        sample_non_edges(pairs, 5, 1, generator())


def test_the_largest_pair_numbers_are_inverted_exactly() -> None:
    # Square roots of numbers this large are not exact in floating point.
    num_nodes = 3_000_000_000
    drawn = sample_non_edges(torch.empty(2, 0, dtype=torch.int64), num_nodes, 1000, generator())
    assert bool((drawn >= 0).all())
    assert bool((drawn[0] < drawn[1]).all())
    assert int(drawn.max()) < num_nodes


def test_the_draw_depends_on_the_generator_alone() -> None:
    edges = torch.tensor([[0], [1]])
    state = torch.get_rng_state()
    first = sample_non_edges(edges, 1000, 50, generator(3))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first, sample_non_edges(edges.flip(0), 1000, 50, generator(3)))
    assert not torch.equal(first, sample_non_edges(edges, 1000, 50, generator(4)))


def test_the_shuffle_of_non_edges_is_that_of_the_upper_triangle() -> None:
    edges = torch.randint(30, (2, 80), generator=generator(1))
    free = torch.ones(30, 30, dtype=torch.bool).triu(diagonal=1)
    free[edges[0], edges[1]] = free[edges[1], edges[0]] = False
    rows = free.nonzero()
    shuffled = rows[torch.randperm(rows.size(0), generator=generator(2))]
    drawn = shuffled_non_edges(edges, 30, 40, generator(2))
    assert torch.equal(drawn, shuffled[:40].t())
    with pytest.raises(InputError, match="unlinked pairs: expected at least 1000"):
        shuffled_non_edges(edges, 30, 1000, generator(2))
