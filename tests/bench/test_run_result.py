from __future__ import annotations

import dataclasses

import pytest

from graphlearn.bench.run_result import RunResult, best_row
from graphlearn.bench.seed_result import SeedResult
from graphlearn.errors import DataNotFoundError
from graphlearn.nn import LinkModel


def test_table(finished: RunResult) -> None:
    table = finished.table()
    assert [cells[:3] for cells in table.cells] == [
        ("cn", "digits-knn", "1"),
        ("small", "digits-knn", "2"),
    ]
    assert str(finished) == str(table)
    assert repr(finished) == "RunResult(3 seeds)"


def test_curves_and_plot(finished: RunResult) -> None:
    assert [len(curve) for curve in finished.curves()] == [0, 3, 3]
    assert len(finished.plot().axes) == 3


def test_model_is_the_best_in_validation(finished: RunResult) -> None:
    model = finished.model
    assert isinstance(model, LinkModel)
    job = finished.jobs[finished.best]
    assert finished.model_folder == job.folder.seed(job.seed)
    best = max(row.valid["auc"] for row in finished.rows)
    assert finished.rows[finished.best].valid["auc"] == best


def test_best_row_looks_at_no_test_score() -> None:
    rows = [
        SeedResult("a", "d", 0, "", "", "", {"auc": 0.9}, {"auc": 0.5}),
        SeedResult("a", "d", 1, "", "", "", {"auc": 0.1}, {"auc": 0.6}),
    ]
    assert best_row(rows) == 1


def test_a_model_whose_folder_is_gone(finished: RunResult, tmp_path: object) -> None:
    from graphlearn.bench.run_folder import RunFolder

    jobs = tuple(
        dataclasses.replace(job, folder=RunFolder(f"{tmp_path}/gone")) for job in finished.jobs
    )
    gone = dataclasses.replace(finished, jobs=jobs)
    assert gone.curves() == [[], [], []]
    with pytest.raises(DataNotFoundError, match="is not at"):
        _ = gone.model


def test_best_row_knows_that_errors_are_better_low() -> None:
    rows = [
        SeedResult("a", "d", seed, "", "", "", {}, {"mae": value})
        for seed, value in enumerate((0.5, 0.2, 0.7))
    ]
    assert best_row(rows) == 1
