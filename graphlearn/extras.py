"""Packages that only some features need, imported when such a feature is used."""

from __future__ import annotations

import importlib
from typing import Any

from graphlearn.errors import MissingExtraError


def import_extra(package: str, *modules: str, extra: str, purpose: str, otherwise: str = "") -> Any:
    """Import an optional package, or say what to install.

    Args:
        package: Its name, such as ``"pyarrow"``.
        modules: Modules of it that are wanted too, such as ``"parquet"``.
        extra: The extra of this package that installs it.
        purpose: What needs it: the beginning of the error's sentence.
        otherwise: What one can do without it.

    Returns:
        The package, with the modules as its attributes. Of any type: extras need not be installed
        where types are checked.

    Raises:
        MissingExtraError: If it, or one of the modules, is not there.

    Example:
        >>> import_extra("no_such_package", extra="parquet", purpose="reading a.parquet")
        Traceback (most recent call last):
        graphlearn.errors.MissingExtraError: reading a.parquet needs no_such_package, which is not \
installed; run: pip install "pyg-graphlearn[parquet]"
    """
    try:
        found = importlib.import_module(package)
        for module in modules:
            importlib.import_module(f"{package}.{module}")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{purpose} needs {package}, which is not installed",
            mend=f'run: pip install "pyg-graphlearn[{extra}]"'
            + (otherwise and f", or {otherwise}"),
        ) from error
    return found
