from __future__ import annotations

import networkx
import torch

from graphlearn.kernels import CSRGraph
from graphlearn.kernels.khop.reference import (
    edge_triangles_reference,
    hop_overlap_reference,
    hop_sets,
    walk_overlap_reference,
)


def test_hop_sets_are_networkxs_distances() -> None:
    other = networkx.karate_club_graph()
    graph = CSRGraph.from_edge_index(torch.tensor(list(other.edges)).t())
    for root in (0, 9, 33):
        distance = networkx.single_source_shortest_path_length(other, root)
        expected = [{v for v, d in distance.items() if d == k} for k in (1, 2, 3)]
        assert hop_sets(graph, root, 3) == expected


def test_overlaps_worked_by_hand() -> None:
    # 0 - 1 - 2 - 3 and the chord 1 - 3.
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 1, 2, 1], [1, 2, 3, 3]]))
    pairs = torch.tensor([[0], [2]])
    found = hop_overlap_reference(graph, pairs, 2)
    assert found.shared.tolist() == [[[1, 0], [1, 0]]]
    assert (found.source.tolist(), found.target.tolist()) == ([[1, 2]], [[2, 1]])
    walks = walk_overlap_reference(graph, pairs, 2)
    # Two steps from 0 end at 0, 2 or 3; from 2 at 2 (twice), 3, 0 and 1.
    assert walks.source.tolist() == [[1, 3]]
    assert walks.shared.tolist() == [[[1, 1], [1, 3]]]
    assert edge_triangles_reference(graph).tolist() == [0, 1, 1, 1]
