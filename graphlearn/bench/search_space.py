"""The space a study searches: ``--search "train.encoder_learning_rate=log(1e-4,1e-1)"``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from graphlearn.bench.labels import shown_setting
from graphlearn.bench.sweep import split_values
from graphlearn.bench.yaml_lines import parse_yaml
from graphlearn.errors import InputError, InputTypeError
from graphlearn.registry import unknown_name

SpaceKind = Literal["uniform", "log", "int", "choice"]
"""Numbers between bounds, the same on a logarithmic scale, integers, or any of some values."""

_FORMS = "uniform(low,high), log(low,high), int(low,high) or choice(value,value,...)"


@dataclass(frozen=True)
class Space:
    """The values that a setting may take.

    Args:
        kind: How they are drawn.
        low: The smallest; not for choices.
        high: The largest, which is one of them.
        values: Choices.

    Raises:
        InputTypeError: If a bound is no number, or of integers no integer.
        InputError: If bounds are not finite, in the wrong order, or not above 0 where they are
            logarithmic; if there is no choice, or one comes twice.

    Example:
        >>> str(Space("log", 1e-4, 0.1)), Space("int", 1, 4).ends
        ('log(0.0001,0.1)', [1, 4])
        >>> Space("choice", values=(512, 1152)).contains(600)
        False
        >>> Space("log", 0, 1)
        Traceback (most recent call last):
        graphlearn.errors.InputError: log(0,1): expected a lower bound above 0; use uniform(0,1)
    """

    kind: SpaceKind
    low: int | float = 0
    high: int | float = 0
    values: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in get_args(SpaceKind):
            raise unknown_name("search space", str(self.kind), get_args(SpaceKind))
        if self.kind == "choice":
            texts = [shown_setting(value) for value in self.values]
            if not texts or len(set(texts)) < len(texts):
                raise InputError(str(self), expected="one value at least, and none twice")
            return
        wanted = int if self.kind == "int" else (int, float)
        for bound in (self.low, self.high):
            if isinstance(bound, bool) or not isinstance(bound, wanted):
                raise InputTypeError(
                    f"{self} has the bound {bound!r}",
                    expected="integers" if self.kind == "int" else "numbers",
                )
            if not math.isfinite(bound):
                raise InputError(f"{self} has the bound {bound}", expected="finite numbers")
        if self.low > self.high:
            raise InputError(
                str(self),
                expected="the lower bound first",
                mend=f"use {self.kind}({self.high},{self.low})",
            )
        if self.kind == "log" and self.low <= 0:
            raise InputError(
                str(self),
                expected="a lower bound above 0",
                mend=f"use uniform({self.low},{self.high})",
            )

    @property
    def ends(self) -> list[Any]:
        """Its outermost values as a recipe gets them; of choices all."""
        if self.kind == "choice":
            return list(self.values)
        number = int if self.kind == "int" else float
        return [number(self.low), number(self.high)]

    def contains(self, value: Any) -> bool:
        """Whether a setting may take the value.

        Args:
            value: As a recipe has it.
        """
        if self.kind == "choice":
            return shown_setting(value) in map(shown_setting, self.values)
        is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
        whole = self.kind != "int" or isinstance(value, int)
        return is_number and whole and self.low <= value <= self.high

    def distribution(self, optuna: Any) -> Any:
        """Return what optuna draws from; choices are texts, which :meth:`value` turns back.

        Args:
            optuna: The package.
        """
        kinds = optuna.distributions
        if self.kind == "choice":
            # optuna keeps choices as JSON scalars and takes 1, 1.0 and True for one; texts differ.
            return kinds.CategoricalDistribution([shown_setting(value) for value in self.values])
        if self.kind == "int":
            return kinds.IntDistribution(self.low, self.high)
        return kinds.FloatDistribution(self.low, self.high, log=self.kind == "log")

    def value(self, drawn: Any) -> Any:
        """Return the setting's value for what optuna drew.

        Args:
            drawn: A number, or the text of a choice.
        """
        if self.kind != "choice":
            return drawn
        return {shown_setting(value): value for value in self.values}[drawn]

    def __str__(self) -> str:
        if self.kind == "choice":
            return f"choice({','.join(map(shown_setting, self.values))})"
        return f"{self.kind}({self.low},{self.high})"


def parse_space(text: str) -> Space:
    """Read a space as ``--search`` takes it.

    Args:
        text: Such as ``"log(1e-4,1e-1)"``.

    Raises:
        UnknownNameError: If there is no such kind; offers the nearest.
        InputError: If it is none of the forms, or its bounds or values cannot be used.
        InputTypeError: If a bound is of a wrong type.

    Example:
        >>> parse_space("choice([15,10], [5,5])").values
        ([15, 10], [5, 5])
    """
    match = re.fullmatch(r"\s*(\w+)\s*\((.*)\)\s*", text, re.DOTALL)
    if match is None:
        raise InputError(repr(text), expected=_FORMS)
    kind: Any = match[1]
    if kind not in get_args(SpaceKind):
        raise unknown_name("search space", kind, get_args(SpaceKind))
    pieces = split_values(match[2])
    if not all(pieces):
        raise InputError(repr(text), expected=_FORMS)
    values = tuple(parse_yaml(piece, source=repr(text)).value for piece in pieces)
    if kind == "choice":
        return Space(kind, values=values)
    if len(values) != 2:
        raise InputError(f"{text!r} has {len(values)} bounds", expected=f"{kind}(low,high)")
    return Space(kind, values[0], values[1])


def parse_search(texts: Iterable[str]) -> dict[str, Space]:
    """Turn ``key=space`` texts from the command line into spaces.

    Raises:
        InputError: If a text has no ``=``, a key comes twice, or a space cannot be used.

    Example:
        >>> parse_search(["encoder.num_layers=int(1,4)"])
        {'encoder.num_layers': Space(kind='int', low=1, high=4, values=())}
    """
    found: dict[str, Space] = {}
    for text in texts:
        key, equals, space = text.partition("=")
        key = key.strip().removeprefix("model.")
        if not equals or not key:
            raise InputError(
                f"--search {text}", expected="key=space, such as train.epochs=int(50,200)"
            )
        if key in found:
            raise InputError(f"--search names {key} twice", expected="each key once")
        found[key] = _named(key, space)
    return found


def as_spaces(search: Mapping[str, Any]) -> dict[str, Space]:
    """Return the spaces of a search that was given in Python.

    Args:
        search: Dotted key to a :class:`Space`, its text, or a list of values to choose from.

    Raises:
        InputTypeError: If it is no mapping, or a space is none of these.
        InputError: If it names nothing, or a space cannot be used.

    Example:
        >>> str(as_spaces({"train.batch_size": [512, 1152]})["train.batch_size"])
        'choice(512,1152)'
    """
    if not isinstance(search, Mapping):
        raise InputTypeError(f"search is {search!r}", expected="a mapping of dotted keys to spaces")
    if not search:
        raise InputError(
            "nothing is searched over",
            expected=f"keys of the recipe with one of {_FORMS}",
            mend="add --search train.batch_size=choice(512,1152)",
        )
    found: dict[str, Space] = {}
    for key, space in search.items():
        if isinstance(space, (list, tuple)):
            space = Space("choice", values=tuple(space))
        elif isinstance(space, str):
            space = _named(key, space)
        elif not isinstance(space, Space):
            raise InputTypeError(f"search has {key!r}: {space!r}", expected=_FORMS)
        found[key.removeprefix("model.")] = space
    return found


def _named(key: str, text: str) -> Space:
    """The space, with the key in its error."""
    try:
        return parse_space(text)
    except (InputError, InputTypeError) as error:
        raise type(error)(
            f"--search {key}: {error.given}", expected=error.expected, mend=error.mend
        ) from error
