from __future__ import annotations

import networkx
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from graphlearn.data import load_dataset, ncn_planetoid_split
from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph
from graphlearn.kernels.khop.reference import hop_sets
from graphlearn.topology import local_clustering, topological_concentration
from graphlearn.topology.concentration import NORMALIZERS, hop_weights

SIZES = {
    "source": lambda a, b, both: a,
    "min": lambda a, b, both: min(a, b),
    "mean": lambda a, b, both: (a + b) / 2,
    "geometric": lambda a, b, both: (a * b) ** 0.5,
    "union": lambda a, b, both: a + b - both,
    "product": lambda a, b, both: a * b,
}


def by_sets(
    graph: CSRGraph, neighbors: Tensor | None, weights: list[float], normalizer: str, left: bool
) -> list[float]:
    """The definition, one set at a time."""
    hops = len(weights)
    sets = [hop_sets(graph, node, hops) for node in range(graph.num_nodes)]
    near: list[set[int]] = [set() for _ in range(graph.num_nodes)]
    for u, v in (graph.edge_index() if neighbors is None else neighbors).t().tolist():
        if u != v:
            near[u].add(v)
            near[v].add(u)
    result = []
    for i in range(graph.num_nodes):
        ratios = []
        for j in near[i]:
            part = whole = 0.0
            for k in range(hops):
                for m in range(hops):
                    a, b = len(sets[i][k]), len(sets[j][m])
                    both = len(sets[i][k] & sets[j][m])
                    if left and k == m == 0:
                        a, b = a - 1, b - 1
                    part += weights[k] * weights[m] * both
                    whole += weights[k] * weights[m] * SIZES[normalizer](a, b, both)
            ratios.append(part / whole if whole > 0 else 0.0)
        lonely = len(sets[i][0]) <= int(left)
        result.append(sum(ratios) / len(ratios) if ratios and not lonely else 0.0)
    return result


