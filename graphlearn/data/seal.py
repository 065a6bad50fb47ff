"""SEAL's plain graphs: MATLAB files whose variable ``net`` is a sparse adjacency matrix."""

from __future__ import annotations

import zlib
from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data

from graphlearn.data.pyg import from_pyg
from graphlearn.errors import DataNotFoundError, InputError

# What scipy meets in a truncated or foreign file, depending on where it breaks off.
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, OSError, EOFError, zlib.error)


def read_seal_mat(path: Path | str, *, variable: str = "net") -> Data:
    """Read the graph of a ``.mat`` file (version 5 to 7.2) as SEAL and MPLP publish them.

    Non-zero entries are edges, whatever their value. A symmetric matrix gives both directions.
    The file is parsed by scipy, which is not made for hostile files: where it comes from someone
    else, compare its checksum first (:func:`graphlearn.data.load_dataset` does).

    Args:
        path: The file.
        variable: The matrix in it.

    Shapes:
        - output: ``edge_index [2, E]``, no ``x``

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it is no such file, or the matrix is missing, not square or empty.

    Example:
        >>> import scipy.io, scipy.sparse, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     net = scipy.sparse.csc_matrix([[0.0, 1.0], [1.0, 0.0]])
        ...     scipy.io.savemat(f"{folder}/pair.mat", {"net": net})
        ...     read_seal_mat(f"{folder}/pair.mat")
        Data(edge_index=[2, 2], num_nodes=2)
    """
    # scipy takes a tenth of a second to import, and few callers read MATLAB files.
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError
    from scipy.sparse import coo_matrix, issparse

    path = Path(path)
    if not path.is_file():
        raise DataNotFoundError(f"no file {path}", expected="a MATLAB .mat file")
    try:
        content = loadmat(path, variable_names=[variable])
    except (MatReadError, NotImplementedError, *_UNREADABLE) as error:
        raise InputError(
            f"{path} cannot be read: {error}", expected="a MATLAB file of version 5 to 7.2"
        ) from error
    if variable not in content:
        raise InputError(f"{path} holds no variable {variable!r}", expected="a sparse matrix")
    net = content[variable]
    if net.ndim != 2 or net.shape[0] != net.shape[1] or net.dtype.kind not in "biuf":
        raise InputError(
            f"{path}: {variable} is a {net.dtype} array of shape {list(net.shape)}",
            expected="a square adjacency matrix",
        )
    matrix = coo_matrix(net)
    if issparse(net):
        matrix.eliminate_zeros()
    edge_index = torch.from_numpy(np.stack([matrix.row, matrix.col]).astype(np.int64))
    return from_pyg(Data(edge_index=edge_index, num_nodes=int(net.shape[0])))
