"""The reader for a graph that is already a PyG ``Data``: what PyG lets pass is checked here.

PyG's own ``Data.validate()`` accepts NaN features, a float ``edge_index`` and edge attributes of
the wrong length; every reader of this room ends in :func:`from_pyg`, which does not.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor
from torch_geometric.data import Data

from graphlearn.errors import InputError, InputTypeError
from graphlearn.validate import check_features, check_node_pairs, check_num_nodes

_NO_LIMIT = 2**62
_PAIRS = ("edge_index", "edge_label_index")
_NOT_PER_EDGE = (*_PAIRS, "edge_label")


def from_pyg(data: Any) -> Data:
    """Return a shallow copy of a PyG ``Data`` with everything in it checked.

    The copy has an int64 ``edge_index`` and its ``num_nodes`` set. Edges stay as they are stored:
    one-directional, repeated and self-linking edges are dealt with when a split is made, which
    always reads the graph as undirected.

    Args:
        data: A homogeneous graph with an ``edge_index``; ``num_nodes``, else the rows of ``x``,
            else the largest id + 1, gives the number of nodes.

    Shapes:
        - ``data.edge_index``: ``[2, E]``
        - ``data.x``: ``[N, C]`` or absent

    Raises:
        InputTypeError: If ``data`` is no ``Data``, or ``edge_index`` or ``x`` has a wrong dtype.
        InputError: If ``edge_index`` is absent, empty or out of range, features are NaN or of
            the wrong length, or an attribute named ``edge_*`` does not have one row an edge.

    Example:
        >>> import torch
        >>> from_pyg(Data(edge_index=torch.tensor([[0, 1], [1, 2]])))
        Data(edge_index=[2, 2], num_nodes=3)
        >>> from_pyg(Data(edge_index=torch.tensor([[0, 1], [1, 9]]), num_nodes=3))
        Traceback (most recent call last):
        graphlearn.errors.InputError: edge_index holds node id 9 in column 1: expected ids in \
[0, 3); pass num_nodes=10 or more, or drop the edge
    """
    if not isinstance(data, Data):
        raise InputTypeError(
            f"data is a {type(data).__name__}",
            expected="a torch_geometric.data.Data",
            mend="graphlearn.data makes one of other graphs: from_networkx, read_edge_list",
        )
    edge_index = data.get("edge_index")
    if edge_index is None:
        raise InputError(
            "data has no edge_index", expected="an integer tensor of shape [2, E]",
            mend="pass Data(edge_index=...)",
        )  # fmt: skip
    x = data.get("x")
    num_nodes = count_nodes(data)
    if data._store.get("num_nodes") is None and isinstance(x, Tensor) and x.dim() == 2:
        check_node_pairs(edge_index, _NO_LIMIT, allow_empty=False)
        if int(edge_index.max()) >= num_nodes:
            raise InputError(
                f"x has {num_nodes} rows",
                expected=f"one for each node: edge_index names node {int(edge_index.max())}",
            )
    check_node_pairs(edge_index, num_nodes, allow_empty=False)
    if x is not None:
        check_features(x, num_nodes)
        if x.dim() == 2 and x.size(1) == 0:
            raise InputError(
                "x has no columns",
                expected="one feature or more",
                mend="leave x out: nodes without features have learned vectors",
            )
    for name, value in data.items():
        per_edge = name.startswith("edge_") and name not in _NOT_PER_EDGE
        if per_edge and isinstance(value, Tensor) and value.shape[:1] != edge_index.shape[1:]:
            rows = f"{len(value)} rows" if value.dim() else "no rows"
            raise InputError(
                f"{name} has {rows}", expected=f"{edge_index.size(1)}, one for each edge"
            )
    checked: Data = data.__copy__()
    checked.edge_index = edge_index.long()
    checked.num_nodes = num_nodes
    return checked


def count_nodes(data: Data) -> int:
    """Return the number of nodes: ``num_nodes``, else the rows of ``x``, else the largest id + 1.

    PyG's own property warns when it has to guess, and fails with an error of its own where
    ``edge_index`` is no tensor.

    Args:
        data: A graph.

    Raises:
        InputTypeError: If ``num_nodes`` or ``edge_index``, where it is needed, is of a wrong type.
        InputError: If ``edge_index`` is needed and empty or holds a negative id.

    Example:
        >>> import torch
        >>> count_nodes(Data(edge_index=torch.tensor([[0, 1], [1, 2]])))
        3
    """
    stored, x = data._store.get("num_nodes"), data.get("x")
    if stored is not None:
        return check_num_nodes(stored)
    if isinstance(x, Tensor) and x.dim() == 2:
        return int(x.size(0))
    edge_index = check_node_pairs(data.get("edge_index"), 2**62, allow_empty=False)
    return int(edge_index.max()) + 1
