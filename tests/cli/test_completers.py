"""Names that a shell offers: all that there are, from the files alone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from graphlearn.bench.ogb_recipes import ogb_names
from graphlearn.bench.recipe_files import model_names, recipe_names
from graphlearn.cli import completers
from graphlearn.data import dataset_names


def test_models_and_recipes() -> None:
    recipes = {name for name in recipe_names() if not name.endswith("/default")}
    assert set(completers.models(None)) == recipes | set(model_names())


def test_data_sets() -> None:
    assert completers.data_sets(None) == sorted(dataset_names())
    assert completers.ogb_data_sets(None) == ogb_names()


def test_no_torch_is_loaded_for_it() -> None:
    code = (
        "import sys; from graphlearn.cli import main; main(['__complete', 'run', 'nc']); "
        "assert 'torch' not in sys.modules"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=120
    )
    assert "ncn/cora" in run.stdout.split()


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not here")
@pytest.mark.parametrize(
    ("line", "offered"),
    [
        (["run", "ncn/ogbl-d"], ["ncn/ogbl-ddi"]),
        (["bench", "ogbl-d"], ["ogbl-ddi"]),
        (["run", "ncn", "--dataset", "cite"], ["citeseer"]),
    ],
)
def test_bash_completes(tmp_path: Path, line: list[str], offered: list[str]) -> None:
    """As a person presses <TAB>: the script is sourced and its function called by bash."""
    program = tmp_path / "graphlearn"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m graphlearn.cli "$@"\n')
    program.chmod(0o755)
    script = subprocess.run([program, "completion", "bash"], check=True, capture_output=True)
    (tmp_path / "script").write_bytes(script.stdout)
    words = " ".join(f"'{word}'" for word in ["graphlearn", *line])
    code = (
        f"source script; COMP_WORDS=({words}); COMP_CWORD={len(line)}; _graphlearn; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    path = f"{tmp_path}{os.pathsep}{os.environ['PATH']}"
    run = subprocess.run(
        ["bash", "--norc", "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert [word.strip() for word in run.stdout.split()] == offered, run.stderr
