"""No public class without a test that names it, a docstring, shapes and a runnable example.

The rules, for every class that is public: defined in the module itself, with no leading underscore
in its name or in the module's path.

1.  It has a docstring of its own (not inherited, and not the one that ``dataclass`` makes up).
2.  The test file at the mirrored path names it: ``tests/a/test_b.py`` for both
    ``graphlearn/a/b.py`` and ``graphlearn/a/b/__init__.py``.
3.  Unless it is *small*, its docstring or that of one of its public methods holds a doctest that
    runs. Small are exceptions, enumerations, protocols, typed dictionaries, named tuples, and
    dataclasses with at most one public method.
4.  If it is a ``torch.nn.Module`` with a ``forward`` that takes arguments, the docstring of the
    class or of ``forward`` has a ``Shapes:`` section.

Whether the doctests pass is not asked here: pytest runs them (``--doctest-modules``).
"""

from __future__ import annotations

import dataclasses
import doctest
import enum
import importlib
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
import torch

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "graphlearn"


def module_names(package: Path) -> list[str]:
    """Every module under ``package``, by file: a module that fails to import is not overlooked."""
    names = []
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        names.append(".".join(parts[:-1] if parts[-1] == "__init__" else parts))
    return [name for name in names if not name.endswith("__main__")]


def public_classes(module: ModuleType) -> list[type]:
    if any(part.startswith("_") for part in module.__name__.split(".")):
        return []
    return [
        member
        for name, member in sorted(vars(module).items())
        if inspect.isclass(member)
        and member.__module__ == module.__name__
        and not name.startswith("_")
    ]


def mirrored_test(module: ModuleType, tests: Path) -> Path:
    *folders, last = module.__name__.split(".")[1:]
    return tests.joinpath(*folders, f"test_{last}.py")


def public_methods(cls: type) -> dict[str, object]:
    """Functions, class methods and static methods in the class's own body; properties are data."""
    return {
        name: getattr(member, "__func__", member)
        for name, member in vars(cls).items()
        if not name.startswith("_")
        and (inspect.isfunction(member) or isinstance(member, classmethod | staticmethod))
    }


def is_small(cls: type) -> bool:
    return (
        issubclass(cls, BaseException | enum.Enum | dict)
        or getattr(cls, "_is_protocol", False)
        or (issubclass(cls, tuple) and hasattr(cls, "_fields"))
        or (dataclasses.is_dataclass(cls) and len(public_methods(cls)) <= 1)
    )


def has_runnable_example(*docstrings: str) -> bool:
    parser = doctest.DocTestParser()
    return any(
        not example.options.get(doctest.SKIP, False)
        for docstring in docstrings
        for example in parser.get_examples(docstring)
    )


def faults(cls: type, tests: Path) -> list[str]:
    """What the rules of this file find missing in ``cls``."""
    found = []
    docstring = vars(cls).get("__doc__") or ""
    made_up = dataclasses.is_dataclass(cls) and docstring.startswith(f"{cls.__name__}(")
    if not docstring.strip() or made_up:
        found.append("no docstring of its own")

    module = importlib.import_module(cls.__module__)
    file = mirrored_test(module, tests)
    if not file.is_file():
        found.append(f"no test file {file.relative_to(tests.parent).as_posix()}")
    elif not re.search(rf"\b{re.escape(cls.__name__)}\b", file.read_text(encoding="utf-8")):
        found.append(f"{file.relative_to(tests.parent).as_posix()} does not name it")

    methods = [inspect.getdoc(method) or "" for method in public_methods(cls).values()]
    if not is_small(cls) and not has_runnable_example(docstring, *methods):
        found.append("no runnable `>>>` example")

    if issubclass(cls, torch.nn.Module) and cls.forward is not torch.nn.Module.forward:
        takes_arguments = len(inspect.signature(cls.forward).parameters) > 1
        where_shapes_stand = docstring + (cls.forward.__doc__ or "")
        if takes_arguments and not re.search(r"^\s*Shapes:", where_shapes_stand, re.MULTILINE):
            found.append("no `Shapes:` section")
    return found


