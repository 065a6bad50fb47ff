from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench import plan as plan_module
from graphlearn.bench.ledger import Ledger
from graphlearn.bench.plan import Job, plan_jobs
from graphlearn.bench.recipe import ComponentRecipe, ModelRecipe, Recipe
from graphlearn.bench.run_result import RunResult
from graphlearn.errors import GraphLearnError, InputError

NO_LAYERS = ModelRecipe(
    ComponentRecipe("dot"), ComponentRecipe("gcn", {"hidden_channels": 4, "num_layers": 0})
)


def plan(recipes: list[Recipe], out: Path, **options: Any) -> list[Job]:
    ledger = options.pop("ledger", None) or Ledger(out / "ledger.jsonl")
    return plan_jobs(recipes, out=out, data_root=None, ledger=ledger, **options)


def test_one_job_a_seed(heuristic: Recipe, trained: Recipe, tmp_path: Path) -> None:
    jobs = plan([heuristic, trained], tmp_path / "runs")
    assert [job.label for job in jobs] == [
        "cn on digits-knn, seed 0",
        "small on digits-knn, seed 0",
        "small on digits-knn, seed 1",
    ]
    assert [job.epochs for job in jobs] == [0, 3, 3]
    assert jobs[0].dataset_hash == jobs[1].dataset_hash != jobs[2].dataset_hash
    assert not (tmp_path / "runs").exists()


def test_finished_seeds_are_known(finished: RunResult, trained: Recipe, tmp_path: Path) -> None:
    ledger = Ledger(finished.jobs[0].folder.path.parent / "ledger.jsonl")
    more = dataclasses.replace(trained, seeds=(0, 1, 2))
    assert [job.done is not None for job in plan([more], tmp_path, ledger=ledger)] == [
        True, True, False,
    ]  # fmt: skip


def test_another_version_s_rows_do_not_count(
    finished: RunResult, trained: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger = Ledger(finished.jobs[0].folder.path.parent / "ledger.jsonl")
    monkeypatch.setattr(plan_module.graphlearn, "__version__", "99.0.0")
    assert all(job.done is None for job in plan([trained], tmp_path, ledger=ledger))


def test_a_result_that_the_ledger_missed_is_added(
    finished: RunResult, trained: Recipe, tmp_path: Path
) -> None:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    out = finished.jobs[0].folder.path.parent
    jobs = plan([trained], out, ledger=ledger)
    assert [job.done for job in jobs] == list(finished.rows[1:]) == ledger.rows()


@pytest.mark.parametrize(
    "changes",
    [
        {"metrics": ("hits@100000",)},
        {"model": NO_LAYERS},
        {"dataset": "no-such-file.csv"},
    ],
)  # fmt: skip
def test_what_cannot_work_fails_before_anything_is_written(
    changes: dict[str, Any], trained: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(GraphLearnError):
        plan([dataclasses.replace(trained, **changes)], tmp_path / "runs")
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_not_there(trained: Recipe, tmp_path: Path) -> None:
    assert trained.train is not None
    train = dataclasses.replace(trained.train, device="no-such-device")
    with pytest.raises(InputError, match="no-such-device"):
        plan([dataclasses.replace(trained, train=train)], tmp_path)
