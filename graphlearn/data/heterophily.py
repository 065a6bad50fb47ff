"""Graphs whose links join unlike nodes: the files of a critical look at heterophily."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from graphlearn.data.array_file import check_array, load_arrays
from graphlearn.data.pyg import from_pyg
from graphlearn.errors import InputError
from graphlearn.validate import check_flag

_MASKS = {"train_mask": "train_masks", "val_mask": "val_masks", "test_mask": "test_masks"}


def read_heterophily(path: Path | str, *, undirected: bool = False) -> Data:
    """Read a graph with classes and S splits of its nodes.

    The form of "A Critical Look at the Evaluation of GNNs under Heterophily"
    (https://arxiv.org/abs/2302.11640): arrays ``edges [E, 2]``, ``node_features [N, C]``,
    ``node_labels [N]`` and ``train_masks``, ``val_masks``, ``test_masks``, each ``[S, N]``.

    Args:
        path: A ``.npz`` file.
        undirected: Whether each edge goes both ways, once each; else edges are as stored, where
            undirected graphs have each edge in one direction. Self-loops stay.

    Shapes:
        - output: ``x [N, C]`` float32, ``edge_index [2, E]``, ``y [N]``, and ``train_mask``,
          ``val_mask``, ``test_mask``, each ``[N, S]`` as in PyG

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it cannot be read, lacks an array, or arrays do not fit together.
        InputTypeError: If ``undirected`` is not True or False.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     np.savez(Path(folder) / "g.npz", edges=[[0, 1], [1, 2]], node_labels=[0, 1, 1],
        ...         node_features=np.ones((3, 5)), train_masks=[[True, False, False]],
        ...         val_masks=[[False, True, False]], test_masks=[[False, False, True]])
        ...     read_heterophily(Path(folder) / "g.npz", undirected=True).edge_index
        tensor([[0, 1, 1, 2],
                [1, 0, 2, 1]])
    """
    undirected = check_flag(undirected, name="undirected")
    arrays = load_arrays(path, ("edges", "node_features", "node_labels", *_MASKS.values()))
    check_array(path, "node_labels", arrays["node_labels"], (None,), "iu")
    nodes = len(arrays["node_labels"])
    check_array(path, "node_features", arrays["node_features"], (nodes, None), "iuf")
    check_array(path, "edges", arrays["edges"], (None, 2), "iu")
    masks = {}
    splits = len(arrays["train_masks"]) if arrays["train_masks"].ndim else 0
    for name, stored in _MASKS.items():
        mask = arrays[stored]
        if mask.dtype != np.bool_ or mask.shape != (splits, nodes) or splits == 0:
            raise InputError(
                f"{path}: {stored} is {mask.dtype} of shape {list(mask.shape)}",
                expected=f"bool [{splits or 'S'}, {nodes}], a row a split",
            )
        masks[name] = torch.from_numpy(np.ascontiguousarray(mask.T))
    data = from_pyg(
        Data(
            x=torch.from_numpy(arrays["node_features"].astype(np.float32)),
            edge_index=torch.from_numpy(np.ascontiguousarray(arrays["edges"].T.astype(np.int64))),
            y=torch.from_numpy(arrays["node_labels"].astype(np.int64)),
            **masks,
        )
    )
    if undirected:
        data.edge_index = to_undirected(data.edge_index, num_nodes=nodes)
    return data
