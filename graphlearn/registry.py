"""Names to classes, with "did you mean" for a name that is not there."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, TypeVar

from graphlearn.errors import InputError, InputTypeError, UnknownNameError

T = TypeVar("T")

_MOST_NAMES = 60  # of which an error lists all
_FEW_NAMES = 8


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the known name closest to ``name``, or ``""`` when none is close.

    Example:
        >>> nearest("nncn", ["gcn", "ncn", "sage"])
        'ncn'
    """
    options = sorted(known)
    matches = difflib.get_close_matches(
        str(name).lower(), [o.lower() for o in options], n=1, cutoff=0.5
    )
    if not matches:
        return ""
    return next(o for o in options if o.lower() == matches[0])


def unknown_name(kind: str, name: str, known: Iterable[str], where: str = "") -> UnknownNameError:
    """Build (not raise) the error for an unknown name, offering the nearest known one.

    Args:
        kind: What the name stands for, such as ``"model"`` or ``"recipe key"``.
        name: What was given.
        known: Every accepted name.
        where: File and line, if the name came from one.
    """
    options = sorted(known)
    close = nearest(name, options)
    place = f"{where}: " if where else ""
    shown = options
    if len(options) > _MOST_NAMES:  # a line that fills the screen helps nobody
        shown = difflib.get_close_matches(name, options, n=_FEW_NAMES, cutoff=0.0)
    listed = ", ".join(shown) + ("" if shown is options else f", ... ({len(options)} in all)")
    return UnknownNameError(
        f"{place}unknown {kind} {name!r}",
        expected=f"one of {listed}" if options else "nothing: none is registered",
        mend=f"did you mean {close!r}?" if close else "",
    )


class Registry(Generic[T]):
    """A mapping from a short name to a class, filled by a decorator.

    Args:
        kind: What is registered, for the error text: ``"encoder"``, ``"predictor"``, ...

    Raises:
        UnknownNameError: From :meth:`get`, when the name is not registered.

    Example:
        >>> colours = Registry[type]("colour")
        >>> @colours.register("red")
        ... class Red: ...
        >>> colours.get("red") is Red
        True
    """

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._entries: dict[str, T] = {}

    def register(self, name: str) -> Callable[[T], T]:
        """Decorator that files the decorated object under ``name``."""

        def add(entry: T) -> T:
            assert name not in self._entries, f"{self.kind} {name!r} is registered twice"
            self._entries[name] = entry
            return entry

        return add

    def get(self, name: str) -> T:
        """Return what is filed under ``name``."""
        try:
            return self._entries[name]
        except KeyError:
            raise unknown_name(self.kind, name, self._entries) from None

    def names(self) -> list[str]:
        """Every registered name, sorted."""
        return sorted(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.kind!r}, {self.names()})"


def name_and_options(what: Any, kind: str) -> tuple[str, dict[str, Any]]:
    """Return the name and the options of a component that is given in short or as a mapping.

    Args:
        what: A name (``"gcn"``), or a mapping (``{"name": "gcn", "hidden_channels": 64}``).
        kind: What it names, for the error text.

    Raises:
        InputTypeError: If it is neither.
        InputError: If a mapping has no name.

    Example:
        >>> name_and_options({"name": "lcm", "shuffle": True}, "aggregator")
        ('lcm', {'shuffle': True})
    """
    if not isinstance(what, (str, dict)):
        raise InputTypeError(
            f"the {kind} is {what!r}", expected="a module, a name, or a mapping with a name"
        )
    options = {"name": what} if isinstance(what, str) else dict(what)
    name = options.pop("name", None)
    if not isinstance(name, str):
        raise InputError(f"the {kind} {what!r} has no name", expected="one as text under name")
    return name, options
