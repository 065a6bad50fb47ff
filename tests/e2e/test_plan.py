"""A person asks what their graph's features will need, before training, in a fresh interpreter."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

START = "import sys; from graphlearn.cli import main; sys.exit(main())"


def test_plan_of_an_edge_list(tmp_path: Path, repository: Path) -> None:
    edges = "".join(f"{i}\t{(i * i + 7) % 400}\n" for i in range(400))
    (tmp_path / "links.tsv").write_text(edges)
    environment = {**os.environ, "PYTHONPATH": str(repository), "OMP_NUM_THREADS": "1"}

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", START, "plan", "--graph", "links.tsv", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    done = call(
        *("--dim", "64", "--host-bytes", "20KiB", "--fanout", "4,4"),
        *("--batch-size", "8", "--train-nodes", "40"),
    )
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines[0].startswith("store        disk-packed: rows are left to the disk: ")
    basis = "basis        the graph, with 40 training nodes drawn at random; averages of 64 batches"
    assert lines[1].startswith(basis)
    titles = " ".join(lines[-3].split())
    assert titles == "tier rows of all rows a batch of a batch bytes a batch"
    assert lines[-2].split()[:4] == ["memory", "80", "20.0", "%"]
    # A mistake is one line, and nothing is written.
    done = call("--dim", "64", "--host-bytes", "20 KB of RAM")
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    assert done.stderr.startswith("graphlearn: --host-bytes 20 KB of RAM: expected a size")
    assert [path.name for path in tmp_path.iterdir()] == ["links.tsv"]
