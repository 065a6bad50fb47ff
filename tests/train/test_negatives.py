from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.train import UniformNegatives, uniform_negatives


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@given(
    num_nodes=st.integers(2, 9),
    chosen=st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=60),
    undirected=st.booleans(),
    loops=st.booleans(),
)
def test_exactly_the_pairs_that_are_no_edges_are_drawn(
    num_nodes: int, chosen: list[tuple[int, int]], undirected: bool, loops: bool
) -> None:
    edges = [(u % num_nodes, v % num_nodes) for u, v in chosen]
    edge_index = torch.tensor(edges, dtype=torch.int64).view(-1, 2).t()
    graph = CSRGraph.from_edge_index(
        edge_index, num_nodes, undirected=undirected, keep_self_loops=loops
    )
    taken = set(edges) | ({(v, u) for u, v in edges} if undirected else set())
    free = {
        (u, v) for u in range(num_nodes) for v in range(num_nodes) if u != v and (u, v) not in taken
    }
    if not free:
        with pytest.raises(InputError, match="links every pair"):
            UniformNegatives(graph)
        return
    negatives = UniformNegatives(graph)
    assert negatives.available == len(free)
    drawn = negatives.draw(2000, seeded())
    assert set(map(tuple, drawn.t().tolist())) == free


def test_every_pair_is_as_likely() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2, 2], [1, 2, 3, 4]]), 6)
    draws = 220_000
    pairs = uniform_negatives(graph, draws, seeded())
    _, counts = torch.unique(pairs[0] * 6 + pairs[1], return_counts=True)
    expected = draws / (6 * 5 - 8)
    assert counts.numel() == 22
    # Five standard deviations of a binomial count.
    assert float((counts - expected).abs().max()) < 5 * expected**0.5


def test_draws_depend_on_the_seed_alone() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 50)
    state = torch.get_rng_state()
    first, again, other = (uniform_negatives(graph, 100, seeded(s)) for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)
    assert first.dtype == torch.int64
    assert first.shape == (2, 100)


def test_a_removed_target_is_no_negative() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]), 3)
    masked = graph.without_edges(torch.tensor([0, 1]))
    assert set(uniform_negatives(masked, 50, seeded()).flatten().tolist()) == {0, 2}


def test_an_empty_draw_an_empty_graph_and_a_negative_count() -> None:
    empty = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 4)
    assert UniformNegatives(empty).available == 12
    assert uniform_negatives(empty, 0, seeded()).shape == (2, 0)
    with pytest.raises(InputError, match="count is -1"):
        uniform_negatives(empty, -1, seeded())
    with pytest.raises(InputError, match="every pair of its 1 nodes"):
        uniform_negatives(CSRGraph.from_edge_index(empty.edge_index(), 1), 1, seeded())