@pytest.mark.parametrize("name", module_names(PACKAGE))
def test_public_classes_are_complete(name: str) -> None:
    module = importlib.import_module(name)
    missing = {cls.__name__: faults(cls, REPOSITORY / "tests") for cls in public_classes(module)}
    assert {name: found for name, found in missing.items() if found} == {}


def test_every_module_has_a_docstring() -> None:
    silent = [n for n in module_names(PACKAGE) if not importlib.import_module(n).__doc__]
    assert silent == []


# --- The checker itself is checked: on classes made up here, it has to find each fault. ---

GOOD = '''
"""A module."""
import dataclasses, torch

class Layer(torch.nn.Module):
    """A layer.

    Shapes:
        - x: ``[N, C]``

    Example:
        >>> Layer()
        Layer()
    """
    def forward(self, x): return x

class Tool:
    """A tool."""
    def use(self):
        """Use it.

        >>> Tool().use()
        """

class Refusal(ValueError):
    """An error."""

@dataclasses.dataclass
class Point:
    """A place."""
    x: int = 0
    @property
    def flipped(self): return -self.x
    def shown(self): return str(self.x)

class _Hidden: ...
'''
GOOD_TESTS = "Layer Tool Refusal Point"


@pytest.fixture
def check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Write a module ``made_up.room`` and its test file, and return the faults by class name."""

    def run(source: str, tests: str | None) -> dict[str, list[str]]:
        (tmp_path / "made_up").mkdir()
        (tmp_path / "made_up" / "__init__.py").touch()
        (tmp_path / "made_up" / "room.py").write_text(source)
        (tmp_path / "tests").mkdir()
        if tests is not None:
            (tmp_path / "tests" / "test_room.py").write_text(tests)
        monkeypatch.syspath_prepend(tmp_path)
        assert module_names(tmp_path / "made_up") == ["made_up", "made_up.room"]
        for name in ("made_up", "made_up.room"):  # what is set here is taken out again
            monkeypatch.delitem(sys.modules, name, raising=False)
        module = importlib.import_module("made_up.room")
        try:
            return {c.__name__: faults(c, tmp_path / "tests") for c in public_classes(module)}
        finally:
            for name in ("made_up", "made_up.room"):
                sys.modules.pop(name, None)

    return run


def test_checker_accepts_a_good_module(check) -> None:
    assert check(GOOD, GOOD_TESTS) == {"Layer": [], "Point": [], "Refusal": [], "Tool": []}


@pytest.mark.parametrize(
    ("cut", "put", "name", "fault"),
    [
        ("Shapes:", "Sizes:", "Layer", "no `Shapes:` section"),
        (">>> Layer()", ">>> Layer()  # doctest: +SKIP", "Layer", "no runnable `>>>` example"),
        (">>> Tool().use()", "Tool().use()", "Tool", "no runnable `>>>` example"),
        ('"""A tool."""', "", "Tool", "no docstring of its own"),
        ('"""An error."""', "...", "Refusal", "no docstring of its own"),
        ('"""A place."""', "", "Point", "no docstring of its own"),
        ("@property", "", "Point", "no runnable `>>>` example"),
    ],
)
def test_checker_finds_each_fault(check, cut: str, put: str, name: str, fault: str) -> None:
    assert cut in GOOD
    found = check(GOOD.replace(cut, put), GOOD_TESTS)
    assert found == {"Layer": [], "Point": [], "Refusal": [], "Tool": [], name: [fault]}


def test_checker_finds_a_class_that_its_test_file_does_not_name(check) -> None:
    found = check(GOOD, "Layers Tool Refusal Point")
    assert found["Layer"] == ["tests/test_room.py does not name it"]
    assert found["Tool"] == []


def test_checker_finds_a_missing_test_file(check) -> None:
    assert check(GOOD, None)["Point"] == ["no test file tests/test_room.py"]


def test_checker_looks_at_the_mirrored_path(tmp_path: Path) -> None:
    assert mirrored_test(ModuleType("graphlearn.a.b"), tmp_path) == tmp_path / "a" / "test_b.py"
    assert mirrored_test(ModuleType("graphlearn.a"), tmp_path) == tmp_path / "test_a.py"
