"""OGB's link datasets from their raw files, without the ``ogb`` package.

ogb 1.3.6 cannot load them on torch 2.6 and later. Read here: ``raw/`` (``.csv.gz`` or ``.npz``)
and ``split/<kind>/{train,valid,test}.pt`` or ``split_dict.pt``; never the pickled ``processed/``.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch_geometric.data import Data

from graphlearn.data.ogb_raw import read_ogb_raw
from graphlearn.data.ogb_split_file import read_split_file, read_split_parts
from graphlearn.data.pyg import from_pyg
from graphlearn.errors import DataNotFoundError, InputError

_PARTS = ("train", "valid", "test")
_PER_PAIR = ("edge", "edge_neg")
_TOGETHER = "split_dict.pt"


def read_ogb_link(folder: Path | str, name: str) -> Data:
    """Read the graph of one OGB link dataset: its training edges, in both directions.

    Edge weights and years are left out. Distinct years of one edge stay as repeated columns.

    Args:
        folder: The dataset's folder, with ``raw`` in it (OGB calls it ``ogbl_ddi``).
        name: The dataset's name, for error texts and to refuse the kinds that are no plain graph.

    Shapes:
        - output: ``edge_index [2, E]``, ``x [N, C]`` float32 where the dataset has node features

    Raises:
        DataNotFoundError: If a raw file is missing.
        InputError: If a file is truncated or malformed, or the dataset is a knowledge graph.

    Example:
        >>> read_ogb_link("no/such/folder", "ogbl-ddi")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: ogbl-ddi: no raw files in no/such/folder/raw: \
expected edge.csv.gz or data.npz
    """
    raw = read_ogb_raw(Path(folder) / "raw", name, one_graph=True, edge_features=False)
    edges = raw.edge_index
    data = Data(
        edge_index=torch.cat([edges, edges.flip(0)], dim=1), num_nodes=int(raw.num_nodes[0])
    )
    if raw.node_feat is not None:
        data.x = raw.node_feat
    return from_pyg(data)


def read_ogb_split(folder: Path | str, name: str) -> dict[str, dict[str, Tensor]]:
    """Read the official split of one OGB link dataset.

    From three files, or from one ``split_dict.pt``. Where each link has a source of its own and its
    own negatives, as in ogbl-citation2 (``source_node``, ``target_node``, ``target_node_neg``), it
    comes in the form of the others, the negatives with one more axis.

    Args:
        folder: The dataset's folder, with ``split/<kind>`` in it.
        name: The dataset's name, for error texts.

    Shapes:
        - output: part -> ``"edge"`` ``[2, P]`` and ``"edge_neg"`` ``[2, Q]`` or ``[2, P, Q]``,
          int64; other entries (weights, years) as they are stored

    Raises:
        DataNotFoundError: If there is no split, or more than one.
        UnsafeFileError: If a split file would run code, or is not readable as arrays.
        InputError: If pairs are not of shape ``[*, 2]``, or sources and targets do not fit.

    Example:
        >>> read_ogb_split("no/such/folder", "ogbl-ddi")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: ogbl-ddi: no/such/folder/split holds 0 folders with \
train.pt, valid.pt and test.pt: expected one
    """
    parent = Path(folder) / "split"
    kinds = [
        kind
        for kind in (sorted(parent.iterdir()) if parent.is_dir() else [])
        if (kind / _TOGETHER).is_file() or all((kind / f"{part}.pt").is_file() for part in _PARTS)
    ]
    if len(kinds) != 1:
        raise DataNotFoundError(
            f"{name}: {parent} holds {len(kinds)} folders with train.pt, valid.pt and test.pt",
            expected="one",
        )
    if (kinds[0] / _TOGETHER).is_file():
        path = kinds[0] / _TOGETHER
        stored = read_split_parts(path)
        missing = [part for part in _PARTS if part not in stored]
        if missing:
            raise InputError(f"{path} has no part {missing[0]!r}", expected=", ".join(_PARTS))
        return {part: _in_pairs(stored[part], path) for part in _PARTS}
    paths = {part: kinds[0] / f"{part}.pt" for part in _PARTS}
    return {part: _in_pairs(read_split_file(path), path) for part, path in paths.items()}


def _in_pairs(part: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    """The same with node pairs as columns."""
    part = dict(part)
    if "source_node" in part:
        part |= _from_sources(part, path)
    for key in set(_PER_PAIR) & set(part):
        pairs = part[key]
        if pairs.dim() == 3:  # made above
            continue
        if pairs.dim() != 2 or pairs.size(1) != 2 or pairs.is_floating_point():
            raise InputError(
                f"{path}: {key} is a {pairs.dtype} array of shape {list(pairs.shape)}",
                expected="integers of shape [*, 2]",
            )
        part[key] = pairs.long().t().contiguous()
    return part


def _from_sources(part: dict[str, Tensor], path: Path) -> dict[str, Tensor]:
    source, target = part.pop("source_node"), part.pop("target_node", None)
    others = part.pop("target_node_neg", None)
    count = source.numel()
    for name, value, wanted in (
        ("source_node", source, [count]),
        ("target_node", target, [count]),
        *([] if others is None else [("target_node_neg", others, [count, *others.shape[1:2]])]),
    ):
        if value is None or value.is_floating_point() or list(value.shape) != wanted:
            given = "missing" if value is None else f"{value.dtype} of shape {list(value.shape)}"
            raise InputError(f"{path}: {name} is {given}", expected=f"integers {wanted}")
    assert target is not None
    found = {"edge": torch.stack([source, target], dim=1)}
    if others is not None:
        found["edge_neg"] = torch.stack([source[:, None].expand_as(others), others]).long()
    return found
