from __future__ import annotations

import pytest
import torch
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, common_neighbors
from graphlearn.kernels.khop import HopOverlap, WalkOverlap, hop_overlap, walk_overlap
from graphlearn.kernels.khop.overlap import arrays, check_undirected
from graphlearn.kernels.khop.reference import hop_overlap_reference, walk_overlap_reference


def both_directions(graph: CSRGraph) -> bool:
    edges = set(map(tuple, graph.edge_index().t().tolist()))
    return graph.undirected and edges == {(v, u) for u, v in edges}


def some(pairs: Tensor) -> Tensor:
    """The reference takes a search of the whole graph for each pair."""
    return pairs[:, :: max(1, pairs.size(1) // 40)]


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_hops_against_sets(graph, pairs, hops) -> None:
    if not both_directions(graph):
        with pytest.raises(InputError, match="directed"):
            hop_overlap(graph, pairs, hops)
        return
    pairs = some(pairs)
    found, expected = hop_overlap(graph, pairs, hops), hop_overlap_reference(graph, pairs, hops)
    assert isinstance(found, HopOverlap)
    for one, other in zip(found, expected, strict=True):
        assert one.dtype == torch.int32
        assert torch.equal(one, other)


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_walks_against_counters(graph, pairs, hops) -> None:
    if not both_directions(graph):
        with pytest.raises(InputError, match="directed"):
            walk_overlap(graph, pairs, hops)
        return
    pairs = some(pairs)
    found, expected = walk_overlap(graph, pairs, hops), walk_overlap_reference(graph, pairs, hops)
    assert isinstance(found, WalkOverlap)
    for one, other in zip(found, expected, strict=True):
        assert torch.equal(one, other)


def test_one_hop_is_common_neighbors(hub_graph) -> None:
    pairs = hub_graph.edge_pairs()
    counts = hop_overlap(hub_graph, pairs, 1).shared.flatten()
    assert torch.equal(counts.long(), common_neighbors(hub_graph, pairs).counts().long())


def test_turned_pairs_give_the_transpose(large_graph, large_pairs) -> None:
    forward = hop_overlap(large_graph, large_pairs, 2)
    back = hop_overlap(large_graph, large_pairs.flip(0), 2)
    assert torch.equal(forward.shared, back.shared.transpose(1, 2))
    assert torch.equal(forward.source, back.target)


def test_hop_sets_lie_within_the_graph_and_apart(large_graph, large_pairs) -> None:
    found = hop_overlap(large_graph, large_pairs, 3)
    assert (found.source.sum(1) < large_graph.num_nodes).all()
    # What is shared at one distance from the first is at most what lies at that distance.
    assert (found.shared.sum(2) <= found.source).all()
    assert (found.shared.sum(1) <= found.target).all()


def test_results_do_not_depend_on_the_number_of_threads(
    large_graph, large_pairs, one_and_two_threads
) -> None:
    one, two = one_and_two_threads(lambda: hop_overlap(large_graph, large_pairs, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    few = large_pairs[:, :300]
    one, two = one_and_two_threads(lambda: walk_overlap(large_graph, few, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))


def test_a_small_share_of_a_graph_is_searched_and_much_of_it_is_not(
    large_graph, large_pairs, monkeypatch
) -> None:
    from graphlearn.kernels.khop import cpu_balls, cpu_bits

    taken = []
    for module in (cpu_balls, cpu_bits):
        run = module.hop_overlap

        def told(*args, module=module, run=run):
            taken.append(module)
            return run(*args)

        monkeypatch.setattr(module, "hop_overlap", told)
    hop_overlap(large_graph, large_pairs[:, :1], 3)
    hop_overlap(large_graph, large_pairs, 3)
    assert taken == [cpu_balls, cpu_bits]


def test_no_pairs(hub_graph) -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    assert [list(part.shape) for part in hop_overlap(hub_graph, none, 2)] == [
        [0, 2, 2],
        [0, 2],
        [0, 2],
    ]
    assert [list(part.shape) for part in walk_overlap(hub_graph, none, 2)] == [[0, 2, 2], [0, 2]]


@pytest.mark.parametrize("overlap", [hop_overlap, walk_overlap])
def test_bad_input(overlap, hub_graph) -> None:
    pairs = torch.tensor([[0], [1]])
    with pytest.raises(InputError, match="hops is 0"):
        overlap(hub_graph, pairs, 0)
    with pytest.raises(InputError, match="hops is 101"):
        overlap(hub_graph, pairs, 101)
    with pytest.raises(InputTypeError, match="hops"):
        overlap(hub_graph, pairs, 1.5)
    with pytest.raises(InputError, match="pairs holds node id 400"):
        overlap(hub_graph, pairs + 399, 1)
    with pytest.raises(InputTypeError, match="pairs"):
        overlap(hub_graph, pairs.float(), 1)


def test_arrays_are_the_graphs_own(hub_graph) -> None:
    rowptr, col, keep = arrays(check_undirected(hub_graph))
    assert (len(rowptr) - 1, len(col), len(keep)) == (400, hub_graph.col.numel(), 0)
    masked = hub_graph.without_edges(torch.tensor([0]))
    assert int(arrays(masked)[2].sum()) == hub_graph.col.numel() - 2


def test_an_edge_index_is_taken_as_undirected() -> None:
    graph = check_undirected(torch.tensor([[0, 1], [1, 2]]))
    assert isinstance(graph, CSRGraph)
    assert graph.undirected
