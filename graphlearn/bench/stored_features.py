"""Features too large for memory: from OGB's download into a file of rows, a block at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from graphlearn.data import Dataset, DatasetCard, find_data_root, load_card
from graphlearn.data.checksum import check_files
from graphlearn.data.download import ensure_files
from graphlearn.data.ogb_nodes import ogb_feature_blocks, read_ogb_nodes
from graphlearn.errors import InputError
from graphlearn.store import RowFile, write_rows
from graphlearn.store.row_store import DTYPES

LARGEST_IN_MEMORY = 8 << 30
"""Bytes of features, by the card, up to which they are simply read."""

FILE_NAME = "features.rows"


def keeps_features_in_file(card: DatasetCard) -> bool:
    """Whether a data set's features are kept in a file of rows rather than in memory.

    Example:
        >>> [keeps_features_in_file(load_card(f"ogbn-{n}")) for n in ("arxiv", "papers100M")]
        [False, True]
    """
    size = 4 * (card.num_nodes or 0) * (card.num_features or 0)
    return card.reader == "ogb-nodes" and size > LARGEST_IN_MEMORY


def features_file(name: str, data_root: Path | str | None = None) -> Path | None:
    """Return the file of rows that holds a data set's features, or None where memory does.

    Args:
        name: The data set's name, or the path of an edge list.
        data_root: Folder of the data.

    Example:
        >>> features_file("digits-knn") is None
        True
    """
    if not name.startswith("ogbn-"):
        return None
    card = load_card(name)
    if not keeps_features_in_file(card):
        return None
    return find_data_root(data_root) / card.folder / FILE_NAME


def load_large_dataset(name: str, data_root: Path | str | None = None) -> Dataset:
    """Load a graph whose features stay in their file: ``data.x`` is a view of it.

    The file is written once, beside what was downloaded, in blocks; at no time are all features in
    memory, and the system may drop what it has of them at any time.

    Args:
        name: The data set's name.
        data_root: Folder of the data, which must be writable the first time.

    Raises:
        DataNotFoundError: If a file is missing and cannot be fetched.
        InputError: If a file is truncated or malformed.
        OutputError: If the file of rows cannot be written.
    """
    card = load_card(name)
    root = find_data_root(data_root)
    ensure_files(card, root)
    check_files(root, card.files)
    folder = root / card.folder
    data = read_ogb_nodes(folder, card.name, features=False, **card.options)
    path = folder / FILE_NAME
    sources = [root / file for file in card.files]
    newest = max(file.stat().st_mtime for file in sources)
    if not path.is_file() or path.stat().st_mtime < newest:
        write_rows(path, ogb_feature_blocks(folder), num_rows=data.num_nodes)
    data.x = mapped_rows(path)
    if data.x.size(0) != data.num_nodes:
        raise InputError(
            f"{path} has {data.x.size(0)} rows",
            expected=f"{data.num_nodes}, one a node",
            mend="delete the file to have it written again",
        )
    return Dataset(data, card)


def mapped_rows(path: Path | str) -> Tensor:
    """Return a file of rows as a tensor that is read where it is looked at.

    Writing to it changes this process's view alone, never the file.

    Args:
        path: A file that :func:`graphlearn.store.write_rows` wrote.

    Shapes:
        - output: ``[N, *row_shape]``

    Raises:
        DataNotFoundError: If there is no such file.
        InputError: If it is another kind of file, cut off or damaged.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = write_rows(f"{folder}/x.rows", torch.arange(6.0).view(3, 2))
        ...     mapped_rows(f"{folder}/x.rows")[2].tolist()
        [4.0, 5.0]
    """
    with RowFile(path) as file:
        header = file.header
    shape = (header.num_rows, *header.row_shape)
    kind = next(name for name, dtype in DTYPES.items() if dtype == header.dtype)
    if kind == "bfloat16":
        raise InputError(f"{path} has rows of bfloat16", expected="a type that numpy has")
    view = np.memmap(path, dtype=kind, mode="c", offset=header.data_offset, shape=shape)
    return torch.from_numpy(view)
