"""A graph with its features as one safetensors file: what an edge list cannot hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data.pyg import from_pyg
from graphlearn.errors import DataNotFoundError, InputError, InputTypeError
from graphlearn.files import atomic_write_bytes

_KIND = "graphlearn graph"
_SPARSE = ("x_rowptr", "x_col", "x_value", "x_shape")


def write_graph(data: Any, path: Path | str) -> None:
    """Write edges, number of nodes and features of a PyG ``Data``, atomically.

    Sparse features stay sparse. Other attributes are not written.

    Args:
        data: A graph, checked as :func:`graphlearn.data.from_pyg` does.
        path: The file; its name should end in ``.safetensors``.

    Raises:
        InputTypeError: If ``data`` is no ``Data``, or something in it has a wrong dtype.
        InputError: If the graph is empty or inconsistent.
        OutputError: If it cannot be written.

    Example:
        >>> import tempfile
        >>> data = Data(edge_index=torch.tensor([[0, 1], [1, 2]]), x=torch.eye(3).to_sparse_csr())
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     write_graph(data, f"{folder}/mine.safetensors")
        ...     read_graph(f"{folder}/mine.safetensors").x.layout
        torch.sparse_csr
    """
    atomic_write_bytes(path, save(_tensors(from_pyg(data)), metadata={"kind": _KIND}))


def _tensors(data: Data) -> dict[str, Tensor]:
    tensors = {
        "edge_index": data.edge_index.cpu().contiguous().clone(),
        "num_nodes": torch.tensor([data.num_nodes]),
    }
    x = data.get("x")
    if x is None:
        return tensors
    if x.layout == torch.strided:
        tensors["x"] = x.detach().cpu().contiguous().clone()
    else:
        x = x.detach().cpu().to_sparse_csr()
        parts = (x.crow_indices(), x.col_indices(), x.values(), torch.tensor(x.shape))
        tensors |= {name: part.clone() for name, part in zip(_SPARSE, parts, strict=True)}
    return tensors


def read_graph(path: Path | str) -> Data:
    """Read what :func:`write_graph` wrote, or any safetensors file with an ``edge_index``.

    A file of another program needs ``edge_index`` and may have ``num_nodes`` (one integer) and
    dense ``x``.

    Args:
        path: The file.

    Shapes:
        - output: ``edge_index [2, E]``, and ``x [N, C]`` if the file has it

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it is truncated, not safetensors, or its graph is inconsistent.

    Example:
        >>> read_graph("none.safetensors")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: no file none.safetensors: expected a graph in a \
safetensors file
    """
    if not Path(path).is_file():
        raise DataNotFoundError(f"no file {path}", expected="a graph in a safetensors file")
    try:
        with safe_open(str(path), framework="pt", device="cpu") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as problem:
        raise InputError(
            f"{path} could not be read ({problem})",
            expected="a whole safetensors file",
            mend="write it with graphlearn.data.write_graph",
        ) from problem
    if "edge_index" not in tensors:
        raise InputError(
            f"{path} holds {sorted(tensors)}",
            expected="a tensor edge_index",
            mend="write it with graphlearn.data.write_graph",
        )
    data = Data(edge_index=tensors["edge_index"], x=_features(tensors, path))
    if "num_nodes" in tensors:
        data.num_nodes = _count(tensors["num_nodes"], path)
    try:
        return from_pyg(data)
    except (InputError, InputTypeError) as problem:  # what is wrong is in the file
        text = f"{path}: {problem.given}"
        raise type(problem)(text, expected=problem.expected, mend=problem.mend) from problem


def _count(stored: Tensor, path: Path | str) -> int:
    if stored.numel() != 1 or stored.is_floating_point():
        raise InputError(
            f"{path}: num_nodes is {stored.dtype}{list(stored.shape)}", expected="one integer"
        )
    return int(stored)


def _features(tensors: dict[str, Tensor], path: Path | str) -> Tensor | None:
    if not any(name in tensors for name in _SPARSE):
        return tensors.get("x")
    try:
        rowptr, col, value, shape = (tensors[name] for name in _SPARSE)
        size = tuple(int(extent) for extent in shape)
        return torch.sparse_csr_tensor(rowptr, col, value, size, check_invariants=True)
    except (KeyError, RuntimeError, TypeError, ValueError) as problem:
        raise InputError(
            f"{path}: the sparse features are inconsistent ({str(problem).splitlines()[0]})",
            expected=f"{', '.join(_SPARSE)} of one CSR matrix",
        ) from problem
