"""The reader for networkx graphs. networkx is imported when it is called, not before."""

from __future__ import annotations

from typing import Any

import torch
from torch_geometric.data import Data

from graphlearn.data.pyg import from_pyg
from graphlearn.errors import InputError, InputTypeError


def from_networkx(graph: Any, *, features: str | None = None) -> Data:
    """Turn a networkx graph into a PyG ``Data``.

    Nodes are numbered in the graph's own order; ``data.node_ids`` lists the nodes themselves. An
    undirected graph gives both directions of every edge, a directed one its edges as they are;
    parallel edges stay. Edge attributes are left out.

    Args:
        graph: A ``networkx.Graph``, ``DiGraph``, ``MultiGraph`` or ``MultiDiGraph``.
        features: Name of a node attribute that holds a list of numbers at every node.

    Shapes:
        - output: ``edge_index [2, E]``, ``x [N, C]`` if ``features`` is named

    Raises:
        InputTypeError: If ``graph`` is no networkx graph.
        InputError: If it has no edge, or a node lacks the features or has another number of them.

    Example:
        >>> import networkx
        >>> data = from_networkx(networkx.Graph([("ann", "bob"), ("bob", "cem")]))
        >>> data.edge_index.tolist(), data.node_ids
        ([[0, 1, 1, 2], [1, 0, 2, 1]], ['ann', 'bob', 'cem'])
    """
    import networkx as nx

    if not isinstance(graph, nx.Graph):
        raise InputTypeError(f"graph is a {type(graph).__name__}", expected="a networkx graph")
    nodes = list(graph.nodes)
    number = {node: index for index, node in enumerate(nodes)}
    columns = [(number[source], number[target]) for source, target in graph.edges()]
    edges = torch.tensor(columns, dtype=torch.int64).view(-1, 2)
    if not graph.is_directed():
        edges = torch.cat([edges, edges.flip(1)], dim=1).view(-1, 2)
    data = Data(edge_index=edges.t().contiguous(), num_nodes=len(nodes), node_ids=nodes)
    if features is not None:
        data.x = _feature_matrix(graph, nodes, features)
    return from_pyg(data)


def _feature_matrix(graph: Any, nodes: list[Any], features: str) -> torch.Tensor:
    rows: list[list[float]] = []
    for node in nodes:
        if features not in graph.nodes[node]:
            raise InputError(
                f"node {node!r} has no attribute {features!r}", expected="one at every node"
            )
        try:
            rows.append([float(value) for value in graph.nodes[node][features]])
        except (TypeError, ValueError):
            raise InputError(
                f"node {node!r} has {features} = {graph.nodes[node][features]!r}",
                expected="a list of numbers",
            ) from None
        if len(rows[-1]) != len(rows[0]):
            raise InputError(
                f"node {node!r} has {len(rows[-1])} values in {features!r}",
                expected=f"{len(rows[0])}, as at node {nodes[0]!r}",
            )
    return torch.tensor(rows)
