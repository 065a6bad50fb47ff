"""``--set train.epochs=5``: change single values of a recipe before it is checked as a whole."""

from __future__ import annotations

import copy
import dataclasses
import typing
from collections.abc import Iterable, Mapping
from typing import Any

from graphlearn.bench.components import component_names, component_options
from graphlearn.bench.recipe import Published, SplitRecipe, Task, train_config
from graphlearn.bench.yaml_lines import KeyPath, YamlDocument
from graphlearn.registry import unknown_name

_KINDS = ("encoder", "predictor", "network", "stack")

Settings = Mapping[str, Any]
"""Dotted key to value: ``{"train.epochs": 5, "predictor.dropout": 0.1}``."""


def apply_settings(document: YamlDocument, settings: Settings) -> tuple[YamlDocument, set[str]]:
    """Return the document with ``settings`` put in, and the keys that it took.

    A key that this recipe has no place for is left alone: a run of several models gives
    ``train.epochs`` to those that train. The caller refuses keys that no recipe took, with
    :func:`refuse_untaken`.

    Args:
        document: A recipe's parsed YAML.
        settings: Dotted key to value; ``encoder.``, ``predictor.``, ``network.`` and ``stack.``
            stand for ``model.encoder.`` and so on. An option that holds options is gone into:
            ``network.readout.shuffle``.
    """
    if not isinstance(document.value, dict):
        return document, set()  # the recipe's own check names the fault
    value = copy.deepcopy(document.value)
    notes = dict(document.notes)
    taken: set[str] = set()
    # Names first: they decide which options there are.
    for key in sorted(settings, key=lambda k: not k.endswith(".name")):
        path = _path(key)
        known = {_path(known) for known in settable_keys(value)}
        if path not in known and not (path[:-1] in known and _holds_options(value, path[:-1])):
            continue
        _put(value, path, settings[key])
        notes[path] = f"--set {key}={settings[key]}"
        taken.add(key)
    return dataclasses.replace(document, value=value, notes=notes), taken


def refuse_untaken(settings: Settings, taken: set[str], documents: Iterable[YamlDocument]) -> None:
    """Raise for a setting that no recipe took, offering the nearest key.

    Raises:
        UnknownNameError: Naming the first such key.
    """
    for key in settings:
        if key not in taken:
            known = {k for document in documents for k in settable_keys(document.value)}
            raise unknown_name("setting", key.removeprefix("model."), known)


def settable_keys(value: Any) -> list[str]:
    """Return every dotted key that ``--set`` accepts for a recipe with this YAML value."""
    if not isinstance(value, dict):
        return []
    keys = ["dataset", "metrics", "seeds", "ties", "title"]
    keys += [f"split.{entry.name}" for entry in dataclasses.fields(SplitRecipe)]
    keys += [f"published.{entry.name}" for entry in dataclasses.fields(Published)]
    model = value.get("model")
    model = model if isinstance(model, dict) else {}
    tasks: dict[str, Task] = {"encoder": "links", "network": "graphs", "stack": "nodes"}
    for kind, task in tasks.items():
        if model.get(kind) is not None:
            config = train_config(task, value.get("train"))
            keys += [f"train.{entry.name}" for entry in dataclasses.fields(config)]
    for kind in _KINDS:
        component = model.get(kind)
        if component is None:
            continue
        name = component.get("name") if isinstance(component, dict) else component
        keys.append(f"{kind}.name")
        if name in component_names(kind):
            keys += [f"{kind}.{option}" for option in component_options(kind, name)]
    return keys


def _holds_options(value: dict[str, Any], path: KeyPath) -> bool:
    """Whether the option at ``path`` may be a mapping, such as an aggregator with its options."""
    if len(path) != 3 or path[0] != "model":
        return False
    component = value["model"][path[1]]
    name = component.get("name") if isinstance(component, dict) else component
    annotation = component_options(path[1], str(name))[path[2]].annotation
    return any(typing.get_origin(part) is dict for part in typing.get_args(annotation))


def _path(key: str) -> KeyPath:
    parts = tuple(key.split("."))
    return ("model", *parts) if parts[0] in _KINDS else parts


def _put(value: dict[str, Any], path: KeyPath, new: Any) -> None:
    for part in path[:-1]:
        below = value.get(part)
        if not isinstance(below, dict):
            below = {} if below is None else {"name": below}  # "encoder: gcn" in short
            value[part] = below
        value = below
    value[path[-1]] = new
