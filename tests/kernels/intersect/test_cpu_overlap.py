from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph
from graphlearn.kernels.intersect import cpu_overlap
from graphlearn.kernels.intersect.reference import overlap_reference

NO_MASK = np.empty(0, np.uint8)
MASKS: dict[str, Callable[[CSRGraph], CSRGraph]] = {
    "none": lambda graph: graph,
    "edges": lambda graph: graph.without_edges(torch.arange(0, graph.num_edges, 3)),
    "entries": lambda graph: graph.drop_entries(0.3, torch.Generator().manual_seed(0)),
    "all": lambda graph: graph.drop_entries(1.0),
}


def check(graph: CSRGraph, pairs: Tensor) -> list[np.ndarray]:
    """Compare with the reference; return the three arrays of nodes."""
    keep = NO_MASK if graph.keep is None else graph.keep.view(torch.uint8).numpy()
    found = cpu_overlap.overlap(graph.rowptr.numpy(), graph.col.numpy(), keep, pairs.numpy())
    for (rowptr, node), expected in zip(found, overlap_reference(graph, pairs), strict=True):
        np.testing.assert_array_equal(rowptr, expected.rowptr.numpy())
        np.testing.assert_array_equal(node, expected.node.numpy())
    return [node for _, node in found]


@pytest.mark.parametrize("mask", MASKS)
def test_hubs_and_masks(hub_graph: CSRGraph, mask: str) -> None:
    pairs = torch.cat([hub_graph.edge_pairs()[:, ::11], torch.tensor([[0, 1], [1, 1]])], dim=1)
    check(MASKS[mask](hub_graph), pairs)


@pytest.mark.parametrize("mask", MASKS)
def test_self_loops_that_are_kept_never_show_an_endpoint(mask: str) -> None:
    generator = torch.Generator().manual_seed(0)
    edge_index = torch.cat(
        [torch.randint(12, (2, 40), generator=generator), torch.arange(12).expand(2, 12)], dim=1
    )
    graph = MASKS[mask](CSRGraph.from_edge_index(edge_index, 12, keep_self_loops=True))
    every = torch.cartesian_prod(torch.arange(12), torch.arange(12)).t().contiguous()
    check(graph, every)


@pytest.mark.parametrize("mask", MASKS)
def test_two_threads_give_the_lists_of_one(
    hub_graph: CSRGraph,
    mask: str,
    threads: Callable[[int], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    threads(2)
    monkeypatch.setattr(cpu_overlap, "thread_count", lambda _: 2)
    check(MASKS[mask](hub_graph), hub_graph.edge_pairs()[:, ::7].contiguous())


@pytest.mark.parametrize(("used", "copied"), [(0, True), (49, True), (50, False), (100, False)])
def test_a_result_does_not_hold_on_to_room_that_was_not_needed(used: int, copied: bool) -> None:
    buffer = np.arange(100)
    shown = cpu_overlap._shown(buffer, used)
    np.testing.assert_array_equal(shown, buffer[:used])
    assert np.shares_memory(shown, buffer) != copied


def test_no_pairs(hub_graph: CSRGraph) -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    assert [len(nodes) for nodes in check(hub_graph, none)] == [0, 0, 0]
