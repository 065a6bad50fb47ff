"""Graph learning on PyTorch Geometric: one package for training scripts, benchmarks and edge lists.

Importing the package costs nothing: each room (``graphlearn.nn``, ``graphlearn.data``, ...) is
imported where it is first used, be it by ``import graphlearn.nn`` or as an attribute, and
:func:`run`, :func:`fit` and :func:`load` are fetched on first access.

Example:
    >>> import graphlearn
    >>> graphlearn.__version__.count(".")
    2
    >>> graphlearn.nn.NCN.__name__
    'NCN'
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from graphlearn import bench as bench
    from graphlearn import data as data
    from graphlearn import errors as errors
    from graphlearn import expressive as expressive
    from graphlearn import kernels as kernels
    from graphlearn import loader as loader
    from graphlearn import metrics as metrics
    from graphlearn import nn as nn
    from graphlearn import pipeline as pipeline
    from graphlearn import serve as serve
    from graphlearn import store as store
    from graphlearn import topology as topology
    from graphlearn import train as train
    from graphlearn import transforms as transforms
    from graphlearn.bench import run
    from graphlearn.serve import fit
    from graphlearn.serve import load_link_model as load

__version__ = "0.1.0"

_ROOMS = (
    "bench", "data", "errors", "expressive", "kernels", "loader", "metrics", "nn", "pipeline",
    "serve", "store", "topology", "train", "transforms",
)  # fmt: skip

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
    if name in _ROOMS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOMS, "fit", "load", "run"})
