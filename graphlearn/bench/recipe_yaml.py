"""A recipe's YAML form, read with every key and type checked and the place of each fault named."""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from graphlearn.bench.components import component_names, component_options
from graphlearn.bench.plain_values import conform
from graphlearn.bench.recipe import (
    TRAIN_CONFIGS,
    ComponentRecipe,
    ModelRecipe,
    Published,
    Recipe,
    SplitRecipe,
    Task,
    train_config,
)
from graphlearn.bench.yaml_lines import KeyPath, YamlDocument, parse_yaml, read_yaml
from graphlearn.errors import InputError, InputTypeError
from graphlearn.metrics import TieRule
from graphlearn.registry import unknown_name

TOP_KEYS = tuple(entry.name for entry in dataclasses.fields(Recipe))


def load_recipe(path: Path | str) -> Recipe:
    """Read a recipe from a YAML file.

    Args:
        path: The file.

    Raises:
        DataNotFoundError: If there is no such file.
        UnknownNameError: For an unknown key, model or option; names file, line and nearest.
        InputTypeError: For a value of the wrong type.
        InputError: For a missing key or an unusable value.
    """
    return recipe_from_document(read_yaml(Path(path)))


def recipe_from_text(text: str, *, source: str = "") -> Recipe:
    """Read a recipe from YAML text.

    Example:
        >>> recipe_from_text("{name: cn, model: {predictor: {name: cn}}}").name
        'cn'
    """
    return recipe_from_document(parse_yaml(text, source=source))


def recipe_text(recipe: Recipe, *, full: bool = True) -> str:
    """Return the YAML text of ``recipe``; reading it back gives an equal recipe.

    Example:
        >>> recipe = recipe_from_text("{name: cn, model: {predictor: {name: cn}}}")
        >>> recipe_from_text(recipe_text(recipe)) == recipe
        True
    """
    text: str = yaml.safe_dump(recipe.to_mapping(full=full), sort_keys=False, width=100)
    return text


def recipe_from_document(document: YamlDocument) -> Recipe:
    """Build a recipe from parsed YAML.

    Raises:
        UnknownNameError: For an unknown key, model or option.
        InputTypeError: For a value of the wrong type.
        InputError: For a missing key or an unusable value.
    """
    top = _mapping(document, document.value, (), TOP_KEYS)
    _require(document, top, (), ("name", "model"))
    values: dict[str, Any] = {
        "name": _value(document, top, ("name",), str),
        "model": _model(document, top["model"]),
        "title": _value(document, top, ("title",), str, ""),
        "dataset": _value(document, top, ("dataset",), str | None),
        "metrics": _value(document, top, ("metrics",), tuple[str, ...] | None),
        "ties": _value(document, top, ("ties",), TieRule, "pessimistic"),
        "seeds": _seeds(document, top),
        "swept": _value(document, top, ("swept",), tuple[str, ...], ()),
    }
    task: Task = values["model"].task
    if top.get("train") is not None:
        config = train_config(task, top["train"])
        values["train"] = _dataclass(document, top["train"], ("train",), config)
    elif values["model"].is_trained:
        values["train"] = TRAIN_CONFIGS[task]()
    if top.get("split") is not None:
        values["split"] = _dataclass(document, top["split"], ("split",), SplitRecipe)
    if top.get("published") is not None:
        values["published"] = _dataclass(document, top["published"], ("published",), Published)
    recipe: Recipe = _build(document, (), Recipe, values)
    return recipe


def model_from_mapping(value: Any, *, source: str = "") -> ModelRecipe:
    """Build the model part of a recipe from plain data.

    Args:
        value: A mapping with ``encoder`` and ``predictor``, with ``network``, or with ``stack``.
        source: Where it came from, for error text.

    Raises:
        UnknownNameError: For an unknown key, model or option.
        InputTypeError: For a value of the wrong type.

    Example:
        >>> model_from_mapping({"predictor": "cn"}).predictor.name
        'cn'
    """
    return _model(YamlDocument({"model": value}, source), value)


