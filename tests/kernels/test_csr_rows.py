from __future__ import annotations

import torch

from graphlearn.kernels import CSRGraph
from graphlearn.kernels.csr_rows import build_rows


def test_the_graph_is_made_of_these_rows() -> None:
    edges = torch.tensor([[2, 0, 1, 1, 2], [1, 1, 2, 1, 0]])
    for undirected in (True, False):
        for loops in (True, False):
            rows = build_rows(edges, 4, undirected=undirected, keep_self_loops=loops)
            graph = CSRGraph.from_edge_index(edges, 4, undirected=undirected, keep_self_loops=loops)
            own = (graph.rowptr, graph.col, graph.edge_id, graph.edge_entries, graph.input_edge)
            assert all(torch.equal(a, b) for a, b in zip(rows, own, strict=True))


def test_rows_worked_by_hand() -> None:
    rowptr, col, edge_id, entries, given = build_rows(
        torch.tensor([[2, 0, 1, 1], [1, 1, 2, 1]]), 4, undirected=True, keep_self_loops=False
    )
    assert (rowptr.tolist(), col.tolist()) == ([0, 1, 3, 4, 4], [1, 0, 2, 1])
    assert edge_id.tolist() == [1, 1, 0, 0]
    assert entries.tolist() == [[2, 3], [0, 1]]
    assert given.tolist() == [0, 1, 0, -1]
