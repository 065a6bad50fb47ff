"""OGB's splits of nodes and of graphs: three lists of numbers."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from graphlearn.data.ogb_split_file import read_split_file
from graphlearn.data.ogb_text import read_counts
from graphlearn.errors import DataNotFoundError, InputError, LeakError

PARTS = ("train", "valid", "test")
_TOGETHER = "split_dict.pt"


def read_ogb_index_split(folder: Path | str, name: str, count: int) -> dict[str, Tensor]:
    """Read which nodes, or graphs, train, validate and test.

    From ``split/<kind>/{train,valid,test}.csv.gz``, or from one ``split_dict.pt``, as ogb reads
    them.

    Args:
        folder: The dataset's folder, with ``split/<kind>`` in it.
        name: The dataset's name, for error texts.
        count: How many nodes, or graphs, there are.

    Shapes:
        - output: part -> ``[n]`` int64

    Raises:
        DataNotFoundError: If there is no split, or more than one.
        UnsafeFileError: If ``split_dict.pt`` would run code, or is not readable as arrays.
        InputError: If a file is truncated or malformed, a part is empty, or a number is out of
            range or twice in a part.
        LeakError: If two parts share a number.

    Example:
        >>> read_ogb_index_split("no/such/folder", "ogbn-arxiv", 3)
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: ogbn-arxiv: no/such/folder/split holds 0 folders with \
train, valid and test.csv.gz: expected one
    """
    parent = Path(folder) / "split"
    kinds = [
        kind
        for kind in (sorted(parent.iterdir()) if parent.is_dir() else [])
        if (kind / _TOGETHER).is_file()
        or all((kind / f"{part}.csv.gz").is_file() for part in PARTS)
    ]
    if len(kinds) != 1:
        raise DataNotFoundError(
            f"{name}: {parent} holds {len(kinds)} folders with train, valid and test.csv.gz",
            expected="one",
        )
    path = kinds[0] / _TOGETHER
    if path.is_file():
        stored = read_split_file(path)
        missing = [part for part in PARTS if part not in stored]
        if missing:
            raise InputError(f"{path} has no part {missing[0]!r}", expected=", ".join(PARTS))
        parts = {part: _numbers(stored[part], path, part) for part in PARTS}
    else:
        files = {part: kinds[0] / f"{part}.csv.gz" for part in PARTS}
        parts = {part: torch.from_numpy(read_counts(file)) for part, file in files.items()}
    taken: dict[str, Tensor] = {}
    for part, ids in parts.items():
        _check_ids(ids, f"{kinds[0]}: {part}", count)
        mark = torch.zeros(count, dtype=torch.bool).index_fill_(0, ids, True)
        if int(mark.sum()) != ids.numel():
            raise InputError(
                f"{kinds[0]}: {part} names {ids.numel() - int(mark.sum())} numbers twice",
                expected="each once",
            )
        for other, marked in taken.items():
            shared = (mark & marked).nonzero().flatten()
            if shared.numel():
                raise LeakError(
                    f"{kinds[0]}: {other} and {part} share {shared.numel()} numbers, the first "
                    f"{int(shared[0])}",
                    expected="each in one part at most",
                )
        taken[part] = mark
    return parts


def _numbers(ids: Tensor, path: Path, part: str) -> Tensor:
    if ids.dim() != 1 or ids.is_floating_point() or ids.dtype == torch.bool:
        raise InputError(
            f"{path}: {part} is {ids.dtype} of shape {list(ids.shape)}", expected="integers [n]"
        )
    return ids.long()


def _check_ids(ids: Tensor, where: str, count: int) -> None:
    if ids.numel() == 0:
        raise InputError(f"{where} is empty", expected="at least one number")
    low, high = int(ids.min()), int(ids.max())
    if low < 0 or high >= count:
        raise InputError(
            f"{where} holds {low if low < 0 else high}", expected=f"numbers in [0, {count})"
        )