@given(
    nodes=st.integers(1, 24),
    density=st.floats(0, 4),
    hops=st.integers(1, 3),
    normalizer=st.sampled_from(sorted(NORMALIZERS)),
    own=st.booleans(),
    left=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_against_sets(nodes, density, hops, normalizer, own, left, seed) -> None:
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randint(nodes, (2, int(density * nodes)), generator=generator)
    others = None if own else torch.randint(nodes, (2, nodes), generator=generator)
    graph = CSRGraph.from_edge_index(edges, nodes)
    weights = torch.rand(hops, generator=generator).add(0.1).tolist()
    found = topological_concentration(
        graph,
        others,
        hops=hops,
        beta=weights,
        normalizer=normalizer,
        leave_out_neighbor=left and own,
    )
    expected = by_sets(graph, others, weights, normalizer, left and own)
    torch.testing.assert_close(
        found, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_two_hundred_random_graphs_against_sets(hops) -> None:
    for seed in range(200):
        generator = torch.Generator().manual_seed(seed)
        nodes = int(torch.randint(2, 16, (), generator=generator))
        graph = CSRGraph.from_edge_index(
            torch.randint(nodes, (2, 2 * nodes), generator=generator), nodes
        )
        expected = by_sets(graph, None, [0.5**k for k in range(hops)], "source", False)
        found = topological_concentration(graph, hops=hops, beta=0.5)
        torch.testing.assert_close(
            found, torch.tensor(expected, dtype=torch.float64), rtol=1e-12, atol=1e-12
        )


@pytest.mark.parametrize("name", ["cora", "citeseer"])
@pytest.mark.parametrize("hops", [1, 2, 3])
def test_real_graphs_against_sets(data_root, name, hops) -> None:
    data = load_dataset(name, data_root).data
    graph = CSRGraph.from_edge_index(data.edge_index, data.num_nodes)
    found = topological_concentration(graph, hops=hops, beta=0.25)
    near: list[set[int]] = [set() for _ in range(graph.num_nodes)]
    for u, v in graph.edge_index().t().tolist():
        near[u].add(v)
    sets = []
    for node in range(graph.num_nodes):
        met, last, own = {node}, {node}, []
        for _ in range(hops):
            last = {v for u in last for v in near[u]} - met
            met |= last
            own.append(last)
        sets.append(own)
    weights = [0.25**k for k in range(hops)]
    expected = torch.zeros(graph.num_nodes, dtype=torch.float64)
    for i, around in enumerate(near):
        whole = sum(w * len(own) for w, own in zip(weights, sets[i], strict=True)) * sum(weights)
        for j in around:
            expected[i] += (
                sum(
                    weights[k] * weights[m] * len(sets[i][k] & sets[j][m])
                    for k in range(hops)
                    for m in range(hops)
                )
                / whole
                / len(around)
            )
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_values_of_the_papers_code_on_cora(data_root) -> None:
    """Means over all nodes of NCN's split, seed 0, as the paper's code gives them."""
    split = ncn_planetoid_split(load_dataset("cora", data_root).data, seed=0)
    edges, nodes = split.data.edge_index, split.data.num_nodes
    for hops, train, test in ((1, 0.120, 0.088), (2, 0.301, 0.068), (3, 0.248, 0.081)):
        options = {"hops": hops, "form": "walks", "num_nodes": nodes}
        of_train = topological_concentration(edges, leave_out_neighbor=True, **options)
        of_test = topological_concentration(edges, split.test_pairs, **options)
        assert round(float(of_train.mean()), 3) == train
        assert round(float(of_test.mean()), 3) == test


def test_without_the_neighbor_it_is_networkxs_clustering() -> None:
    other = networkx.karate_club_graph()
    edges = torch.tensor(list(other.edges)).t()
    found = topological_concentration(edges, leave_out_neighbor=True)
    expected = torch.tensor([networkx.clustering(other)[v] for v in range(34)], dtype=torch.float64)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found, local_clustering(edges), rtol=1e-12, atol=1e-12)


def test_walks_of_one_step_are_hops() -> None:
    edges = torch.randint(40, (2, 150), generator=torch.Generator().manual_seed(0))
    others = torch.randint(40, (2, 60), generator=torch.Generator().manual_seed(1))
    for neighbors in (None, others):
        hops = topological_concentration(edges, neighbors, num_nodes=40)
        walks = topological_concentration(edges, neighbors, num_nodes=40, form="walks")
        torch.testing.assert_close(hops, walks, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("form", ["hops", "walks"])
def test_portions_do_not_show(form, monkeypatch) -> None:
    from graphlearn.topology import concentration

    edges = torch.randint(60, (2, 300), generator=torch.Generator().manual_seed(0))
    whole = topological_concentration(edges, hops=2, form=form, num_nodes=60)
    monkeypatch.setattr(concentration, "_PORTION_BYTES", 8 * 8 * 7)
    portions = topological_concentration(edges, hops=2, form=form, num_nodes=60)
    assert torch.equal(whole, portions)


def test_self_loops_repetitions_and_directions_count_for_nothing() -> None:
    edges = torch.randint(20, (2, 60), generator=torch.Generator().manual_seed(0))
    loops = torch.arange(20).repeat(2, 1)
    plain = topological_concentration(edges, hops=2, num_nodes=20)
    more = torch.cat([edges, edges.flip(0), loops], dim=1)
    assert torch.equal(plain, topological_concentration(more, hops=2, num_nodes=20))
    kept = CSRGraph.from_edge_index(more, 20, keep_self_loops=True)
    assert torch.equal(plain, topological_concentration(kept, hops=2))


def test_removed_edges_are_neither_surroundings_nor_neighbors() -> None:
    edges = torch.randint(30, (2, 120), generator=torch.Generator().manual_seed(0))
    graph = CSRGraph.from_edge_index(edges, 30)
    masked = graph.without_edges(torch.arange(0, graph.num_edges, 4))
    rebuilt = CSRGraph.from_edge_index(masked.edge_index(), 30)
    for hops in (1, 2):
        found = topological_concentration(masked, hops=hops)
        torch.testing.assert_close(found, topological_concentration(rebuilt, hops=hops))


def test_isolated_nodes_and_empty_graphs_are_zero() -> None:
    none = torch.empty(2, 0, dtype=torch.int64)
    assert topological_concentration(none, num_nodes=3).tolist() == [0, 0, 0]
    assert topological_concentration(none, num_nodes=0).tolist() == []
    triangle = torch.tensor([[0, 1, 2], [1, 2, 0]])
    assert topological_concentration(triangle, num_nodes=4, hops=2)[3] == 0
    # Node 3 has a neighbor to be, but no surroundings to share with it.
    assert topological_concentration(triangle, torch.tensor([[3], [0]]), num_nodes=4)[3] == 0


def test_relabelling_nodes_relabels_the_result() -> None:
    edges = torch.randint(50, (2, 200), generator=torch.Generator().manual_seed(0))
    order = torch.randperm(50, generator=torch.Generator().manual_seed(1))
    one = topological_concentration(edges, hops=2, num_nodes=50)
    other = topological_concentration(order[edges], hops=2, num_nodes=50)
    torch.testing.assert_close(one, other[order], rtol=1e-12, atol=1e-12)


def test_weights_default_to_powers_of_one_over_the_mean_degree() -> None:
    graph = CSRGraph.from_edge_index(torch.tensor([[0, 0, 0], [1, 2, 3]]))  # mean degree 1.5
    torch.testing.assert_close(
        hop_weights(None, 2, graph), torch.tensor([1, 2 / 3], dtype=torch.float64)
    )
    assert hop_weights(2, 3, graph).tolist() == [1, 2, 4]
    assert hop_weights(torch.tensor([1.0, 0.0]), 2, graph).tolist() == [1, 0]


@pytest.mark.parametrize("form", ["hops", "walks"])
def test_only_ratios_of_the_weights_count(form) -> None:
    edges = torch.randint(40, (2, 150), generator=torch.Generator().manual_seed(0))
    others = torch.randint(40, (2, 60), generator=torch.Generator().manual_seed(1))
    plain = topological_concentration(edges, others, hops=2, beta=[1, 0.5], form=form)
    for scale in (1e-200, 1e200):
        beta = [scale, scale / 2]
        found = topological_concentration(edges, others, hops=2, beta=beta, form=form)
        assert torch.equal(found, plain)
        one = topological_concentration(edges, beta=[scale])
        assert torch.equal(one, topological_concentration(edges, edges, beta=[scale]))


def test_counts_beyond_all_range_are_refused() -> None:
    clique = torch.combinations(torch.arange(1300)).t()
    with pytest.raises(InputError, match="beyond the range of float64"):
        topological_concentration(clique, clique[:, :1], hops=100, form="walks", beta=1.0)


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"hops": 0}, InputError, "hops is 0"),
        ({"hops": True}, InputTypeError, "hops"),
        ({"hops": 2, "beta": [1.0]}, InputError, "beta has 1 weights"),
        ({"hops": 2, "beta": [1.0, -0.5]}, InputError, "beta holds -0.5"),
        ({"beta": -1.0}, InputError, "beta"),
        ({"hops": 2, "beta": [0, 0]}, InputError, "beta is 0 for every hop"),
        ({"beta": float("nan")}, InputError, "beta is nan"),
        ({"beta": "half"}, InputTypeError, "beta is .half.: expected a number"),
        ({"beta": ["a"]}, InputTypeError, "beta"),
        ({"hops": 3, "beta": 1e200}, InputError, "finite 2th power"),
        ({"form": "paths"}, InputError, "form"),
        ({"normalizer": "sorce"}, InputError, "did you mean 'source'"),
        ({"normalizer": [1]}, InputError, "normalizer"),
        ({"leave_out_neighbor": 2}, InputTypeError, "leave_out_neighbor is 2"),
        ({"leave_out_neighbor": None}, InputTypeError, "leave_out_neighbor is None"),
        ({"form": "walks", "normalizer": "min"}, InputError, "normalizer is 'min'"),
        ({"num_nodes": 2}, InputError, "node id 2"),
    ],
)
def test_bad_options(options, error, text) -> None:
    edges = torch.tensor([[0, 1, 2], [1, 2, 0]])
    with pytest.raises(error, match=text):
        topological_concentration(edges, **options)


def test_bad_graphs_and_neighbors() -> None:
    edges = torch.tensor([[0, 1, 2], [1, 2, 0]])
    directed = CSRGraph.from_edge_index(edges, undirected=False)
    with pytest.raises(InputError, match="directed"):
        topological_concentration(directed)
    with pytest.raises(InputError, match="neighbors holds node id 5"):
        topological_concentration(edges, torch.tensor([[0], [5]]))
    with pytest.raises(InputTypeError, match="neighbors"):
        topological_concentration(edges, torch.tensor([[0.0], [1.0]]))
    with pytest.raises(InputError, match="leave_out_neighbor"):
        topological_concentration(edges, edges, leave_out_neighbor=True)
    with pytest.raises(InputError, match="num_nodes is 9"):
        topological_concentration(CSRGraph.from_edge_index(edges), num_nodes=9)
    with pytest.raises(InputTypeError):
        topological_concentration(edges.tolist())
