"""A graph handed over in memory: it gets a file, so that workers and a resumed run can read it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from torch_geometric.data import Data

from graphlearn.data import from_networkx, from_pyg
from graphlearn.data.split import tensor_digest
from graphlearn.errors import InputTypeError


def own_graph(graph: Any) -> Data:
    """Return a checked ``Data`` of what a user passed in place of a data set's name.

    Args:
        graph: PyG's ``Data`` or a networkx graph.

    Raises:
        InputTypeError: If it is neither.
        InputError: If the graph is empty or inconsistent.

    Example:
        >>> import networkx
        >>> own_graph(networkx.path_graph(3)).num_nodes
        3
    """
    if isinstance(graph, Data):
        return from_pyg(graph)
    networkx = sys.modules.get("networkx")  # whoever holds such a graph has imported it
    if networkx is not None and isinstance(graph, networkx.Graph):
        return from_networkx(graph)
    raise InputTypeError(
        f"dataset is a {type(graph).__name__}",
        expected="a name, a file, a torch_geometric.data.Data or a networkx graph",
    )


def graph_path(data: Data, out: Path | str) -> Path:
    """Return the file that a graph has under ``out``: the same for the same graph.

    Example:
        >>> import networkx
        >>> path = graph_path(own_graph(networkx.path_graph(3)), "runs")
        >>> path.parent.as_posix(), path.suffix
        ('runs/graphs', '.safetensors')
    """
    tensors = {"x": data.get("x"), "edge_index": data.edge_index}
    return Path(out) / "graphs" / f"graph-{tensor_digest(tensors, data.num_nodes)[:8]}.safetensors"
