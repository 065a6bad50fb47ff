"""Kills for real; GRAPHLEARN_TEST_KILLS=10 for the full number."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import graphlearn

SCRIPT = Path(__file__).with_name("pipeline_kill_and_resume.py")


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
@pytest.mark.parametrize("how", ["started again", "elastic"])
def test_a_pipeline_killed_at_random_moments_ends_with_the_same_bits(how: str) -> None:
    named = os.environ.get("GRAPHLEARN_TEST_KILLS")
    kills = int(named) if named else 3 if how == "started again" else 1
    options = ["--kills", str(kills), "--epochs", "12"]
    root = str(Path(graphlearn.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *options, *(["--elastic"] if how == "elastic" else [])],
        env=os.environ | {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["kills"] == kills
    assert result["bit_identical"]
