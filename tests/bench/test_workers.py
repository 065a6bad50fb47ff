from __future__ import annotations

import dataclasses
import multiprocessing
from pathlib import Path
from typing import Any

import pytest

from graphlearn.bench import workers as workers_module
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_text
from graphlearn.bench.runs import run_recipes
from graphlearn.bench.split_source import SplitSources
from graphlearn.bench.workers import _raise, _serve_jobs
from graphlearn.errors import DivergedError


def test_results_do_not_depend_on_the_workers(
    heuristic: Recipe, trained: Recipe, tmp_path: Path, same_figures: Any
) -> None:
    recipes = [heuristic, trained]
    alone = run_recipes(recipes, out=tmp_path / "alone", progress=False)
    shared = run_recipes(recipes, out=tmp_path / "shared", workers=2, progress=False)
    assert same_figures(alone, shared)
    for one, two in zip(alone.jobs, shared.jobs, strict=True):
        name = f"seed-{one.seed}/model.safetensors"
        assert (one.folder.path / name).read_bytes() == (two.folder.path / name).read_bytes()


def answers(*messages: Any) -> list[Any]:
    """What a worker sends back, here in this process."""
    ours, theirs = multiprocessing.Pipe()
    for message in messages:
        ours.send(message)
    _serve_jobs(theirs, SplitSources())
    theirs.close()
    found = []
    while ours.poll():
        try:
            found.append(ours.recv())
        except EOFError:
            break
    return found


def test_a_worker_tells_every_epoch_and_the_result(trained: Recipe, tmp_path: Path) -> None:
    job = (recipe_text(trained), 0, str(tmp_path / "run"), None)
    *epochs, (kind, result) = answers(job, None)
    assert [(message[0], message[1]) for message in epochs] == [
        ("epoch", 1),
        ("epoch", 2),
        ("epoch", 3),
    ]
    assert (kind, result["seed"], result["epochs"]) == ("finished", 0, 3)


def test_a_worker_s_error_reaches_the_caller(trained: Recipe, tmp_path: Path) -> None:
    assert trained.train is not None
    train = dataclasses.replace(
        trained.train, encoder_learning_rate=1e30, predictor_learning_rate=1e30, epochs=20
    )
    wild = dataclasses.replace(trained, train=train)
    message = answers((recipe_text(wild), 0, str(tmp_path / "run"), None))[-1]
    assert message[0] == "DivergedError"
    with pytest.raises(DivergedError, match="small on digits-knn"):
        _raise(*message)


def test_a_crash_is_shown_whole(
    trained: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(workers_module, "run_seed", fail)
    (message,) = answers((recipe_text(trained), 0, str(tmp_path / "run"), None))
    with pytest.raises(RuntimeError, match="ZeroDivisionError"):
        _raise(*message)
