from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import load_recipe
from graphlearn.bench.run_folder import RunFolder, check_writable, open_run_folder
from graphlearn.bench.seed_result import SeedResult
from graphlearn.errors import CheckpointError, DataNotFoundError, OutputError

ROW = SeedResult("cn", "digits-knn", 3, "ab", "cd", "random", {"auc": 0.7})
CURVES = [{"epoch": 1, "loss": 0.5, "valid": {"auc": 0.7}}]


def test_the_name_says_what_it_is(trained: Recipe) -> None:
    folder = RunFolder.of(trained, "runs")
    assert folder.path.name == f"small-digits-knn-{trained.digest()[:8]}"
    assert folder.seed(3).name == "seed-3"


def test_results_come_back(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.read_result(3) is None
    folder.write_result(ROW, CURVES)
    assert folder.read_result(3) == (ROW, CURVES)


def test_settings(tmp_path: Path, trained: Recipe) -> None:
    folder = RunFolder(tmp_path / "run")
    assert folder.settings() == (None, 1)
    folder.prepare(trained, data_root="relative", threads=2)
    assert folder.settings() == (str(Path("relative").resolve()), 2)
    folder.prepare(trained)
    assert folder.settings() == (None, 1)
    (folder.path / "run.json").write_text('{"threads": "many"}')
    with pytest.raises(CheckpointError, match=r"run\.json"):
        folder.settings()


def test_open(tmp_path: Path, trained: Recipe) -> None:
    folder = RunFolder(tmp_path / "run")
    folder.prepare(trained)
    opened, recipe = open_run_folder(folder.path)
    assert opened.path == folder.path
    assert recipe == trained


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(DataNotFoundError, match="is not a run's folder"):
        open_run_folder(tmp_path)


@pytest.mark.parametrize("text", ['{"model": "cn", "da', "", "[1]"])
def test_truncated_or_foreign_result(tmp_path: Path, text: str) -> None:
    folder = RunFolder(tmp_path)
    folder.write_result(ROW, CURVES)
    (folder.seed(3) / "result.json").write_text(text)
    with pytest.raises(CheckpointError):
        folder.read_result(3)


def test_seeds_of_earlier_calls_are_kept(tmp_path: Path, trained: Recipe) -> None:
    folder = RunFolder(tmp_path / "run")
    for seeds in ((3,), (0, 1), (1,)):
        folder.prepare(dataclasses.replace(trained, seeds=seeds))
    assert open_run_folder(folder.path)[1].seeds == (0, 1, 3)


def test_writable(tmp_path: Path) -> None:
    check_writable(tmp_path / "a" / "b")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file", tmp_path / "file" / "runs"):
        with pytest.raises(OutputError, match="could not be written"):
            check_writable(path)


def test_a_folder_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.access", lambda *_: False)
    with pytest.raises(OutputError, match="Permission denied"):
        check_writable(tmp_path / "runs")


def test_runs_that_start_at_once_lose_nobodys_seeds(trained: Recipe, tmp_path: Path) -> None:
    def prepare(seed: int) -> None:
        RunFolder(tmp_path / "run").prepare(dataclasses.replace(trained, seeds=(seed,)))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(prepare, range(24)))
    assert load_recipe(tmp_path / "run" / "recipe.yaml").seeds == tuple(range(24))
