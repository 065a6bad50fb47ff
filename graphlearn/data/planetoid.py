"""Planetoid (Cora, CiteSeer, PubMed): PyG's own reader, on files known to be the real ones.

The files are pickles, and a pickle can run code. So each is compared with the checksum of its
dataset card before PyG's reader opens it, and a file without a checksum is refused.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
from torch_geometric.data import Data
from torch_geometric.io import read_planetoid_data

from graphlearn.data.card import load_card
from graphlearn.data.checksum import check_file
from graphlearn.data.pyg import from_pyg
from graphlearn.errors import DataNotFoundError, UnsafeFileError

_ENDINGS = ("x", "tx", "allx", "y", "ty", "ally", "graph", "test.index")


def read_planetoid(
    folder: Path | str, name: str, *, checksums: Mapping[str, str | None] | None = None
) -> Data:
    """Read one Planetoid dataset; nothing is written, and features are not normalised.

    Args:
        folder: The folder with ``ind.<name>.x`` and its seven companions (PyG's ``<Name>/raw``).
        name: ``"cora"``, ``"citeseer"`` or ``"pubmed"``, in any case.
        checksums: File name -> checksum; by default those of the dataset's card.

    Shapes:
        - output: ``x [N, C]`` dense, ``edge_index [2, E]`` both directions, ``y [N]``

    Raises:
        DataNotFoundError: If a file is missing.
        UnsafeFileError: If a file is not what its checksum says, or has none.
        UnknownNameError: If there is no card of that name.

    Example:
        >>> read_planetoid("no/such/folder", "cora")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: no/such/folder holds no ind.cora.x: expected the raw \
Planetoid files
    """
    folder = Path(folder)
    prefix = name.lower()
    if checksums is None:
        files = load_card(prefix).files
        checksums = {PurePosixPath(path).name: checksum for path, checksum in files.items()}
    for ending in _ENDINGS:
        path = folder / f"ind.{prefix}.{ending}"
        if not path.is_file():
            raise DataNotFoundError(
                f"{folder} holds no {path.name}", expected="the raw Planetoid files"
            )
        checksum = checksums.get(path.name)
        if checksum is None:
            raise UnsafeFileError(
                f"no checksum is known for {path.name}",
                expected="one for each file, because reading these files can run code",
                mend="state it in the dataset card",
            )
        check_file(path, checksum)
    with warnings.catch_warnings():
        # The files were pickled by Python 2 and numpy 1: their old module names and flags are
        # deprecated, which nobody who reads them can mend. PyG adds a filter of its own here,
        # which must not outlast the call either.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", np.exceptions.VisibleDeprecationWarning)
        data = read_planetoid_data(str(folder.resolve()), prefix)
    return from_pyg(data)
