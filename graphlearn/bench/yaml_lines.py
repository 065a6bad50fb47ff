"""Read YAML as plain data together with the line of each key, for errors that point at it."""

from __future__ import annotations

import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from graphlearn.errors import DataNotFoundError, InputError

KeyPath = tuple[str, ...]
"""Where a value stands: ``("model", "encoder", "name")``."""


class _RecipeLoader(yaml.SafeLoader):
    """PyYAML's safe loader that refuses repeated keys and reads ``1e-3`` as a number.

    YAML 1.1, which PyYAML follows, takes ``1e-3`` for a string because it has no dot. In a file of
    learning rates that is a trap, so this loader reads it as YAML 1.2 does.
    """

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        first: dict[Any, int] = {}
        for key_node, _ in node.value:
            line = key_node.start_mark.line + 1
            if key_node.value in first:
                raise yaml.constructor.ConstructorError(
                    None, None, f"key {key_node.value!r} repeats line {first[key_node.value]}",
                    key_node.start_mark,
                )  # fmt: skip
            first[key_node.value] = line
        return super().construct_mapping(node, deep=deep)


_RecipeLoader.yaml_implicit_resolvers = {
    key: list(entries) for key, entries in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_RecipeLoader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?[0-9]+(?:\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)  # fmt: skip


@dataclass(frozen=True)
class YamlDocument:
    """Plain data, and where it came from.

    Args:
        value: Mappings, lists and scalars as :func:`yaml.safe_load` would give them.
        source: The file's name for error text; empty for data that came from no file.
        lines: Line of each key, counted from 1.
        notes: Keys that came from elsewhere, with the words for where (``"--set epochs=5"``).

    Example:
        >>> document = parse_yaml("train:\\n  epochs: 5\\n", source="demo.yaml")
        >>> document.value, document.where(("train", "epochs"))
        ({'train': {'epochs': 5}}, 'demo.yaml, line 2')
    """

    value: Any
    source: str = ""
    lines: dict[KeyPath, int] = field(default_factory=dict)
    notes: dict[KeyPath, str] = field(default_factory=dict)

    def where(self, path: KeyPath) -> str:
        """Return ``"file, line 3"`` for the key at ``path``, or what is known of it."""
        while path and path not in self.lines and path not in self.notes:
            path = path[:-1]
        if path in self.notes:
            return self.notes[path]
        if path and self.source:
            return f"{self.source}, line {self.lines[path]}"
        return self.source


def parse_yaml(text: str, *, source: str = "") -> YamlDocument:
    """Parse ``text`` without ever building anything but plain data.

    Args:
        text: The YAML text.
        source: The file's name for error text.

    Raises:
        InputError: If the text is not YAML, repeats a key, or asks for a Python object.

    Example:
        >>> parse_yaml("rate: 1e-3").value
        {'rate': 0.001}
    """
    loader = _RecipeLoader(text)
    try:
        node = loader.get_single_node()
        value = None if node is None else loader.construct_document(node)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark is not None else ""
        problem = str(getattr(error, "problem", None) or error).splitlines()[0]
        raise InputError(f"{source or 'YAML text'}{line}: {problem}", expected="YAML") from error
    except RecursionError as error:
        raise InputError(
            f"{source or 'YAML text'} is nested too deeply", expected="the keys of a recipe"
        ) from error
    finally:
        loader.dispose()
    lines: dict[KeyPath, int] = {}
    if node is not None:
        _note_lines(node, (), lines)
    return YamlDocument(value, source, lines)


def read_yaml(path: Path) -> YamlDocument:
    """Read and parse the file ``path``.

    Raises:
        DataNotFoundError: If there is no such file, or it cannot be read.
        InputError: If it is not YAML.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not text", expected="a YAML file in UTF-8") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise DataNotFoundError(f"{path}: {reason}", expected="a YAML file") from error
    return parse_yaml(text, source=str(path))


def _note_lines(
    node: yaml.Node, path: KeyPath, lines: dict[KeyPath, int], above: tuple[yaml.Node, ...] = ()
) -> None:
    if not isinstance(node, yaml.MappingNode) or node in above:  # an alias that contains itself
        return
    for key_node, value_node in node.value:
        below = (*path, str(key_node.value))
        lines[below] = key_node.start_mark.line + 1
        _note_lines(value_node, below, lines, (*above, node))
