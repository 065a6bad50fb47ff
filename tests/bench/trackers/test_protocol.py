"""What a seed is to a tracker."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from graphlearn.bench.plan import Job
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.run_folder import RunFolder
from graphlearn.bench.trackers.protocol import Outcome, TrackedSeed, Tracker, flat


def seed_of(recipe: Recipe, seed: int, dataset_hash: str = "ab") -> TrackedSeed:
    return TrackedSeed.of(Job(recipe, seed, RunFolder.of(recipe, "runs"), dataset_hash))


def test_a_job_s_seed(trained: Recipe) -> None:
    seed = seed_of(trained, 1)
    assert seed.label == "small on digits-knn, seed 1"
    assert seed.path == f"small-digits-knn-{trained.digest()[:8]}/seed-1"
    assert seed.group == seed.path.split("/")[0]
    assert seed.folder == Path("runs") / seed.group / "seed-1"
    assert seed.config["seed"] == 1
    assert seed.config["recipe"] == "small"
    assert seed.config["train.epochs"] == 3
    assert seed.config["model.encoder.name"] == "gcn"
    assert seed.config["metrics"] == '["auc", "hits@20"]'
    assert not {"seeds", "name", "title"} & set(seed.config)


def test_the_key_is_of_recipe_data_and_seed(trained: Recipe, heuristic: Recipe) -> None:
    assert seed_of(trained, 1).key == seed_of(trained, 1).key
    renamed = dataclasses.replace(trained, title="in words")
    assert seed_of(trained, 1).key == seed_of(renamed, 1).key
    others = [seed_of(trained, 0), seed_of(trained, 1, "cd"), seed_of(heuristic, 1)]
    assert seed_of(trained, 1).key not in {other.key for other in others}


def test_flat_values_are_plain() -> None:
    nested = {"a": {"b": {"c": 1}, "d": [1, "x"]}, "e": None, "f": True, "g": {}}
    assert flat(nested) == {"a.b.c": 1, "a.d": '[1, "x"]', "e": None, "f": True}


def test_a_class_of_one_s_own_follows_the_protocol() -> None:
    class Mine:
        def start(self, seed: TrackedSeed) -> None: ...

        def log(self, seed: TrackedSeed, step: int, values: Mapping[str, float]) -> None: ...

        def end(self, seed: TrackedSeed, outcome: Outcome, values: Mapping[str, float]) -> None: ...

        def close(self) -> None: ...

    tracker: Tracker = Mine()
    assert tracker is not None
