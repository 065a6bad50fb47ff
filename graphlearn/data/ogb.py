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
_INTEGERS = (
    torch.int8, torch.int16, torch.int32, torch.int64,
    torch.uint8, torch.uint16, torch.uint32, torch.uint64,
)  # fmt: skip


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
        InputError: If pairs are no integers of shape ``[*, 2]``, there are none, or sources and
            targets do not fit.

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
        return {part: _in_pairs(stored[part], f"{path}, {part}") for part in _PARTS}
    paths = {part: kinds[0] / f"{part}.pt" for part in _PARTS}
    return {part: _in_pairs(read_split_file(path), str(path)) for part, path in paths.items()}


def _in_pairs(part: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """The same with node pairs as columns."""
    if "source_node" in part:
        return _from_sources(part, where)
    part = dict(part)
    for key in _PER_PAIR:
        if key not in part:
            continue
        pairs = part[key]
        if pairs.dim() != 2 or pairs.size(1) != 2 or pairs.dtype not in _INTEGERS:
            raise InputError(
                f"{where}: {key} is a {pairs.dtype} array of shape {list(pairs.shape)}",
                expected="integers of shape [*, 2]",
            )
        _refuse_empty(pairs, f"{where}: {key}")
        part[key] = pairs.long().t().contiguous()
    return part


def _from_sources(stored: dict[str, Tensor], where: str) -> dict[str, Tensor]:
    """Pairs as columns, from a source of their own for each link and its negatives."""
    part = dict(stored)
    source, target = part.pop("source_node"), part.pop("target_node", None)
    others = part.pop("target_node_neg", None)
    count = source.numel()
    for name, value, axes in (
        ("source_node", source, 1),
        ("target_node", target, 1),
        *([] if others is None else [("target_node_neg", others, 2)]),
    ):
        fits = value is not None and value.dim() == axes and value.size(0) == count
        if value is None or not fits or value.dtype not in _INTEGERS:
            given = "missing" if value is None else f"{value.dtype} of shape {list(value.shape)}"
            wanted = f"integers [{count}{', Q' * (axes - 1)}]"
            raise InputError(f"{where}: {name} is {given}", expected=wanted)
        _refuse_empty(value, f"{where}: {name}")
    assert target is not None
    part["edge"] = torch.stack([source.long(), target.long()])
    if others is not None:
        part["edge_neg"] = torch.empty((2, *others.shape), dtype=torch.int64)
        part["edge_neg"][0] = source[:, None]
        part["edge_neg"][1] = others
    return part


def _refuse_empty(stored: Tensor, what: str) -> None:
    if stored.numel() == 0:
        raise InputError(f"{what} is empty", expected="at least one pair")
