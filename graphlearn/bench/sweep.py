"""Sweeps: ``--set train.batch_size=512,1152`` runs a recipe with each value, and all combinations.

Every combination is a recipe of its own, with its own digest, ledger rows and folder.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from graphlearn.bench.overrides import Settings
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.yaml_lines import YamlDocument, parse_yaml
from graphlearn.errors import InputError, InputTypeError

MOST_COMBINATIONS = 1000
"""Of which a run consists at most: more are a slip of the keyboard."""

Sweep = Mapping[str, Sequence[Any]]
"""Dotted key to the values it takes in turn: ``{"train.batch_size": [512, 1152]}``."""

Found = tuple[Recipe, YamlDocument, set[str]]
"""A recipe, the YAML it came from, and the settings that it took."""

_LABELS = ("seeds", "title", "name", "published", "swept")
_OPENS, _CLOSES = "[{(", "]})"


def split_values(text: str) -> list[str]:
    """Split at the commas that no bracket, brace, parenthesis or quote protects.

    Args:
        text: Values as they stand behind ``key=``.

    Example:
        >>> split_values("[15, 10],[5, 5]"), split_values("'a, b', c")
        (['[15, 10]', '[5, 5]'], ["'a, b'", 'c'])
    """
    parts, current, depth, quote, escaped = [], "", 0, "", False
    for sign in text:
        if quote:
            ends = sign == quote and not escaped
            escaped = quote == '"' and sign == "\\" and not escaped
            quote = "" if ends else quote
        elif sign in "'\"" and current.rstrip()[-1:] in ("", *"[{(,:'"):
            quote = sign  # one inside a word, as in don't, is an apostrophe
        elif sign in _OPENS:
            depth += 1
        elif sign in _CLOSES:
            depth = max(0, depth - 1)
        elif sign == "," and depth == 0:
            parts.append(current.strip())
            current = ""
            continue
        current += sign
    return [*parts, current.strip()]


def parse_sweep(texts: Iterable[str]) -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Turn ``key=value`` and ``key=value,value`` texts into settings, and values to sweep over.

    Args:
        texts: What was given to ``--set``; of a key given twice the last counts.

    Raises:
        InputError: If a text has no ``=``, lacks a value beside a comma, or a value is not YAML.

    Example:
        >>> parse_sweep(["train.epochs=5", "train.fan_out=[15,10],[5,5]"])
        ({'train.epochs': 5}, {'train.fan_out': [[15, 10], [5, 5]]})
    """
    settings: dict[str, Any] = {}
    sweep: dict[str, list[Any]] = {}
    for text in texts:
        key, equals, values = text.partition("=")
        key = key.strip()
        if not equals or not key:
            raise InputError(f"--set {text}", expected="key=value, such as train.epochs=5")
        pieces = split_values(values)
        if len(pieces) > 1 and not all(pieces):
            raise InputError(f"--set {text}", expected="a value on both sides of each comma")
        read = [parse_yaml(piece, source=f"--set {text}").value for piece in pieces]
        settings.pop(key, None)
        sweep.pop(key, None)
        if len(read) == 1:
            settings[key] = read[0]
        else:
            sweep[key] = read
    return settings, sweep


def combinations(settings: Settings, sweep: Sweep | None) -> list[dict[str, Any]]:
    """Return the settings of each combination, the last key's values changing fastest.

    Args:
        settings: Single values.
        sweep: Several values by key; without any there is one combination.

    Raises:
        InputTypeError: If ``sweep`` is no mapping, or its values are no list.
        InputError: If a key has no value, is in both, or decides no result; or if there are too
            many combinations.

    Example:
        >>> combinations({"train.epochs": 5}, {"ties": ["mean", "ogb"]})
        [{'train.epochs': 5, 'ties': 'mean'}, {'train.epochs': 5, 'ties': 'ogb'}]
    """
    sweep = {} if sweep is None else sweep
    if not isinstance(sweep, Mapping):
        raise InputTypeError(
            f"sweep is {sweep!r}", expected="a mapping of dotted keys to lists of values"
        )
    for key, values in sweep.items():
        if isinstance(values, str) or not isinstance(values, Sequence):
            raise InputTypeError(
                f"sweep has {key!r}: {values!r}", expected="a list of values",
                mend="give a single value with set",
            )  # fmt: skip
        if not values:
            raise InputError(f"sweep has no value for {key!r}", expected="at least one")
        if key in settings:
            raise InputError(f"{key} is in set and in sweep", expected="it in one of them")
        if key.partition(".")[0] in _LABELS:
            listed = ",".join(map(str, values))
            raise InputError(
                f"{key} cannot be swept over (it has {len(values)} values): it decides no result",
                expected="a setting of the model or its training",
                mend=f"use --seeds {listed}" if key == "seeds" else "quote a text with commas",
            )
    count = math.prod(len(values) for values in sweep.values())
    if count > MOST_COMBINATIONS:
        sizes = " x ".join(str(len(values)) for values in sweep.values())
        raise InputError(
            f"the sweep has {sizes} = {count:,} combinations",
            expected=f"at most {MOST_COMBINATIONS:,}",
            mend="sweep over fewer values, or let graphlearn tune choose among them",
        )
    return [
        {**settings, **dict(zip(sweep, values, strict=True))}
        for values in itertools.product(*sweep.values())
    ]


def swept_recipes(
    find: Callable[[dict[str, Any]], Found], settings: Settings, sweep: Sweep | None
) -> tuple[list[Recipe], list[YamlDocument], set[str]]:
    """Find a recipe with each combination's settings; the same one twice counts once.

    Args:
        find: From settings to the recipe, its YAML, and the settings it took.
        settings: Single values.
        sweep: Several values by key.

    Returns:
        The recipes, each knowing the keys by which they differ (``recipe.swept``); what they came
        from; and the settings that any of them took.

    Raises:
        InputError: As :func:`combinations` and ``find`` do.
    """
    found: dict[str, Recipe] = {}
    documents: list[YamlDocument] = []
    taken: set[str] = set()
    before: set[str] = set()  # in a recipe that was one of an earlier sweep
    for combination in combinations(settings, sweep):
        recipe, document, used = find(combination)
        documents.append(document)
        taken |= used
        before |= {*recipe.swept}
        # A table has a column for the data set.
        keys = [key.removeprefix("model.") for key in sweep or {} if key in used - {"dataset"}]
        recipe = dataclasses.replace(recipe, swept=(*dict.fromkeys((*recipe.swept, *keys)),))
        found.setdefault(recipe.digest(), recipe)
    values = [recipe.swept_values for recipe in found.values()]
    differ = {
        key
        for key in {key for own in values for key in own}
        if len({json.dumps(own[key]) if key in own else "" for own in values}) > 1
    }
    recipes = [
        dataclasses.replace(
            recipe, swept=tuple(key for key in recipe.swept if key in {*differ, *before})
        )
        for recipe in found.values()
    ]
    return recipes, documents, taken
