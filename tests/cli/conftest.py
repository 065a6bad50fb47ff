"""The command line in this process, in an empty folder, and a finished run to look at."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from graphlearn import cli

Cli = Callable[..., tuple[int, str, str]]

TINY = ["--set", "train.epochs=2", "--set", "encoder.hidden_channels=4", "--seeds", "1"]


@pytest.fixture
def call(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Cli:
    """Run the command line in an empty folder; returns exit code, standard output and error."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main(words)
        out, err = capsys.readouterr()
        return code, out, err

    return run


@pytest.fixture(scope="session")
def done(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which one small run is finished; copy it before you change it."""
    folder = tmp_path_factory.mktemp("done")
    words = ["run", "cn", "gcn", "--out", str(folder / "runs"), "--quiet", *TINY]
    assert cli.main(words) == 0
    return folder


@pytest.fixture
def runs(done: Path, tmp_path: Path) -> Path:
    shutil.copytree(done / "runs", tmp_path / "runs")
    return tmp_path / "runs"
