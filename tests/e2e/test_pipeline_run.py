"""``torchrun -m graphlearn.pipeline RECIPE`` as a person starts it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

TINY = ["gcnii/digits-knn", "--seeds", "1", "--set", "stack.num_layers=4", "--out", "runs"]


@pytest.fixture
def environment(repository: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}


def command(processes: int, *words: str) -> list[str]:
    launcher = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes), "-m"]
    started = launcher if processes > 1 else []
    return [sys.executable, "-m", *started, "graphlearn.pipeline", *words]


def result(folder: Path) -> dict[str, Any]:
    (path,) = folder.glob("runs/*/seed-0/result.json")
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def test_two_processes_give_the_figures_of_one_and_say_what_they_did(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    found = []
    for processes in (1, 2):
        home = tmp_path / str(processes)
        home.mkdir()
        words = command(processes, *TINY, "--set", "train.epochs=3")
        done = subprocess.run(words, cwd=home, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        assert done.stdout.count("gcnii  digits-knn") == 1
        found.append((result(home), done.stderr))
    (alone, _), (joined, errors) = found
    assert "pipeline" not in alone
    assert alone["test"] == joined["test"]
    assert [e["loss"] for e in alone["curves"]] == [e["loss"] for e in joined["curves"]]
    figures = joined["pipeline"]
    assert (figures["stages"], figures["ways"], figures["chunks"]) == (2, 1, 4)
    # Forward and back, rows of 1,797 nodes, and GCNII's initial ones beside them.
    assert figures["bytes_between_stages"] == 2 * 2 * 1797 * 64 * 4
    assert len(figures["stage_seconds"]) == 2
    assert sum(figures["stage_layers"]) == 6
    assert "pay: a pipeline of 2 stages" in errors.lower()
    (folder,) = (tmp_path / "2").glob("runs/gcnii-*")
    assert (folder / "seed-0" / "timeline.png").read_bytes()[1:4] == b"PNG"
    assert "<h2>Stages</h2>" in (folder / "report.html").read_text()


def test_a_killed_run_goes_on_with_another_number_of_processes(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    words = [*TINY, "--set", "train.epochs=40", "--set", "train.checkpoint_every=5"]
    process = subprocess.Popen(
        command(2, *words), cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 100
    while not list(tmp_path.glob("runs/*/seed-0/checkpoints/epoch-*/manifest.json")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    done = subprocess.run(
        command(1, *words), cwd=tmp_path, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    whole = tmp_path / "whole"
    whole.mkdir()
    subprocess.run(command(1, *words), cwd=whole, env=environment, check=True, capture_output=True)
    broken, undisturbed = result(tmp_path), result(whole)
    for name in ("test", "valid", "best_epoch", "curves"):
        assert broken[name] == undisturbed[name]


def test_what_processes_cannot_share_is_refused_in_one_line(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    words = command(2, "ncn/digits-knn")
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if line.startswith("graphlearn: ")]
    assert len(lines) == 1
    assert "recipe 'ncn' has no stack of layers for 2 processes to share" in lines[0]
    assert list(tmp_path.iterdir()) == []


def test_ways_that_do_not_divide_the_processes_are_refused(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    words = command(1, *TINY, "--ways", "2")
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("graphlearn: there are 1 processes for 2 ways")
    assert len(done.stderr.splitlines()) == 1
