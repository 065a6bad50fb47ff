"""A graph handed over in memory: it gets a file, so that workers and a resumed run can read it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch_geometric.data import Data

from graphlearn.bench.run_folder import check_writable
from graphlearn.data import from_networkx, from_pyg, write_graph
from graphlearn.data.split import tensor_digest
from graphlearn.errors import GraphLearnError, InputTypeError

GRAPHS = "graphs"
"""The folder under ``out`` that such files lie in."""


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
        data = from_pyg(graph)
        if data.x is not None and data.x.layout not in (torch.strided, torch.sparse_csr):
            data.x = data.x.to_sparse_csr()
        return data
    networkx = sys.modules.get("networkx")  # whoever holds such a graph has imported it
    if networkx is not None and isinstance(graph, networkx.Graph):
        return from_networkx(graph)
    raise InputTypeError(
        f"dataset is a {type(graph).__name__}",
        expected="a name, a file, a torch_geometric.data.Data or a networkx graph",
    )


@contextlib.contextmanager
def stored_graph(data: Data, path: Path) -> Iterator[None]:
    """Keep a graph's file while a run reads it, and after it if the run has left anything else.

    Args:
        data: The graph.
        path: What :func:`graph_path` returned.

    Raises:
        OutputError: If it cannot be written.
    """
    folder = path.parent
    out, is_new = folder.parent, not path.exists()
    was_there = out.exists()
    check_writable(out)
    if is_new:
        write_graph(data, path)
    try:
        yield
    except GraphLearnError:
        # A run that is refused leaves nothing; one that had begun needs the file to be resumed.
        if is_new and not any(out.glob("*/recipe.yaml")):
            path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):  # others' files may lie there
                folder.rmdir()
                if not was_there:
                    out.rmdir()
        raise


def graph_path(data: Data, out: Path | str) -> Path:
    """Return the file that a graph has under ``out``: the same for the same graph.

    Example:
        >>> import networkx
        >>> path = graph_path(own_graph(networkx.path_graph(3)), "runs")
        >>> path.parent.as_posix(), path.suffix
        ('runs/graphs', '.safetensors')
    """
    tensors = {"x": data.get("x"), "edge_index": data.edge_index}
    return Path(out) / GRAPHS / f"graph-{tensor_digest(tensors, data.num_nodes)[:8]}.safetensors"
