"""The multitask benchmark of principal neighborhood aggregation: random graphs, six targets."""

from __future__ import annotations

import numpy as np
import scipy.sparse
import torch
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components, shortest_path

from graphlearn.data.graph_collection import GraphCollection
from graphlearn.data.graph_split import GraphSplit
from graphlearn.errors import InputError
from graphlearn.validate import check_num_nodes, check_size

NODE_TASKS = ("shortest paths", "eccentricity", "Laplacian features")
GRAPH_TASKS = ("connected", "diameter", "spectral radius")

Array = NDArray[np.float64]


def multitask_split(
    *,
    train: int = 5_120,
    valid: int = 640,
    test: int = 1_280,
    least_nodes: int = 15,
    most_nodes: int = 25,
    seed: int = 0,
) -> GraphSplit:
    """Draw the multitask benchmark of "Principal Neighbourhood Aggregation for Graph Nets"
    (https://arxiv.org/abs/2004.05718, section 4.1).

    Random graphs of ten families, with a uniform feature and a one-hot source node; of each node
    the distance from the source, its eccentricity and its Laplacian feature ``((D - A) x)``; of
    each graph whether it is connected, its diameter and its spectral radius. Distances are within
    the component, as is the diameter (the largest of all components). Targets are divided by
    their largest absolute value in the training part.

    Args:
        train: How many graphs to train on.
        valid: How many to validate on.
        test: How many to test on.
        least_nodes: Least number of nodes.
        most_nodes: Largest number of nodes.
        seed: Of the draws; the parts are drawn apart.

    Shapes:
        - ``x``: ``[N, 2]``: source, feature; ``node_y``: ``[N, 3]``; ``y``: ``[G, 3]``

    Raises:
        InputError: If a number is below 1, or a graph has fewer than 4 nodes.

    Example:
        >>> split = multitask_split(train=4, valid=2, test=2, seed=0)
        >>> split.train.node_y.size(1), split.train.y.size(1)
        (3, 3)
    """
    least, most = check_size(least_nodes, name="least_nodes"), check_size(most_nodes, name="most")
    if not 4 <= least <= most:
        raise InputError(
            f"least_nodes is {least} and most_nodes {most}", expected="4 <= least <= most"
        )
    first = check_num_nodes(seed, name="seed")
    parts = [
        _draw(check_size(count, name=name), least, most, np.random.default_rng([first, number]))
        for number, (name, count) in enumerate((("train", train), ("valid", valid), ("test", test)))
    ]
    node_scale, scale = (
        value.abs().amax(dim=0).clamp(min=1e-12)
        for value in (parts[0].node_y, parts[0].y)
        if value is not None
    )
    for number, part in enumerate(parts):
        assert part.node_y is not None
        assert part.y is not None
        parts[number] = part.replaced(node_y=part.node_y / node_scale, y=part.y / scale)
    of_train, of_valid, of_test = parts
    return GraphSplit(of_train, of_valid, of_test, "mse", rule="multitask", seed=seed)


def _draw(count: int, least: int, most: int, rng: np.random.Generator) -> GraphCollection:
    sizes, edges, edge_counts, features, of_nodes, of_graphs = [], [], [], [], [], []
    for _ in range(count):
        nodes = int(rng.integers(least, most + 1))
        adjacency = _random_graph(nodes, rng)
        x = np.zeros((nodes, 2))
        x[rng.integers(nodes), 0] = 1
        x[:, 1] = rng.random(nodes)
        node_y, graph_y = targets(adjacency, x)
        ends = np.argwhere(adjacency)
        sizes.append(nodes)
        edges.append(ends)
        edge_counts.append(len(ends))
        features.append(x)
        of_nodes.append(node_y)
        of_graphs.append(graph_y)

    def rows(parts: list[Array]) -> torch.Tensor:
        return torch.from_numpy(np.concatenate(parts)).float()

    return GraphCollection(
        torch.from_numpy(np.cumsum([0, *sizes])),
        rows(features),
        y=torch.from_numpy(np.stack(of_graphs)).float(),
        edge_ptr=torch.from_numpy(np.cumsum([0, *edge_counts])),
        edge_index=torch.from_numpy(np.concatenate(edges).T.copy()),
        node_y=rows(of_nodes),
    )


