from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench.ledger import Ledger
from graphlearn.bench.resume import resume_run
from graphlearn.bench.run_result import RunResult
from graphlearn.errors import CheckpointError, DataNotFoundError


@pytest.fixture
def unfinished(finished: RunResult, tmp_path: Path) -> Path:
    """The run's folder after a kill in the second seed: no result, no line in the ledger."""
    folder = finished.jobs[1].folder.path
    shutil.copytree(folder, tmp_path / folder.name)
    (tmp_path / folder.name / "seed-1" / "result.json").unlink()
    Ledger(tmp_path / "ledger.jsonl").append(finished.rows[1])
    return tmp_path / folder.name


def test_finishes_what_is_left(unfinished: Path, finished: RunResult) -> None:
    result = resume_run(unfinished, progress=False)
    assert [row.test for row in result.rows] == [row.test for row in finished.rows[1:]]
    assert result.rows[0] == finished.rows[1]
    assert len(Ledger(unfinished.parent / "ledger.jsonl").rows()) == 2


def test_a_seed_s_folder(unfinished: Path, finished: RunResult) -> None:
    result = resume_run(unfinished / "seed-1", progress=False)
    assert [row.seed for row in result.rows] == [1]
    assert result.rows[0].test == finished.rows[2].test
    assert result.jobs[0].folder.path == unfinished


def test_from_inside_the_folder(unfinished: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(unfinished / "seed-1")
    assert [row.seed for row in resume_run(".", progress=False).rows] == [1]


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", None])
def test_truncated_or_foreign_checkpoint(unfinished: Path, content: Any) -> None:
    checkpoint = unfinished / "seed-1" / "checkpoint.safetensors"
    checkpoint.write_bytes(checkpoint.read_bytes()[:-7] if content is None else content)
    with pytest.raises(CheckpointError, match=r"checkpoint\.safetensors"):
        resume_run(unfinished, progress=False)


def test_not_a_run(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="not a run's folder"):
        resume_run(tmp_path)
