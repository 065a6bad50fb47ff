from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch

from graphlearn.bench.listener import Epoch
from graphlearn.bench.node_run import CHECKPOINTS, NodeRun, pipeline_figures, train_nodes
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_from_text
from graphlearn.bench.run_folder import RunFolder
from graphlearn.bench.runs import fill_in, run_recipes
from graphlearn.bench.saved_model import load_model
from graphlearn.bench.seed_result import SeedResult
from graphlearn.bench.seed_run import run_seed
from graphlearn.bench.split_source import SplitSource
from graphlearn.data import NodeSplit
from graphlearn.errors import DivergedError
from graphlearn.pipeline.profile import PipelineProfile
from graphlearn.pipeline.timeline import simulate_turns

TEXT = """
name: small
dataset: digits-knn
model:
  stack: {name: gcn, hidden_channels: 8, num_layers: 2, dropout: 0.1, residual: true}
train: {epochs: 4, chunks: 3, normalization: gcn, checkpoint_every: 1}
metrics: [accuracy, cross-entropy]
"""


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return fill_in(recipe_from_text(TEXT))


@pytest.fixture(scope="module")
def split() -> NodeSplit:
    split = SplitSource("digits-knn", task="nodes").make(0)
    assert isinstance(split, NodeSplit)
    return split


def test_the_saved_model_gives_the_figures_of_the_ledger(
    recipe: Recipe, split: NodeSplit, tmp_path: Path
) -> None:
    folder, heard = RunFolder(tmp_path / "run"), list[Epoch]()
    result, curves = run_seed(recipe, split, 0, folder, heard.append)
    assert [epoch.number for epoch in heard] == [entry["epoch"] for entry in curves] == [1, 2, 3, 4]
    assert folder.read_result(0) == (result, curves)
    assert (result.split_rule, result.dataset_hash) == (split.rule, split.digest())
    assert not result.pipeline
    model = load_model(folder.seed(0))
    with torch.no_grad():  # the layers' own rule gives the factors that the trainer had
        out = model(split.dense_x, split.data.edge_index)
    right = (out.argmax(1) == split.data.y)[split.test_mask]
    assert float(right.double().mean()) == pytest.approx(result.test["accuracy"], abs=2e-3)
    assert not (folder.seed(0) / CHECKPOINTS).exists()


def test_a_run_that_was_stopped_goes_on_to_the_same_result(
    recipe: Recipe, split: NodeSplit, tmp_path: Path
) -> None:
    class Stopped(Exception):
        pass

    def stop(epoch: Epoch) -> None:
        if epoch.number == 3:
            raise Stopped

    whole, _ = run_seed(recipe, split, 0, RunFolder(tmp_path / "whole"), lambda epoch: None)
    broken = RunFolder(tmp_path / "broken")
    with pytest.raises(Stopped):
        run_seed(recipe, split, 0, broken, stop)
    heard: list[Epoch] = []
    result, curves = run_seed(recipe, split, 0, broken, heard.append)
    assert [epoch.number for epoch in heard] == [3, 4]
    assert [entry["epoch"] for entry in curves] == [1, 2, 3, 4]
    same = ("test", "valid", "best_epoch", "epochs")
    assert all(getattr(result, name) == getattr(whole, name) for name in same)
    models = [(tmp_path / name / "seed-0" / "model.safetensors") for name in ("whole", "broken")]
    assert models[0].read_bytes() == models[1].read_bytes()


def test_a_stack_runs_like_every_recipe_and_in_workers_too(recipe: Recipe, tmp_path: Path) -> None:
    both = dataclasses.replace(recipe, seeds=(0, 1))
    here = run_recipes([both], out=tmp_path / "here", progress=False)
    apart = run_recipes([both], out=tmp_path / "apart", workers=2, progress=False)
    assert [row.test for row in here.rows] == [row.test for row in apart.rows]
    assert "random(0.1,0.1)" in here.report.read_text()  # type: ignore[union-attr]
    assert here.model.layers[1].lin.weight.shape == (8, 8)


def test_divergence_names_the_recipe(recipe: Recipe, split: NodeSplit, tmp_path: Path) -> None:
    assert recipe.train is not None
    wild = dataclasses.replace(
        recipe, train=dataclasses.replace(recipe.train, learning_rate=1e30, epochs=9)
    )
    with pytest.raises(DivergedError, match="small on digits-knn: "):
        run_seed(wild, split, 0, RunFolder(tmp_path), lambda epoch: None)


def test_sparse_features_train_like_dense_ones(
    recipe: Recipe, split: NodeSplit, tmp_path: Path
) -> None:
    data = split.data.clone()
    data.x = data.x.to_sparse_csr()
    sparse = dataclasses.replace(split, data=data)
    one, two = (
        train_nodes(recipe, each, 0, tmp_path / str(n)) for n, each in enumerate((split, sparse))
    )
    assert isinstance(one, NodeRun)
    assert one.fit.test == two.fit.test


def test_figures_of_a_profile_survive_the_ledger() -> None:
    turns = simulate_turns([[1.0] * 4] * 2, [[2.0] * 4] * 2)
    profile = PipelineProfile(2, 1, 4, 7, 15.0, (1000, 0), turns, (range(2), range(2, 4)))
    row = SeedResult("a", "b", 0, "", "", "", {"accuracy": 0.5}, pipeline=pipeline_figures(profile))
    again = SeedResult.from_mapping(row.to_mapping())
    assert again == row
    assert again.pipeline["stage_layers"] == [2, 2]
    assert again.pipeline["bubble"] == again.pipeline["ideal_bubble"] == 0.2