def targets(adjacency: Array, x: Array) -> tuple[Array, Array]:
    """The six targets of one graph, unscaled.

    Args:
        adjacency: Symmetric, of 0 and 1, without self-loops.
        x: First column: 1 at the source; second: the feature.

    Shapes:
        - **adjacency**: ``[n, n]``; **x**: ``[n, 2]``; output: ``[n, 3]`` and ``[3]``

    Example:
        >>> path = np.array([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]])
        >>> nodes, graph = targets(path, np.array([[1, 0.0], [0, 1.0], [0, 0.0]]))
        >>> nodes.tolist(), graph.round(3).tolist()
        ([[0.0, 2.0, -1.0], [1.0, 1.0, 2.0], [2.0, 2.0, -1.0]], [1.0, 2.0, 1.414])
    """
    distance = shortest_path(scipy.sparse.csr_array(adjacency), unweighted=True)
    distance[~np.isfinite(distance)] = 0
    eccentricity = distance.max(axis=1)
    source = int(x[:, 0].argmax())
    laplacian = adjacency.sum(axis=1) * x[:, 1] - adjacency @ x[:, 1]
    components, _ = connected_components(scipy.sparse.csr_array(adjacency))
    radius = np.abs(np.linalg.eigvalsh(adjacency)).max()
    of_nodes = np.stack([distance[source], eccentricity, laplacian], axis=1)
    return of_nodes, np.array([float(components == 1), eccentricity.max(), radius])


def _random_graph(nodes: int, rng: np.random.Generator) -> Array:
    """A graph of one of the benchmark's ten families, in a random order of its nodes."""
    import networkx as nx  # here, so that whoever does not draw graphs does not wait for it

    family = int(rng.integers(10))
    seed = int(rng.integers(2**31))
    side = int(rng.integers(2, max(3, int(np.sqrt(nodes)) + 1)))
    if family == 0:
        graph = nx.gnp_random_graph(nodes, rng.random(), seed=seed)
    elif family == 1:
        graph = nx.barabasi_albert_graph(nodes, int(rng.integers(1, nodes - 1)), seed=seed)
    elif family == 2:
        graph = nx.grid_2d_graph(side, nodes // side)
    elif family == 3:  # a cave in each row of a grid: cliques of a line
        graph = nx.caveman_graph(nodes // side, side)
    elif family == 4:
        graph = nx.from_prufer_sequence(rng.integers(nodes, size=nodes - 2).tolist())
    elif family == 5:
        graph = nx.ladder_graph(nodes // 2)
    elif family == 6:
        graph = nx.path_graph(nodes)
    elif family == 7:
        graph = nx.star_graph(nodes - 1)
    elif family == 8:
        graph = nx.Graph(_caterpillar(nodes, int(rng.integers(1, nodes)), rng))
    else:
        graph = nx.Graph(_lobster(nodes, int(rng.integers(1, nodes)), rng))
    small: Array = nx.to_numpy_array(graph)
    dense = np.zeros((nodes, nodes))  # grids, caves and ladders may fall short by a few nodes
    dense[: len(small), : len(small)] = small
    np.fill_diagonal(dense, 0)
    order = rng.permutation(nodes)
    return dense[np.ix_(order, order)]


def _caterpillar(nodes: int, spine: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Edges of a path of ``spine`` nodes with the others hanging from it."""
    path = [(node, node + 1) for node in range(spine - 1)]
    return path + [(node, int(rng.integers(spine))) for node in range(spine, nodes)]


def _lobster(nodes: int, spine: int, rng: np.random.Generator) -> list[tuple[int, int]]:
    """Edges of a caterpillar with the others hanging from its legs, where it has any."""
    legs = int(rng.integers(spine, nodes + 1))
    edges = _caterpillar(legs, spine, rng)
    first = spine if legs > spine else 0
    return edges + [(node, int(rng.integers(first, legs))) for node in range(legs, nodes)]
