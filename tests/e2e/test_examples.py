"""The scripts in experiments/examples run as they stand, without data and without network."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
EXAMPLES = sorted((REPOSITORY / "experiments" / "examples").glob("*.py"))
PROMISED = {"fit_and_predict", "ncn_in_pyg", "pipelined_gcnii"}
"""Our layers in a stock PyG script, links of a whole graph, layers on several processes."""

# Whatever would be fetched is refused at once, and what lies in a user's cache is not seen.
CLOSED = "http://127.0.0.1:9"
OFFLINE = {"http_proxy": CLOSED, "https_proxy": CLOSED, "no_proxy": "", "GRAPHLEARN_DATA": "."}


def torchrun_commands() -> list[str]:
    """The lines of the scripts' docstrings that start several processes."""
    lines = [line.strip() for path in EXAMPLES for line in path.read_text().splitlines()]
    return [line for line in lines if line.startswith("torchrun ")]


def score_of(words: list[str], folder: Path) -> tuple[float, str]:
    """The last word of what a script prints: how well it does; and all of it."""
    done = subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, **OFFLINE, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return float(done.stdout.rsplit(maxsplit=1)[-1]), done.stdout


@pytest.mark.parametrize("script", EXAMPLES, ids=lambda path: path.stem)
def test_the_example_runs_and_finds_held_out_links(script: Path, tmp_path: Path) -> None:
    score, printed = score_of([str(script)], tmp_path)
    assert 0.6 < score <= 1.0, printed


@pytest.mark.parametrize("command", torchrun_commands())
def test_the_example_runs_on_several_processes(command: str, tmp_path: Path) -> None:
    words = [str(REPOSITORY / word) if word.endswith(".py") else word for word in command.split()]
    # On a port of its own: other runs may be going on here.
    score, printed = score_of(["-m", "torch.distributed.run", "--standalone", *words[1:]], tmp_path)
    assert 0.6 < score <= 1.0, printed
    assert "stages=2" in printed


def test_links_of_a_whole_graph_are_in_the_files(tmp_path: Path) -> None:
    script = REPOSITORY / "experiments" / "examples" / "fit_and_predict.py"
    _, printed = score_of([str(script), "--source", "7", "--out", "here"], tmp_path)
    assert printed.startswith("a generated graph, since email-Enron is not here: ")
    rows = (tmp_path / "here" / "links.csv").read_text().splitlines()
    assert f"{len(rows) - 1:,} links: here/links.csv" in printed
    best = next(row for row in rows if row.startswith("7,1,")).split(",")
    assert f"\n  7 - {best[2]}  " in printed
    assert (tmp_path / "here" / "model" / "card.json").is_file()


def test_there_are_examples() -> None:
    assert {path.stem for path in EXAMPLES} >= PROMISED
    assert torchrun_commands() == [
        "torchrun --nproc-per-node 2 experiments/examples/pipelined_gcnii.py"
    ]
