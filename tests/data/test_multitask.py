from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
import torch

from graphlearn.data import multitask_split
from graphlearn.data.multitask import _caterpillar, _lobster, _random_graph, targets
from graphlearn.errors import InputError


def test_targets_against_networkx() -> None:
    rng = np.random.default_rng(0)
    for _ in range(25):
        adjacency = _random_graph(12, rng)
        graph = nx.from_numpy_array(adjacency)
        x = np.zeros((12, 2))
        x[3, 0], x[:, 1] = 1, rng.random(12)
        nodes, whole = targets(adjacency, x)
        distance = nx.single_source_shortest_path_length(graph, 3)
        assert nodes[:, 0].tolist() == [distance.get(node, 0) for node in range(12)]
        eccentricity = {}
        for component in nx.connected_components(graph):
            eccentricity |= nx.eccentricity(graph.subgraph(component))
        assert nodes[:, 1].tolist() == [eccentricity[node] for node in range(12)]
        laplacian = nx.laplacian_matrix(graph).toarray() @ x[:, 1]
        np.testing.assert_allclose(nodes[:, 2], laplacian, atol=1e-9)
        radius = np.abs(np.linalg.eigvals(adjacency)).max()
        expected = [nx.is_connected(graph), max(eccentricity.values()), radius]
        np.testing.assert_allclose(whole, expected)


def test_drawn_graphs_are_simple_and_of_the_size_asked_for() -> None:
    rng = np.random.default_rng(1)
    for nodes in range(4, 30):
        adjacency = _random_graph(nodes, rng)
        assert adjacency.shape == (nodes, nodes)
        assert (adjacency == adjacency.T).all()
        assert set(np.unique(adjacency)) <= {0, 1}
        assert not adjacency.diagonal().any()


@pytest.mark.parametrize("spine", [1, 3, 9])
def test_caterpillars_and_lobsters_are_trees(spine) -> None:
    for draw in (_caterpillar, _lobster):
        tree = nx.Graph(draw(9, spine, np.random.default_rng(spine)))
        tree.add_nodes_from(range(9))
        assert nx.is_tree(tree)
    legs = nx.Graph(_caterpillar(9, 3, np.random.default_rng(0)))
    inner = [node for node, degree in legs.degree if degree > 1]
    assert set(inner) <= {0, 1, 2}


def test_parts_are_drawn_apart_scaled_and_follow_the_seed() -> None:
    one, again, other = (multitask_split(train=20, valid=5, test=5, seed=s) for s in (0, 0, 1))
    assert one.digest() == again.digest() != other.digest()
    assert len({part.digest() for part in one.parts().values()}) == 3
    for target in (one.train.node_y, one.train.y):
        torch.testing.assert_close(target.abs().amax(dim=0), torch.ones(3))
    assert one.train.x[:, 0].sum() == 20  # a source in each graph
    sizes = one.train.node_ptr.diff()
    assert sizes.min() >= 15
    assert sizes.max() <= 25


def test_bad_sizes_are_refused() -> None:
    with pytest.raises(InputError, match="expected 4 <= least <= most"):
        multitask_split(least_nodes=3)
    with pytest.raises(InputError, match="valid is 0"):
        multitask_split(train=1, valid=0)
