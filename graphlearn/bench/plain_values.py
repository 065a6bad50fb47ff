"""Check plain YAML values against type annotations, and turn them into what the annotation says."""

from __future__ import annotations

import types
import typing
from typing import Any

from graphlearn.errors import InputTypeError

_UNWRITABLE = ", which a recipe cannot hold"
_WORDS = {int: "an integer", float: "a number", bool: "true or false", str: "text"}


def conform(value: Any, annotation: Any, *, name: str, where: str = "") -> Any:
    """Return ``value`` as the type ``annotation``, or raise naming both.

    Understands what recipes need: ``int``, ``float`` (takes an integer), ``bool``, ``str``,
    ``None``, unions, ``Literal``, and tuples, lists or text-keyed mappings of these. An annotation
    it does not know (a tensor, a callable) is one that YAML cannot write, and is refused.

    Args:
        value: What YAML or the command line gave.
        annotation: A resolved type annotation.
        name: The key's dotted name, for error text.
        where: File and line, if known.

    Raises:
        InputTypeError: If the value does not fit.

    Example:
        >>> conform(1, float, name="train.weight_decay")
        1.0
        >>> conform(["auc"], tuple[str, ...], name="metrics")
        ('auc',)
    """
    fits, result = _fit(value, annotation)
    if not fits:
        place = f"{where}: " if where else ""
        raise InputTypeError(
            f"{place}{name} is {value!r} ({_kind(value)})", expected=describe(annotation)
        )
    return result


def describe(annotation: Any) -> str:
    """Say an annotation in words for error text.

    Example:
        >>> describe(int | None)
        'an integer or null'
    """
    if annotation in _WORDS:
        return _WORDS[annotation]
    if annotation in (None, type(None)):
        return "null"
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        words = [describe(a) for a in arguments]
        writable = [word for word in words if not word.endswith(_UNWRITABLE)]
        return " or ".join(writable or words)
    if origin is typing.Literal:
        return "one of " + ", ".join(str(a) for a in arguments)
    if origin is dict:
        return "a mapping of names to values"
    if origin in (tuple, list):
        inner = [a for a in arguments if a is not Ellipsis]
        return "a list of " + (describe(inner[0]).removeprefix("a ").removeprefix("an ") + "s")
    return f"a {getattr(annotation, '__name__', annotation)}{_UNWRITABLE}"


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {"str": "text", "int": "an integer", "float": "a number", "bool": "true or false",
             "dict": "a mapping", "list": "a list"}  # fmt: skip
    return names.get(type(value).__name__, type(value).__name__)


def _fit(value: Any, annotation: Any) -> tuple[bool, Any]:
    if annotation is Any:
        return True, value
    if annotation in (None, type(None)):
        return value is None, None
    if annotation is bool:
        return isinstance(value, bool), value
    if annotation is int:
        return isinstance(value, int) and not isinstance(value, bool), value
    if annotation is float:
        fits = isinstance(value, (int, float)) and not isinstance(value, bool)
        return fits, float(value) if fits else value
    if annotation is str:
        return isinstance(value, str), value
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (typing.Union, types.UnionType):
        # The exact type first, so that an int stays an int under "float | int".
        for option in sorted(arguments, key=lambda a: a is not type(value)):
            fits, result = _fit(value, option)
            if fits:
                return True, result
        return False, value
    if origin is typing.Literal:
        return any(value == a and type(value) is type(a) for a in arguments), value
    if origin is dict:
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            return False, value
        entries = {key: _fit(v, arguments[1]) for key, v in value.items()}
        return all(fits for fits, _ in entries.values()), {k: r for k, (_, r) in entries.items()}
    if origin in (tuple, list) or getattr(origin, "__name__", "") == "Sequence":
        return _fit_sequence(value, origin, arguments)
    return False, value


def _fit_sequence(value: Any, origin: Any, arguments: tuple[Any, ...]) -> tuple[bool, Any]:
    if not isinstance(value, (list, tuple)):
        return False, value
    if origin is tuple and len(arguments) > 0 and Ellipsis not in arguments:
        if len(arguments) != len(value):
            return False, value
        fitted = [_fit(v, a) for v, a in zip(value, arguments, strict=True)]
    else:
        fitted = [_fit(v, arguments[0] if arguments else Any) for v in value]
    results = [result for _, result in fitted]
    return all(fits for fits, _ in fitted), results if origin is list else tuple(results)
