from __future__ import annotations

import torch
from torch import Tensor

from graphlearn.kernels import CSRGraph, common_neighbors, second_order_neighbors
from graphlearn.nn.predictor.structure import NUM_SUMS, structural_sums


def sums_of(graph: CSRGraph, pairs: Tensor, dtype: torch.dtype = torch.float64) -> Tensor:
    second, paths = second_order_neighbors(graph, pairs)
    return structural_sums(graph, pairs, common_neighbors(graph, pairs), second, paths, dtype)


def test_each_sum_against_its_definition(graph: CSRGraph, pairs: Tensor, adjacency) -> None:
    matrix = adjacency(graph)
    neighbors = [set(row.nonzero().flatten().tolist()) for row in matrix]
    found = sums_of(graph, pairs).expm1()
    assert found.shape == (pairs.size(1), NUM_SUMS)
    for row, (i, j) in zip(found, pairs.t().tolist(), strict=True):
        common = [len(neighbors[u]) for u in neighbors[i] & neighbors[j]]
        paths = [
            (len(neighbors[u]), len(neighbors[w]))
            for u in neighbors[i] - {i, j}
            for w in (neighbors[u] & neighbors[j]) - {i, j}
        ]
        linked = int(j in neighbors[i])
        low, high = sorted((len(neighbors[i]) - linked, len(neighbors[j]) - linked))
        expected = [
            len(common),
            sum(1 / torch.tensor(float(d)).double().log().item() for d in common if d > 1),
            sum(1 / d for d in common),
            len(paths),
            sum((u**-0.5 + w**-0.5) / 2 for u, w in paths),
            low * high,
            low,
            high,
        ]
        # Degree 2 has a logarithm in single precision in the loop above.
        torch.testing.assert_close(row, torch.tensor(expected).double(), rtol=1e-6, atol=1e-6)


def test_the_same_from_either_end_and_in_any_company(graph: CSRGraph, pairs: Tensor) -> None:
    together = sums_of(graph, pairs)
    torch.testing.assert_close(sums_of(graph, pairs.flip(0)), together)
    alone = [sums_of(graph, pair) for pair in torch.split(pairs, 1, dim=1)]
    torch.testing.assert_close(torch.cat(alone), together)


def test_whether_a_pair_is_linked_shows_in_what_others_see_alone(graph: CSRGraph) -> None:
    links = graph.edge_pairs()[:, ::5]
    for at in range(links.size(1)):
        pair = links[:, at : at + 1]
        hidden = graph.without_edges(graph.find_edges(pair))
        torch.testing.assert_close(sums_of(hidden, pair), sums_of(graph, pair))


def test_a_link_that_one_end_alone_sees_counts_there(graph: CSRGraph) -> None:
    links = graph.edge_pairs()
    for seed in range(20):
        masked = graph.drop_entries(0.5, torch.Generator().manual_seed(seed))
        sums = sums_of(masked, links).expm1()
        assert bool((sums > -1e-9).all())
        ends = [
            masked.degree()[own[0]] - masked.has_entries(own).long()
            for own in (links, links.flip(0))
        ]
        expected = torch.stack([torch.minimum(*ends), torch.maximum(*ends)], dim=1).double()
        torch.testing.assert_close(sums[:, 6:], expected)


def test_large_counts_in_half_precision() -> None:
    hub = torch.stack([torch.zeros(3000, dtype=torch.int64), torch.arange(2, 3002)])
    both = torch.cat([hub, hub + torch.tensor([[1], [0]])], dim=1)
    graph = CSRGraph.from_edge_index(both, 3002)
    found = sums_of(graph, torch.tensor([[0], [1]]), torch.bfloat16)
    assert found.dtype == torch.bfloat16
    assert float(found[0, 0]) == float(torch.tensor(3001.0).log().bfloat16())
