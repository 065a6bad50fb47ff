from __future__ import annotations

import itertools
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph
from graphlearn.kernels.intersect import cpu
from graphlearn.kernels.intersect.reference import overlap_reference

NO_MASK = np.empty(0, np.uint8)


def arrays(graph: CSRGraph, pairs: Tensor) -> tuple[np.ndarray, ...]:
    keep = NO_MASK if graph.keep is None else graph.keep.view(torch.uint8).numpy()
    return graph.rowptr.numpy(), graph.col.numpy(), keep, pairs.contiguous().numpy()


def ways(graph: CSRGraph, pairs: Tensor) -> tuple[int, int, int]:
    """How many pairs are matched, stamped and searched."""
    rowptr, col, _, numpy_pairs = arrays(graph, pairs)
    parts = cpu._parts(rowptr, col, numpy_pairs)
    order, keys = (np.concatenate(shares) for shares in zip(*parts, strict=True))
    counts = [len(order), 0, 0]
    start = 0
    while start < len(keys):
        _, stop, stamped = cpu._group(rowptr, numpy_pairs, keys, start)
        counts[1 if stamped else 2] += stop - start
        start = stop
    assert sum(counts) == pairs.size(1)
    return counts[0], counts[1], counts[2]


def check(graph: CSRGraph, pairs: Tensor) -> None:
    """Lists, sums and counts against the reference."""
    expected = overlap_reference(graph, pairs)[0].tolist()
    rowptr, node = cpu.common_neighbors(*arrays(graph, pairs))
    assert [node[a:b].tolist() for a, b in itertools.pairwise(rowptr)] == expected
    x = np.random.default_rng(0).normal(size=(graph.num_nodes, 3))
    weight = np.random.default_rng(1).normal(size=graph.num_nodes)
    for factor in (None, weight):
        out, counts = cpu.pooled(*arrays(graph, pairs), x, factor)
        rows = x if factor is None else x * factor[:, None]
        sums = np.stack([rows[nodes].sum(axis=0) for nodes in expected])
        np.testing.assert_allclose(out, sums, atol=1e-12)
        assert counts.tolist() == [len(nodes) for nodes in expected]


MASKS: dict[str, Callable[[CSRGraph], CSRGraph]] = {
    "none": lambda graph: graph,
    "edges": lambda graph: graph.without_edges(torch.arange(0, graph.num_edges, 3)),
    "entries": lambda graph: graph.drop_entries(0.3, torch.Generator().manual_seed(0)),
    "all": lambda graph: graph.drop_entries(1.0),
}


@pytest.mark.parametrize("mask", MASKS)
def test_short_rows_of_every_length_are_matched(degree_graph: CSRGraph, mask: str) -> None:
    # Nodes i and i + 20 have DEGREES[i]; 128 is the last degree that is short.
    short = torch.tensor([i for i in range(40) if degree_graph.degree()[i] <= 128])
    pairs = torch.cartesian_prod(short, short).t()
    assert ways(degree_graph, pairs) == (pairs.size(1), 0, 0)
    check(MASKS[mask](degree_graph), pairs)


@pytest.mark.parametrize("mask", MASKS)
def test_a_hub_used_often_is_stamped(degree_graph: CSRGraph, mask: str) -> None:
    hubs = torch.tensor([i for i in range(40) if degree_graph.degree()[i] > 128])
    pairs = torch.cartesian_prod(hubs, torch.arange(60)).t()
    pairs[:, ::2] = pairs[:, ::2].flip(0)
    assert ways(degree_graph, pairs) == (0, pairs.size(1), 0)
    check(MASKS[mask](degree_graph), pairs)


@pytest.mark.parametrize("mask", MASKS)
def test_a_hub_used_seldom_is_searched(degree_graph: CSRGraph, mask: str) -> None:
    hubs = [i for i in range(40) if degree_graph.degree()[i] > 128]
    small = [i for i in range(20, 40) if degree_graph.degree()[i] < 10]
    pairs = torch.tensor(list(zip(hubs, [*small, 60, 70, 80], strict=False))).t()
    pairs[:, ::2] = pairs[:, ::2].flip(0)
    assert ways(degree_graph, pairs) == (0, 0, pairs.size(1))
    check(MASKS[mask](degree_graph), pairs)


@pytest.mark.parametrize("mask", MASKS)
def test_all_ways_in_one_call(degree_graph: CSRGraph, mask: str) -> None:
    generator = torch.Generator().manual_seed(0)
    pairs = torch.randint(40, 360, (2, 900), generator=generator)
    pairs[0, :300] %= 39  # all hubs but one are used often, and that one once: degree 300 with 1
    pairs = torch.cat([pairs[:, :450], torch.tensor([[39], [1]]), pairs[:, 450:]], dim=1)
    pairs[1, :200] %= 39
    assert all(ways(degree_graph, pairs))
    check(MASKS[mask](degree_graph), pairs)


