"""The embedded dataset is what its card says."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.neighbors import NearestNeighbors

from graphlearn.data import digits_knn, load_card
from graphlearn.data.digits import nearest_neighbor_edges
from graphlearn.errors import InputError, InputTypeError


def test_the_graph_is_the_one_of_the_card() -> None:
    card = load_card("digits-knn")
    data = digits_knn(**card.options)
    assert (data.num_nodes, data.num_edges) == (card.num_nodes, 2 * (card.num_edges or 0))
    assert data.is_undirected()
    assert not data.has_self_loops()
    assert data.x.shape == (1797, card.num_features)
    assert (float(data.x.min()), float(data.x.max())) == (0.0, 1.0)
    assert torch.equal(data.y, torch.from_numpy(load_digits().target).long())


def test_neighbors_agree_with_scikit_learn() -> None:
    # Where two images are equally far the choice may differ, the distance may not.
    points = load_digits().data.astype(np.int64)
    distances = NearestNeighbors(n_neighbors=4).fit(points).kneighbors()[0][:, -1]
    source, target = nearest_neighbor_edges(points, 4).numpy()
    length = np.sqrt(((points[source] - points[target]) ** 2).sum(1))
    assert bool(np.all(length <= np.maximum(distances[source], distances[target]) + 1e-9))
    assert np.bincount(source).min() >= 4


def test_of_equally_near_points_the_lower_number_is_taken() -> None:
    square = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert nearest_neighbor_edges(square, 1).t().tolist() == [
        [0, 1], [0, 2], [1, 0], [1, 3], [2, 0], [3, 1]
    ]  # fmt: skip


@pytest.mark.parametrize("neighbors", [0, -1, 1797])
def test_a_wrong_number_of_neighbors_is_refused(neighbors) -> None:
    with pytest.raises(InputError, match=rf"neighbors is {neighbors}: expected an integer in"):
        digits_knn(neighbors)


@pytest.mark.parametrize("neighbors", [2.0, True, "10"])
def test_a_wrong_type_of_neighbors_is_refused(neighbors) -> None:
    with pytest.raises(InputTypeError, match="neighbors is"):
        digits_knn(neighbors)
