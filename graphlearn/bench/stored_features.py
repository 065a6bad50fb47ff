"""Features too large for memory: from OGB's download into a file of rows, a block at a time."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from graphlearn.data import Dataset, DatasetCard, find_data_root, load_card
from graphlearn.data.checksum import check_files
from graphlearn.data.download import ensure_files
from graphlearn.data.ogb_nodes import ogb_feature_blocks, read_ogb_nodes
from graphlearn.errors import InputError
from graphlearn.files import atomic_write_text, output_error, sole_use
from graphlearn.store import RowFile, write_rows
from graphlearn.store.row_store import DTYPES

LARGEST_IN_MEMORY = 8 << 30
"""Bytes of features, by the card, up to which they are simply read."""

FILE_NAME = "features.rows"

SOURCES_NAME = "features.rows.sources.json"
"""File beside it that says which files it was made of."""


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
    memory, and the system may drop what it has of them at any time. It is written anew if what it
    was made of has another size, time or checksum than it had then.

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
    if not _is_current(folder):
        with sole_use(folder, wait=True):  # another process may be writing it
            if not _is_current(folder):
                _write(folder, int(data.num_nodes))
    data.x = mapped_rows(path)
    if data.x.size(0) != data.num_nodes:
        raise InputError(
            f"{path} has {data.x.size(0)} rows",
            expected=f"{data.num_nodes}, one a node",
            mend="delete the file to have it written again",
        )
    return Dataset(data, card)


def feature_sources(folder: Path | str) -> dict[str, dict[str, Any]]:
    """Return what tells the files that a graph's features are read from, from others of their name.

    Size and time of each, and the checksum that it holds of its content: of a ``.npz`` file those
    of the members read, of a ``.gz`` file that of its last part. None is read as a whole.

    Args:
        folder: The dataset's folder.

    Raises:
        InputError: If a file is missing or cannot be read.

    Example:
        >>> import gzip, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     Path(folder, "raw").mkdir()
        ...     for name in ("num-node-list", "node-feat"):
        ...         path = Path(folder, "raw", f"{name}.csv.gz")
        ...         _ = path.write_bytes(gzip.compress(b"1\\n"))
        ...     {name: sorted(found) for name, found in feature_sources(folder).items()}
        {'num-node-list.csv.gz': ['crc', 'mtime_ns', 'size'], \
'node-feat.csv.gz': ['crc', 'mtime_ns', 'size']}
    """
    raw = Path(folder) / "raw"
    archive = raw / "data.npz"
    names = [archive.name] if archive.is_file() else ["num-node-list.csv.gz", "node-feat.csv.gz"]
    sources: dict[str, dict[str, Any]] = {}
    for path in (raw / name for name in names):
        try:
            status = path.stat()
            sources[path.name] = {
                "size": status.st_size,
                "mtime_ns": status.st_mtime_ns,
                "crc": _npz_crcs(path) if path == archive else _last_bytes(path),
            }
        except (OSError, zipfile.BadZipFile, KeyError) as problem:
            reason = " ".join(str(problem).split())
            raise InputError(
                f"{path} cannot be read: {reason}", expected="the features of nodes"
            ) from None
    return sources


def _npz_crcs(path: Path) -> list[int]:
    with zipfile.ZipFile(path) as archive:
        return [archive.getinfo(f"{name}.npy").CRC for name in ("num_nodes_list", "node_feat")]


def _last_bytes(path: Path) -> str:
    """The CRC-32 and length that end a gzip file."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 8))
        return file.read().hex()


def _is_current(folder: Path) -> bool:
    """Whether the file of rows was made of what lies there now."""
    if not (folder / FILE_NAME).is_file():
        return False
    try:
        noted = json.loads((folder / SOURCES_NAME).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return bool(noted == feature_sources(folder))


def _write(folder: Path, num_rows: int) -> None:
    note = folder / SOURCES_NAME
    try:
        note.unlink(missing_ok=True)  # from here on the rows may be those of other files
    except OSError as problem:
        raise output_error(note, problem) from problem
    sources = feature_sources(folder)
    write_rows(folder / FILE_NAME, ogb_feature_blocks(folder), num_rows=num_rows)
    if feature_sources(folder) != sources:
        raise InputError(
            f"{folder / 'raw'} has changed while its features were read",
            expected="files that stay as they are",
            mend="run it again",
        )
    atomic_write_text(note, json.dumps(sources, indent=2) + "\n")


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