def test_an_interleaved_row_next_to_a_block(degree_graph: CSRGraph) -> None:
    # Rows that are whole blocks of eight: all even and all odd numbers, runs, and single hits at
    # the first and last place of a block.
    rows = [
        range(0, 64, 2),
        range(1, 64, 2),
        range(64),
        [0, 7, 8, 15, 16, 63],
        [63],
        [0],
        range(40, 48),
        range(41, 49),
    ]
    edges = [(i, 10 + w) for i, row in enumerate(rows) for w in row]
    graph = CSRGraph.from_edge_index(torch.tensor(edges).t(), 80)
    pairs = torch.cartesian_prod(torch.arange(8), torch.arange(8)).t()
    check(graph, pairs)
    check(graph.drop_entries(0.2, torch.Generator().manual_seed(1)), pairs)


def test_equal_endpoints_and_equal_degrees(degree_graph: CSRGraph) -> None:
    # Nodes 19 and 39 both have degree 300: (u, v), (v, u) and (u, u) share one stamped group.
    pairs = torch.tensor([[19, 39, 19, 39, 5], [39, 19, 19, 39, 5]])
    rowptr, col, _, numpy_pairs = arrays(degree_graph, pairs)
    ((order, keys),) = cpu._parts(rowptr, col, numpy_pairs)
    assert order.tolist() == [4]
    assert (keys >> 32).tolist() == [19, 19, 19, 39]
    check(degree_graph, pairs)


def test_buffers_grow(hub_graph: CSRGraph) -> None:
    # The lists of one chunk start with room for 1,024 entries.
    pairs = torch.zeros(2, 300, dtype=torch.int64)
    pairs[1, ::3] = 1
    assert cpu.common_neighbors(*arrays(hub_graph, pairs))[1].size > 20_000
    check(hub_graph, pairs)
    clique = CSRGraph.from_edge_index(torch.combinations(torch.arange(60)).t())
    check(clique, clique.edge_pairs())  # short rows, 102,660 entries
    star = CSRGraph.from_edge_index(
        torch.stack([torch.arange(6000) % 2, torch.arange(6000) // 2 + 2]), 3002
    )
    check(star, torch.tensor([[0, 1, 0], [1, 0, 0]]))  # one row longer than the buffer


def test_a_graph_without_entries_is_not_read() -> None:
    # In plain Python an index that is out of bounds is an error; compiled it would be a read.
    rowptr, col = np.zeros(6, np.int32), np.empty(0, np.int32)
    pairs, order = np.zeros((2, 40), np.int64), np.arange(40)
    assert cpu._touch.py_func(rowptr, col, pairs, order, 0) == 0
    bare = CSRGraph.from_edge_index(torch.empty(2, 0, dtype=torch.int64), 5)
    check(bare, torch.zeros(2, 40, dtype=torch.int64))


def test_the_work_is_cut_for_two_threads(
    large_graph: CSRGraph, large_pairs: Tensor, threads: Callable[[int], None]
) -> None:
    rowptr, col, _, pairs = arrays(large_graph, large_pairs)
    threads(1)
    ((order, keys),) = cpu._parts(rowptr, col, pairs)
    threads(2)
    parts = cpu._parts(rowptr, col, pairs)
    assert len(parts) == 4
    np.testing.assert_array_equal(np.concatenate([few for few, _ in parts]), order)
    np.testing.assert_array_equal(np.concatenate([many for _, many in parts]), keys)
    check(large_graph, large_pairs[:, ::10])  # by hand, one chunk
    _, node = cpu.common_neighbors(*arrays(large_graph, large_pairs))
    lists = overlap_reference(large_graph, large_pairs)[0]
    np.testing.assert_array_equal(node, lists.node.numpy())


def test_more_parts_than_pairs(
    large_graph: CSRGraph, threads: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    threads(2)
    monkeypatch.setattr(cpu, "thread_count", lambda _: 2)
    check(large_graph, torch.tensor([[0, 1, 7], [1, 2, 9]]))


@pytest.mark.parametrize("num_nodes", [1, 2048, 2049, 5_000_000, 2**31 - 2])
def test_keys_are_ordered_by_pivot_and_keep_their_order_within_it(num_nodes: int) -> None:
    generator = np.random.default_rng(0)
    pivots = generator.integers(0, num_nodes, 500)
    pivots[::3] = num_nodes - 1
    keys = (pivots << 32) | np.arange(500)
    np.testing.assert_array_equal(cpu._sort_by_pivot(keys, num_nodes), np.sort(keys))
