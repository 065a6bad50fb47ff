"""What a seed's folder remembers, and what it takes for nothing."""

from __future__ import annotations

import dataclasses

import pytest

from graphlearn.bench.trackers.protocol import TrackedSeed
from graphlearn.bench.trackers.remembered import TRACKED_NAME, recall, remember


def test_each_service_has_its_values(seeds: list[TrackedSeed]) -> None:
    seed, other = seeds
    assert recall(seed, "wandb") == {}
    remember(seed, "wandb", id="a", step=0)
    remember(seed, "mlflow", run="b")
    remember(seed, "wandb", id="a", step=7)
    assert recall(seed, "wandb") == {"id": "a", "step": 7}
    assert recall(seed, "mlflow") == {"run": "b"}
    assert recall(other, "wandb") == {}


def test_another_recipe_data_or_version_begins_anew(seeds: list[TrackedSeed]) -> None:
    seed = seeds[0]
    remember(seed, "wandb", id="a")
    changed = dataclasses.replace(seed, key="another")
    assert recall(changed, "wandb") == {}
    remember(changed, "mlflow", run="b")
    assert recall(changed, "wandb") == {}
    assert recall(seed, "wandb") == {}


@pytest.mark.parametrize("text", ["", "{", "[]", '{"key": "key-0", "wandb": 3}', "\0"])
def test_a_damaged_file_is_nothing(seeds: list[TrackedSeed], text: str) -> None:
    seed = seeds[0]
    seed.folder.mkdir(parents=True)
    (seed.folder / TRACKED_NAME).write_text(text)
    assert recall(seed, "wandb") == {}
    remember(seed, "wandb", id="a")
    assert recall(seed, "wandb") == {"id": "a"}
