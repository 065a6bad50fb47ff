"""Where dataset cards and recipes lie: in the checkout if there is one, else inside the package.

A checkout is preferred, so that editing ``datasets/*.yaml`` takes effect at once under an editable
install. The wheel carries the same files as package data.
"""

from __future__ import annotations

from pathlib import Path

from graphlearn.errors import DataNotFoundError

_PACKAGE = Path(__file__).parent


def datasets_dir() -> Path:
    """Return the folder that holds the dataset cards, ``<name>.yaml``.

    Raises:
        DataNotFoundError: If the installation lacks them.

    Example:
        >>> (datasets_dir() / "digits-knn.yaml").is_file()
        True
    """
    return find_resource("datasets", _PACKAGE)


def experiments_dir() -> Path:
    """Return the folder that holds the recipes, ``<model>/<dataset>.yaml``.

    Raises:
        DataNotFoundError: If the installation lacks them.

    Example:
        >>> experiments_dir().is_dir()
        True
    """
    return find_resource("experiments", _PACKAGE)


def find_resource(name: str, package: Path) -> Path:
    """Return the folder ``name`` that belongs to the package folder ``package``.

    Args:
        name: ``"datasets"`` or ``"experiments"``.
        package: The folder of the imported package.

    Raises:
        DataNotFoundError: If it is neither beside nor inside the package.

    Example:
        >>> find_resource("datasets", Path(__file__).parent) == datasets_dir()
        True
    """
    checkout, packaged = package.parent / name, package / f"_{name}"
    # In site-packages the folder beside the package may be a foreign one: Hugging Face's package
    # is called `datasets` too. A checkout is known by its project file.
    if (package.parent / "pyproject.toml").is_file() and checkout.is_dir():
        return checkout
    if packaged.is_dir():
        return packaged
    raise DataNotFoundError(
        f"the {name} folder is missing from {package}",
        expected=f"{packaged} (installed) or {checkout} (checkout)",
        mend="reinstall the package",
    )
