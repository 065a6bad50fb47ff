"""What a shell offers after <TAB>: names of models, recipes and data sets.

They are read off the names of files, without torch: a shell waits for the answer.
"""

from __future__ import annotations

from typing import Any

from graphlearn.resources import datasets_dir, experiments_dir

_NO_MODELS = ("results", "perf", "examples")
_OGB = ("ogbl-", "ogbn-", "ogbg-")
_STANDS_IN = "-smiles"  # a card that another falls back on


def models(context: Any) -> list[str]:
    """Offer models (``ncn``) and recipes (``ncn/cora``).

    Args:
        context: What cyclopts knows of the line; not looked at, since it narrows the list itself.
    """
    recipes = [
        (path.parent.name, path.stem)
        for path in experiments_dir().glob("*/*.yaml")
        if path.parent.name not in _NO_MODELS
    ]
    names = {model for model, _ in recipes}
    return sorted(names | {f"{model}/{data}" for model, data in recipes if data != "default"})


def data_sets(context: Any) -> list[str]:
    """Offer the names of data sets.

    Args:
        context: As in :func:`models`.
    """
    return sorted(path.stem for path in datasets_dir().glob("*.yaml"))


def ogb_data_sets(context: Any) -> list[str]:
    """Offer OGB's names.

    Args:
        context: As in :func:`models`.
    """
    return [
        name
        for name in data_sets(context)
        if name.startswith(_OGB) and not name.endswith(_STANDS_IN)
    ]
