"""The command line as a person meets it: a fresh interpreter, a terminal, a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TINY = ["--set", "encoder.hidden_channels=4", "--seeds", "1"]


# A shell starts background jobs with Ctrl-C ignored, and their children inherit that.
START = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler);"
    "from graphlearn.cli import main; sys.exit(main())"
)


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", START, *words]


@pytest.fixture
def environment(repository: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}


def test_one_line_and_nothing_else_reaches_the_terminal(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """Warnings of other packages would make it more than one line."""
    words = command("run", "cn", "--dataset", "cora", "--data-root", "nowhere")
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("graphlearn: data_root nowhere does not exist")
    assert len(done.stderr.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_ctrl_c(tmp_path: Path, environment: dict[str, str]) -> None:
    words = command(
        "run", "gcn", "--set", "train.epochs=100000", "--set", "train.checkpoint_seconds=0", *TINY
    )
    process = subprocess.Popen(
        words, cwd=tmp_path, env=environment, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 100
    while not list(tmp_path.glob("runs/*/seed-0/checkpoint.safetensors")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in errors
    (folder,) = tmp_path.glob("runs/gcn-*")
    assert f"go on with: graphlearn resume {folder.relative_to(tmp_path)}" in errors
    assert not (folder / "seed-0" / "result.json").exists()
    assert not (tmp_path / "runs" / "ledger.jsonl").exists()


def test_a_whole_run(tmp_path: Path, environment: dict[str, str]) -> None:
    edges = "\n".join(f"p{i}\tp{(i * 7 + 3) % 90}\tx" for i in range(90))
    (tmp_path / "people.tsv").write_text(edges)
    words = command("run", "cn", "gcn", "--dataset", "people.tsv", "--set", "train.epochs=3", *TINY)
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert [line.split()[:3] for line in done.stdout.splitlines()[1:3]] == [
        ["cn", "people", "1"],
        ["gcn", "people", "1"],
    ]
    assert len(done.stderr.splitlines()) == 2
    ledger = (tmp_path / "runs" / "ledger.jsonl").read_text()
    rows = [json.loads(line) for line in ledger.splitlines()]
    assert [row["model"] for row in rows] == ["cn", "gcn"]
    assert "Warning" not in done.stderr
