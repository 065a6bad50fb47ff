"""Find the recipe a person means: a model's name, ``model/dataset``, a file, or a recipe itself."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from graphlearn.bench.overrides import Settings, apply_settings
from graphlearn.bench.recipe import Published, Recipe
from graphlearn.bench.recipe_yaml import recipe_from_document
from graphlearn.bench.yaml_lines import KeyPath, YamlDocument, read_yaml
from graphlearn.errors import InputError
from graphlearn.registry import unknown_name
from graphlearn.resources import experiments_dir

EMBEDDED_DATASET = "digits-knn"
"""What a run uses when nothing says otherwise: it needs no network and no files."""


def recipe_names() -> list[str]:
    """Return every shipped recipe as ``model/dataset``.

    Example:
        >>> "ncn/cora" in recipe_names()
        True
    """
    folder = experiments_dir()
    found = [
        f"{path.parent.name}/{path.stem}"
        for path in folder.glob("*/*.yaml")
        if path.parent.name not in ("results", "perf", "examples")
    ]
    return sorted(found)


def model_names() -> list[str]:
    """Return the models that have recipes.

    Example:
        >>> "ncnc" in model_names()
        True
    """
    return sorted({name.split("/")[0] for name in recipe_names()})


def find_recipe(
    what: str | Path | Recipe, dataset: str | None = None, settings: Settings | None = None
) -> tuple[Recipe, YamlDocument, set[str]]:
    """Return the recipe that ``what`` means, with the data set and settings put in.

    Args:
        what: ``"ncn"``, ``"ncn/cora"``, the path of a recipe file, or a recipe.
        dataset: A data set's name or the path of an edge list. A model without a recipe of its
            own for it uses its ``default`` recipe.
        settings: Dotted keys to values; see :func:`graphlearn.bench.overrides.apply_settings`.

    Returns:
        The recipe, the YAML it came from, and the settings that it took.

    Raises:
        UnknownNameError: If no such model or recipe exists; offers the nearest.
        InputError: If the model has no recipe for the data set, or a recipe that is given itself
            names none and neither does ``dataset``.
        DataNotFoundError: If a recipe file is missing.

    Example:
        >>> find_recipe("ncn", "cora")[0].label
        'ncn on cora'
    """
    if isinstance(what, Recipe):
        # Only names stand for a first look at a model, on data that everybody has.
        if what.dataset is None and dataset is None:
            raise InputError(
                f"the recipe {what.name!r} names no data set",
                expected="one beside it: the argument dataset, a name, a file or a graph",
            )
        document = YamlDocument(what.to_mapping(), f"the recipe {what.name!r}")
    else:
        document = read_yaml(_locate(str(what), dataset))
    if dataset is not None and isinstance(document.value, dict):
        own = document.value.get("dataset")
        if own != dataset:
            # A published figure belongs to the data set it was published for.
            changed: dict[str, Any] = {**document.value, "dataset": dataset}
            changed.pop("published", None)
            notes: dict[KeyPath, str] = {**document.notes, ("dataset",): f"--dataset {dataset}"}
            document = dataclasses.replace(document, value=changed, notes=notes)
    document, taken = apply_settings(document, settings or {})
    recipe = recipe_from_document(document)
    if recipe.dataset is None:
        recipe = dataclasses.replace(recipe, dataset=EMBEDDED_DATASET)
    return recipe, document, taken


def _locate(what: str, dataset: str | None) -> Path:
    path = Path(what).expanduser()
    if path.suffix in (".yaml", ".yml") or (path.is_file() and "/" in what):
        return path
    folder, names = experiments_dir(), recipe_names()
    if "/" in what:
        if what not in names:
            raise unknown_name("recipe", what, names)
        return folder / f"{what}.yaml"
    if what not in model_names():
        raise unknown_name("model", what, model_names())
    for name in (f"{what}/{dataset or EMBEDDED_DATASET}", f"{what}/default"):
        if name in names:
            return folder / f"{name}.yaml"
    known = [name.partition("/")[2] for name in names if name.startswith(f"{what}/")]
    raise InputError(
        f"{what} has no recipe for {dataset or EMBEDDED_DATASET}",
        expected="a data set it has one for: " + ", ".join(known),
        mend="" if dataset else f"add --dataset {known[0]}",
    )


def published_figures() -> dict[tuple[str, str], Published]:
    """Return every shipped recipe's published figure by model and data set.

    Example:
        >>> published_figures()["ncn", "cora"].value
        89.05
    """
    figures = {}
    for name in recipe_names():
        recipe = find_recipe(name)[0]
        if recipe.published is not None:
            figures[recipe.name, recipe.dataset_label] = recipe.published
    return figures