def _model(document: YamlDocument, value: Any) -> ModelRecipe:
    kinds = ("encoder", "predictor", "network", "stack")
    model = _mapping(document, value, ("model",), kinds)
    if model.get("network") is None and model.get("stack") is None:
        _require(document, model, ("model",), ("predictor",))
    parts = {
        kind: _component(document, model[kind], kind)
        for kind in kinds
        if model.get(kind) is not None
    }
    made: ModelRecipe = _build(document, ("model",), ModelRecipe, parts)
    return made


def _component(document: YamlDocument, value: Any, kind: str) -> ComponentRecipe:
    path = ("model", kind)
    if isinstance(value, str):
        value = {"name": value}
    mapping = _mapping(document, value, path, None)
    _require(document, mapping, path, ("name",))
    name = _value(document, mapping, (*path, "name"), str)
    if name not in component_names(kind):
        raise unknown_name(kind, name, component_names(kind), document.where((*path, "name")))
    known = component_options(kind, name)
    options = {}
    for key, given in mapping.items():
        if key == "name":
            continue
        where = document.where((*path, str(key)))
        if key not in known:
            raise unknown_name(f"option of {kind} {name!r}", str(key), known, where)
        options[key] = conform(given, known[key].annotation, name=f"{kind}.{key}", where=where)
    missing = [o.name for o in known.values() if o.required and o.name not in options]
    if missing:
        place = document.where(path)
        raise InputError(
            f"{place + ': ' if place else ''}{kind} {name!r} lacks {', '.join(missing)}",
            expected=f"a value for each of {', '.join(missing)}",
        )
    return ComponentRecipe(name, options)


def _seeds(document: YamlDocument, top: dict[str, Any]) -> tuple[int, ...]:
    given = _value(document, top, ("seeds",), int | tuple[int, ...], 1)
    if isinstance(given, int):
        if given < 1:
            raise InputError(
                f"{_prefix(document, ('seeds',))}seeds is {given}",
                expected="a count >= 1 or a list of seeds",
            )
        return tuple(range(given))
    return tuple(given)


def _dataclass(document: YamlDocument, value: Any, path: KeyPath, cls: type) -> Any:
    fields = dataclasses.fields(cls)
    mapping = _mapping(document, value, path, [f.name for f in fields])
    _require(document, mapping, path, [f.name for f in fields if f.default is dataclasses.MISSING])
    hints = typing.get_type_hints(cls)
    values = {key: _value(document, mapping, (*path, key), hints[key]) for key in mapping}
    return _build(document, path, cls, values)


def _build(document: YamlDocument, path: KeyPath, cls: Any, values: dict[str, Any]) -> Any:
    """Call ``cls``, adding the place to what its own checks of ranges may say."""
    try:
        return cls(**values)
    except InputError as error:
        # Such messages begin with the name of what is wrong.
        named = error.given.split(" ", 1)[0]
        place = (*path, named) if named in values else path
        given = f"{_prefix(document, place)}{error.given}"
        raise type(error)(given, expected=error.expected, mend=error.mend) from error


def _mapping(
    document: YamlDocument, value: Any, path: KeyPath, known: Iterable[str] | None
) -> dict[str, Any]:
    name = ".".join(path) or "the recipe"
    if not isinstance(value, dict):
        raise InputTypeError(
            f"{_prefix(document, path)}{name} is {value!r}", expected="a mapping of keys to values"
        )
    for key in value:
        if known is not None and key not in known:
            inside = f" in {'.'.join(path)!r}" if path else ""
            raise unknown_name(
                f"recipe key{inside}", str(key), known, document.where((*path, str(key)))
            )
    return value


def _value(
    document: YamlDocument, mapping: dict[str, Any], path: KeyPath, hint: Any, default: Any = None
) -> Any:
    if path[-1] not in mapping:
        return default
    return conform(mapping[path[-1]], hint, name=".".join(path), where=document.where(path))


def _require(
    document: YamlDocument, mapping: dict[str, Any], path: KeyPath, names: Iterable[str]
) -> None:
    missing = [name for name in names if name not in mapping]
    if missing:
        name = repr(".".join(path)) if path else "the recipe"
        raise InputError(
            f"{_prefix(document, path)}{name} lacks {', '.join(missing)}",
            expected="every required key",
        )


def _prefix(document: YamlDocument, path: KeyPath) -> str:
    where = document.where(path)
    return f"{where}: " if where else ""
