"""Graph learning on PyTorch Geometric: one package for training scripts, benchmarks and edge lists.

Importing the package costs nothing: each room (``graphlearn.nn``, ``graphlearn.data``, ...) is
imported where it is used, and :func:`run`, :func:`fit` and :func:`load` are fetched on first
access.

Example:
    >>> import graphlearn
    >>> graphlearn.__version__.count(".")
    2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphlearn.bench import run
    from graphlearn.serve import fit
    from graphlearn.serve import load_link_model as load

__version__ = "0.1.0"

__all__ = ["__version__", "fit", "load", "run"]


def __getattr__(name: str) -> Any:
    if name == "run":
        from graphlearn.bench import run

        return run
    if name == "fit":
        from graphlearn.serve import fit

        return fit
    if name == "load":
        from graphlearn.serve import load_link_model

        return load_link_model
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "fit", "load", "run"])
