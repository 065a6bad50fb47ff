"""Graph learning on PyTorch Geometric: one package for training scripts, benchmarks and edge lists.

Importing the package costs nothing: each room (``graphlearn.nn``, ``graphlearn.data``, ...) is
imported where it is used, and :func:`run` is fetched on first access.

Example:
    >>> import graphlearn
    >>> graphlearn.__version__.count(".")
    2
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphlearn.bench import run

__version__ = "0.1.0"

__all__ = ["__version__", "run"]


def __getattr__(name: str) -> Any:
    if name == "run":
        from graphlearn.bench import run

        return run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "run"])
