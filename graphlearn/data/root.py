"""Where datasets lie: the argument, else the environment, else a folder in the user's cache."""

from __future__ import annotations

import os
from pathlib import Path

from graphlearn.errors import DataNotFoundError

VARIABLE = "GRAPHLEARN_DATA"


def find_data_root(data_root: Path | str | None = None) -> Path:
    """Return the folder that datasets are read from and downloaded to.

    Args:
        data_root: A folder that exists; by default the environment variable ``GRAPHLEARN_DATA``,
            else ``~/.cache/graphlearn``, which is made by the first download.

    Raises:
        DataNotFoundError: If a folder was named, here or in the environment, and is not there.

    Example:
        >>> find_data_root("no/such/folder")
        Traceback (most recent call last):
        graphlearn.errors.DataNotFoundError: data_root no/such/folder does not exist: expected a \
folder that holds the datasets; create it, or name another
    """
    named = "data_root"
    if data_root is None and os.environ.get(VARIABLE):
        named, data_root = VARIABLE, os.environ[VARIABLE]
    if data_root is None:
        return Path.home() / ".cache" / "graphlearn"
    root = Path(data_root).expanduser()
    if not root.is_dir():
        state = "is not a folder" if root.exists() else "does not exist"
        raise DataNotFoundError(
            f"{named} {root} {state}",
            expected="a folder that holds the datasets",
            mend="create it, or name another",
        )
    return root
