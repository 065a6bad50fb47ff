"""The embedded dataset: scikit-learn's handwritten digits as a nearest-neighbour graph."""

from __future__ import annotations

import numpy as np
import torch
from torch_geometric.data import Data

from graphlearn.data.pyg import from_pyg
from graphlearn.errors import InputError, InputTypeError


def digits_knn(neighbors: int = 10) -> Data:
    """Link each of 1,797 digit images to the images that look most like it; no network needed.

    Distances are Euclidean on the 64 pixels. Two images are linked if either is among the
    ``neighbors`` nearest of the other (the union graph). Of images equally far the one with the
    lower number is nearer, so the graph is the same on every machine.

    Args:
        neighbors: How many nearest images each image chooses.

    Shapes:
        - output: ``x [1797, 64]`` pixels in [0, 1], ``edge_index [2, E]`` both directions,
          ``y [1797]`` the digit

    Raises:
        InputTypeError: If ``neighbors`` is no integer.
        InputError: If ``neighbors`` is not in ``[1, 1796]``.

    Example:
        >>> digits_knn(neighbors=1)
        Data(x=[1797, 64], edge_index=[2, 2800], y=[1797], num_nodes=1797)
    """
    # scikit-learn takes most of a second to import; only this reader needs it.
    from sklearn.datasets import load_digits

    if isinstance(neighbors, bool) or not isinstance(neighbors, int):
        raise InputTypeError(f"neighbors is {neighbors!r}", expected="an integer >= 1")
    digits = load_digits()
    count = len(digits.data)
    if not 1 <= neighbors < count:
        raise InputError(f"neighbors is {neighbors}", expected=f"an integer in [1, {count - 1}]")
    edge_index = nearest_neighbor_edges(digits.data.astype(np.int64), neighbors)
    x = torch.from_numpy(digits.data).float() / 16.0
    y = torch.from_numpy(digits.target).long()
    return from_pyg(Data(x=x, edge_index=edge_index, y=y))


def nearest_neighbor_edges(points: np.ndarray, neighbors: int) -> torch.Tensor:
    """Return both directions of the union k-nearest-neighbour graph of integer points.

    Everything is exact integer arithmetic, and one integer per pair holds distance and then
    number: library versions and threads cannot change which of two equally near points is taken.
    Holds the ``N x N`` distances, so it is for some thousand points.

    Args:
        points: Integer coordinates.
        neighbors: How many points each point chooses, less than ``N``.

    Shapes:
        - ``points``: ``[N, D]``, int64
        - output: ``[2, E]``, int64, sorted

    Example:
        >>> nearest_neighbor_edges(np.array([[0], [1], [5]]), 1)
        tensor([[0, 1, 1, 2],
                [1, 0, 2, 1]])
    """
    count = len(points)
    # A float64 product of small integers is exact, and unlike the integer one it is fast.
    product = (points.astype(np.float64) @ points.T.astype(np.float64)).astype(np.int64)
    square = np.einsum("nd,nd->n", points, points)
    rank = (square[:, None] + square[None, :] - 2 * product) * count + np.arange(count)
    np.fill_diagonal(rank, np.iinfo(np.int64).max)
    nearest = np.argpartition(rank, neighbors - 1, axis=1)[:, :neighbors]
    source = np.repeat(np.arange(count), neighbors)
    target = nearest.reshape(-1)
    keys = np.unique(np.concatenate([source * count + target, target * count + source]))
    return torch.from_numpy(np.stack([keys // count, keys % count]))
