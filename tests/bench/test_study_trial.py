from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from graphlearn.bench import split_source, study_trial
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_from_text
from graphlearn.bench.runs import fill_in, run_recipes
from graphlearn.bench.split_source import SplitSource
from graphlearn.bench.study_trial import StudySplits, mean_value, run_trial
from graphlearn.data import GraphSplit, LinkSplit, NodeSplit, second_minimum_split
from graphlearn.errors import DivergedError, InputError

NODES = """
name: nodes
dataset: digits-knn
model:
  stack: {name: gcn, hidden_channels: 8, num_layers: 2, residual: true}
train: {epochs: 4, normalization: gcn, %s}
metrics: [accuracy, cross-entropy]
"""
SAMPLED = """
name: sampled
dataset: digits-knn
model:
  stack: {name: gcn, hidden_channels: 8, num_layers: 2}
train: {epochs: 2, fan_out: [3, 3]}
"""


@pytest.fixture
def recipes(trained: Recipe, network_recipe: Recipe) -> dict[str, Recipe]:
    texts = {"nodes": NODES % "chunks: 2", "chosen": NODES % "select_by: cross-entropy",
             "sampled": SAMPLED}  # fmt: skip
    return {
        "links": trained,
        "graphs": network_recipe,
        **{name: fill_in(recipe_from_text(text)) for name, text in texts.items()},
    }


@pytest.mark.parametrize("kind", ["links", "graphs", "nodes", "chosen", "sampled"])
def test_its_values_are_those_of_a_run_in_validation(
    recipes: dict[str, Recipe], kind: str, tmp_path: Path
) -> None:
    recipe = recipes[kind]
    assert recipe.metrics is not None
    values = run_trial(recipe, StudySplits(recipe))
    rows = run_recipes([recipe], out=tmp_path, progress=False).rows
    assert values == pytest.approx([row.valid[recipe.metrics[0]] for row in rows])
    assert len(values) == len(recipe.seeds)


@pytest.mark.parametrize("kind", ["links", "graphs", "nodes", "sampled"])
def test_no_metric_of_the_test_part_is_computed(
    recipes: dict[str, Recipe], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    recipe = dataclasses.replace(recipes[kind], seeds=(0,))
    records: list[Any] = []
    fits: list[Any] = []
    real = study_trial._validate

    def watched(*given: Any) -> Any:
        *others, hear = given

        def also(record: Any) -> None:
            records.append(record)
            hear(record)

        fits.append(real(*others, also))
        return fits[-1]

    monkeypatch.setattr(study_trial, "_validate", watched)
    run_trial(recipe, StudySplits(recipe), lambda epoch, value: None)
    assert [record.epoch for record in records] == list(range(1, len(records) + 1))
    assert all(record.valid and record.test == {} for record in records)
    assert fits[0].test == {}


@pytest.mark.parametrize("kind", ["nodes", "sampled"])
def test_a_test_part_that_cannot_be_scored_is_no_matter_for_nodes(
    recipes: dict[str, Recipe], kind: str
) -> None:
    splits = StudySplits(recipes[kind])
    good = run_trial(recipes[kind], splits)
    split = splits.of(0)
    assert isinstance(split, NodeSplit)
    flipped = split.data.y.clone()
    flipped[split.test_mask] = (flipped[split.test_mask] + 1) % split.num_classes
    split.data.y = flipped
    assert run_trial(recipes[kind], splits) == good


def test_links_of_the_test_part_are_not_looked_at(trained: Recipe) -> None:
    recipe = dataclasses.replace(trained, seeds=(0,))
    splits = StudySplits(recipe)
    good = run_trial(recipe, splits)
    split = splits.of(0)
    assert isinstance(split, LinkSplit)
    pairs = split.test_negatives, split.test_pairs  # the other way round: sound, and worthless
    splits._made[0] = dataclasses.replace(
        split, test_pairs=pairs[0][:, :50], test_negatives=pairs[1][:, :50]
    )
    assert run_trial(recipe, splits) == good


def test_how_the_first_seed_stands_is_told_now_and_then(
    trained: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert trained.train is not None
    heard: list[tuple[int, float]] = []
    values = run_trial(trained, StudySplits(trained), lambda *said: heard.append(said))
    assert [epoch for epoch, _ in heard] == [1, 2, 3]
    best = [value for _, value in heard]
    assert best == sorted(best)
    assert best[-1] == values[0]
    heard.clear()
    monkeypatch.setattr(study_trial, "_MOST_REPORTS", 1)
    run_trial(trained, StudySplits(trained), lambda *said: heard.append(said))
    assert [epoch for epoch, _ in heard] == [3]
    heard.clear()
    train = dataclasses.replace(trained.train, epochs=5, evaluate_every=2)
    monkeypatch.setattr(study_trial, "_MOST_REPORTS", 20)
    run_trial(
        dataclasses.replace(trained, train=train),
        StudySplits(trained),
        lambda *said: heard.append(said),
    )
    assert [epoch for epoch, _ in heard] == [2, 4]  # the last epoch is in step with no other trial


def test_a_smaller_error_is_the_better_one(recipes: dict[str, Recipe]) -> None:
    recipe = dataclasses.replace(recipes["nodes"], metrics=("cross-entropy",))
    heard: list[float] = []
    values = run_trial(recipe, StudySplits(recipe), lambda _, value: heard.append(value))
    assert heard == sorted(heard, reverse=True)
    assert heard[-1] == values[0]


def test_what_the_listener_raises_ends_the_trial(trained: Recipe) -> None:
    class Enough(Exception):
        pass

    def enough(epoch: int, value: float) -> None:
        raise Enough

    state = torch.get_rng_state()
    with pytest.raises(Enough):
        run_trial(trained, StudySplits(trained), enough)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_loss_that_runs_away_names_the_recipe(trained: Recipe) -> None:
    assert trained.train is not None
    train = dataclasses.replace(trained.train, encoder_learning_rate=1e38)  # type: ignore[call-arg]
    with pytest.raises(DivergedError, match="small on digits-knn"):
        run_trial(dataclasses.replace(trained, train=train), StudySplits(trained))


def test_folds_without_a_validation_part_are_refused(
    network_recipe: Recipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def folds(name: str, data_root: object, *, seed: int) -> GraphSplit:
        split = second_minimum_split(train=8, valid=4, test=4, larger=(), seed=seed)
        return dataclasses.replace(split, test=split.valid, cross_validated=True)

    monkeypatch.setattr(split_source, "load_graph_split", folds)
    with pytest.raises(InputError, match="split into folds without a validation part"):
        StudySplits(network_recipe)


def test_splits_are_made_once(trained: Recipe, monkeypatch: pytest.MonkeyPatch) -> None:
    splits = StudySplits(trained)
    monkeypatch.setattr(SplitSource, "make", None)
    assert splits.of(1) is splits.of(1)
    assert splits.of(1) is not splits.of(0)


def test_means() -> None:
    assert mean_value([0.1] * 10) == 0.1


def test_nothing_is_written(
    trained: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    run_trial(trained, StudySplits(trained))
    assert list(tmp_path.iterdir()) == []
