"""Which options a registered component takes, read from its constructor."""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import Any

from graphlearn.nn import ENCODERS, NETWORKS, PREDICTORS
from graphlearn.nn.deep import DEEP_STACKS, deep_stack, layer_options
from graphlearn.registry import Registry, unknown_name

# Sizes that the builder knows from the data and the encoder; a recipe cannot set them.
_FILLED_IN = {
    "encoder": frozenset({"in_channels", "num_embeddings", "num_nodes", "num_entries"}),
    "predictor": frozenset({"channels"}),
    "network": frozenset(
        {
            "in_channels",
            "num_categories",
            "num_edge_categories",
            "edge_channels",
            "out_channels",
            "node_out_channels",
            "degree_histogram",
            "size_histogram",
        }
    ),
}
_REGISTRIES: dict[str, Registry[Any]] = {
    "encoder": ENCODERS,
    "predictor": PREDICTORS,
    "network": NETWORKS,
}
_UNWRITABLE = frozenset({"self", "args", "kwargs", "generator"})


@dataclass(frozen=True)
class Option:
    """One constructor argument that a recipe may set.

    Args:
        name: The argument's name.
        annotation: Its resolved type.
        default: Its default, or ``inspect.Parameter.empty``.

    Example:
        >>> Option("dropout", float, 0.0).required
        False
    """

    name: str
    annotation: Any
    default: Any

    @property
    def required(self) -> bool:
        """Whether the recipe must give it."""
        return self.default is inspect.Parameter.empty


def component_names(kind: str) -> list[str]:
    """Return the names of ``kind``: ``"encoder"``, ``"predictor"``, ``"network"`` or ``"stack"``.

    Example:
        >>> "ncn" in component_names("predictor")
        True
    """
    return list(DEEP_STACKS) if kind == "stack" else _REGISTRIES[kind].names()


def component_class(kind: str, name: str) -> type:
    """Return the class registered as ``name``.

    Raises:
        UnknownNameError: If there is none; offers the nearest.
    """
    entry: type = _REGISTRIES[kind].get(name)
    return entry


def component_options(kind: str, name: str) -> dict[str, Option]:
    """Return every option a recipe may give to the component ``name``.

    Args:
        kind: ``"encoder"``, ``"predictor"``, ``"network"`` or ``"stack"``.
        name: One of :func:`component_names`.

    Raises:
        UnknownNameError: If there is no such component.

    Example:
        >>> "hidden_channels" in component_options("encoder", "gcn")
        True
    """
    if kind == "stack":
        return _stack_options(name)
    cls = component_class(kind, name)
    hints = _hints(cls)
    options = {}
    for parameter in _parameters(cls):
        if parameter.name in _FILLED_IN[kind] | _UNWRITABLE:
            continue
        annotation = hints.get(parameter.name, Any)
        options[parameter.name] = Option(parameter.name, annotation, parameter.default)
    return options


def _stack_options(name: str) -> dict[str, Option]:
    """Those of the stack, then those of its layers."""
    if name not in DEEP_STACKS:
        raise unknown_name("stack", name, DEEP_STACKS)
    of_stack = inspect.signature(deep_stack, eval_str=True).parameters
    named = {key: of_stack[key] for key in ("hidden_channels", "num_layers", "dropout")}
    return {
        key: Option(key, parameter.annotation, parameter.default)
        for key, parameter in (named | layer_options(name)).items()
    }


def takes(kind: str, name: str, argument: str) -> bool:
    """Whether the component's constructor has ``argument``.

    Example:
        >>> takes("predictor", "cn", "channels")
        False
    """
    return any(p.name == argument for p in _parameters(component_class(kind, name)))


def _parameters(cls: type) -> list[inspect.Parameter]:
    """Named arguments of the constructor, following ``**kwargs`` up through the base classes."""
    found: dict[str, inspect.Parameter] = {}
    for base in cls.__mro__:
        if "__init__" not in vars(base) or base is object:
            continue
        parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
        for parameter in parameters:
            if parameter.kind not in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                found.setdefault(parameter.name, parameter)
        if not any(p.kind is p.VAR_KEYWORD for p in parameters):
            break
    return list(found.values())


def _hints(cls: type) -> dict[str, Any]:
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        if "__init__" in vars(base) and base is not object:
            hints.update(typing.get_type_hints(vars(base)["__init__"]))
    return hints
