"""What an import pulls in: counted in modules, since a clock would fail on a busy machine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import graphlearn

HEAVY = {
    "cyclopts", "faiss", "matplotlib", "mlflow", "ogb", "optuna", "pandas", "pyarrow", "rich",
    "sklearn", "tensorboard", "wandb",
}  # fmt: skip
ROOMS = sorted(p.parent.name for p in Path(graphlearn.__file__).parent.glob("*/__init__.py"))

# One interpreter, step by step: what a step adds is what its import costs.
STEPS = [
    "import graphlearn; assert {'bench', 'data', 'fit', 'load', 'run'} <= {*dir(graphlearn)}",
    "import torch_geometric",
    "import graphlearn.nn",
    *(f"import graphlearn.{room}" for room in ROOMS if room != "nn"),
    "assert callable(graphlearn.run)",
    "assert callable(graphlearn.fit) and callable(graphlearn.load)",
]


@pytest.fixture(scope="module")
def added() -> dict[str, set[str]]:
    """For each step the top-level modules that it loads."""
    code = f"""
import json, sys
loaded, added = set(sys.modules), dict()
for step in {STEPS!r}:
    exec(step)
    added[step] = sorted({{name.split(".")[0] for name in set(sys.modules) - loaded}})
    loaded = set(sys.modules)
print(json.dumps(added))
"""
    # -W: PyG warns while it is imported (see pyproject.toml), which is not what is asked here.
    command = [sys.executable, "-W", "ignore", "-c", code]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    return {step: set(names) for step, names in json.loads(run.stdout).items()}


def test_the_package_itself_imports_nothing(added: dict[str, set[str]]) -> None:
    assert added[STEPS[0]] - sys.stdlib_module_names == {"graphlearn"}


def test_nn_brings_nothing_heavy_beyond_pyg(added: dict[str, set[str]]) -> None:
    assert {"torch", "torch_geometric"} <= added["import torch_geometric"]
    assert "graphlearn" in added["import graphlearn.nn"]
    assert not added["import graphlearn.nn"] & {
        *HEAVY,
        "networkx",
        "requests",
        "safetensors",
        "yaml",
    }


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_imports_what_is_shown_and_heavy_lazily(
    room: str, added: dict[str, set[str]]
) -> None:
    """The terminal, plots and readers of rare formats load when they are used, in bench too."""
    its_own = {"cyclopts"} if room == "cli" else set()
    assert not added[f"import graphlearn.{room}"] & HEAVY - its_own


def test_functions_are_fetched_on_first_access(added: dict[str, set[str]]) -> None:
    for step in STEPS[-2:]:
        assert not added[step] & HEAVY


def test_unknown_attribute() -> None:
    with pytest.raises(AttributeError, match="module 'graphlearn' has no attribute 'rum'"):
        graphlearn.rum  # noqa: B018


def test_every_room_is_an_attribute_of_the_package_without_an_import_of_its_own() -> None:
    """As README uses them after ``import graphlearn``; the command line is none of them."""
    rooms = sorted({*ROOMS, "errors"} - {"cli"})
    code = f"import graphlearn; print([getattr(graphlearn, room).__name__ for room in {rooms!r}])"
    command = [sys.executable, "-W", "ignore", "-c", code]
    run = subprocess.run(command, check=True, capture_output=True, text=True)
    assert run.stdout.strip() == str([f"graphlearn.{room}" for room in rooms])
    with pytest.raises(AttributeError, match="no attribute 'attic'"):
        graphlearn.attic  # noqa: B018
