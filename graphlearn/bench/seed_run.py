"""One seed of one recipe: build, train, score, save. The same in this process and in a worker."""

from __future__ import annotations

import dataclasses
import datetime
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

import graphlearn
from graphlearn.bench.build import build
from graphlearn.bench.crew import Crew, Order
from graphlearn.bench.listener import Epoch
from graphlearn.bench.node_run import CHECKPOINTS, NodeRun, pipeline_figures, train_nodes
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_text
from graphlearn.bench.run_folder import RunFolder
from graphlearn.bench.saved_model import describe_model, save_model
from graphlearn.bench.seed_result import Curves, SeedResult
from graphlearn.bench.sizes import model_sizes
from graphlearn.bench.split_source import AnySplit
from graphlearn.bench.timeline_plot import TIMELINE_NAME, write_timeline
from graphlearn.bench.trainers import make_trainer, naming, stored_features
from graphlearn.bench.versions import run_versions
from graphlearn.data import GraphSplit, LinkSplit, NodeSplit
from graphlearn.files import atomic_write_text
from graphlearn.kernels import CSRGraph
from graphlearn.metrics import LinkEvaluator
from graphlearn.nn import LinkModel
from graphlearn.store import DiskStore
from graphlearn.train import (
    WEIGHTS_NAME,
    EpochRecord,
    FitResult,
    SampledTrainConfig,
    evaluate_links,
    save_weights,
)


def run_seed(
    recipe: Recipe,
    split: AnySplit,
    seed: int,
    folder: RunFolder,
    on_epoch: Callable[[Epoch], None],
    *,
    data_root: Path | str | None = None,
    crew: Crew | None = None,
    note: Callable[[str], None] | None = None,
) -> tuple[SeedResult, Curves]:
    """Run one seed, going on from its checkpoint if there is one, and save what it gives.

    Args:
        recipe: The recipe, with data set and metrics filled in.
        split: The audited split of ``seed``.
        seed: The seed of initial weights, negatives and dropout.
        folder: The recipe's folder.
        on_epoch: Called after each epoch.
        data_root: Folder of the data, noted for a resume.
        crew: The processes that train a stack together; this one leads. Alone by default.
        note: Told what there is to say before the first epoch.

    Returns:
        The ledger's row, and the curves.

    Raises:
        DivergedError: If the loss became NaN or infinite.
        CheckpointError: If a checkpoint is there and cannot be used.
        OutputError: If something could not be written.
    """
    sizes = model_sizes(split)
    folder.forget_other((recipe.digest(), split.digest(), seed, graphlearn.__version__))
    folder.prepare(recipe, data_root=data_root, threads=torch.get_num_threads())
    own = dataclasses.replace(recipe, seeds=(seed,))
    atomic_write_text(folder.seed(seed) / "recipe.yaml", recipe_text(own))
    place = folder.seed(seed)
    if isinstance(split, NodeSplit) and not isinstance(recipe.train, SampledTrainConfig):
        order = Order(
            recipe_text(own), seed, str(place), None if data_root is None else str(data_root)
        )
        with (crew or Crew()).training(order):
            run = _train_nodes(recipe, split, seed, place, crew, on_epoch, note)
        result, curves = _node_result(recipe, split, seed, run)
        _keep_node_run(run, recipe, place)
        describe_model(recipe, place, sizes)
        folder.write_result(result, curves)
        shutil.rmtree(place / CHECKPOINTS, ignore_errors=True)  # a finished seed needs them no more
        return result, curves
    model = build(recipe.model, sizes, seed)
    if recipe.train is None:
        assert isinstance(model, LinkModel)
        assert isinstance(split, LinkSplit)
        result, curves = _score_heuristic(recipe, model, split, seed)
        save_model(model, recipe, place, sizes)
    else:
        with stored_features(recipe, split, data_root) as features:
            result, curves = _train(recipe, model, split, seed, place, on_epoch, features)
        # The trainer saved the weights of the best epoch.
        describe_model(recipe, place, sizes)
    folder.write_result(result, curves)
    return result, curves


def _train(
    recipe: Recipe,
    model: nn.Module,
    split: AnySplit,
    seed: int,
    run_dir: Path,
    on_epoch: Callable[[Epoch], None],
    features: DiskStore | None = None,
) -> tuple[SeedResult, Curves]:
    def tell(record: EpochRecord) -> None:
        on_epoch(Epoch(record.epoch, record.loss, dict(record.valid)))

    trainer = make_trainer(
        recipe, model, split, seed, run_dir=run_dir, on_epoch=tell, features=features
    )
    with naming(recipe):
        fit = trainer.fit()
    result, curves = _fit_result(recipe, split, seed, fit)
    if isinstance(split, GraphSplit) and split.cross_validated:
        evaluated = [record for record in fit.history if record.test]
        result = dataclasses.replace(
            result,
            fold_epochs=[record.epoch for record in evaluated],
            fold_scores={
                metric: [record.test[metric] for record in evaluated] for metric in fit.test
            },
        )
    return result, curves


def _train_nodes(
    recipe: Recipe,
    split: NodeSplit,
    seed: int,
    place: Path,
    crew: Crew | None,
    on_epoch: Callable[[Epoch], None],
    note: Callable[[str], None] | None,
) -> NodeRun:
    def tell(record: EpochRecord) -> None:
        on_epoch(Epoch(record.epoch, record.loss, dict(record.valid)))

    with naming(recipe):
        return train_nodes(recipe, split, seed, place, crew=crew, on_epoch=tell, note=note)


def _node_result(
    recipe: Recipe, split: NodeSplit, seed: int, run: NodeRun
) -> tuple[SeedResult, Curves]:
    result, curves = _fit_result(recipe, split, seed, run.fit)
    if run.profile is not None and run.profile.stages * run.profile.ways > 1:
        result = dataclasses.replace(result, pipeline=pipeline_figures(run.profile))
    return result, curves


def _keep_node_run(run: NodeRun, recipe: Recipe, place: Path) -> None:
    save_weights(place / WEIGHTS_NAME, run.weights, {"recipe": recipe.name})
    if run.profile is not None and run.profile.stages * run.profile.ways > 1:
        write_timeline(place / TIMELINE_NAME, run.profile.timeline)


def _fit_result(
    recipe: Recipe, split: AnySplit, seed: int, fit: FitResult
) -> tuple[SeedResult, Curves]:
    assert recipe.train is not None
    curves = [
        {"epoch": record.epoch, "loss": record.loss, "valid": record.valid, "test": record.test}
        for record in fit.history
    ]
    result = dataclasses.replace(
        _result(recipe, split, seed, fit.test, fit.valid, recipe.train.device),
        best_epoch=dict(fit.best_epochs),
        epochs=len(fit.history),
        seconds=fit.seconds,
    )
    return result, curves


def _score_heuristic(
    recipe: Recipe, model: LinkModel, split: LinkSplit, seed: int
) -> tuple[SeedResult, Curves]:
    """Score with a formula: the graph is all it needs, and validation decides nothing."""
    assert recipe.metrics is not None
    begin = time.perf_counter()
    evaluator = LinkEvaluator(recipe.metrics, ties=recipe.ties)
    num_nodes = int(split.data.num_nodes)
    graph = CSRGraph.from_edge_index(split.data.edge_index, num_nodes)
    valid = evaluate_links(
        model.predictor, None, graph, split.valid_pairs, split.valid_negatives, evaluator
    )
    if split.test_uses_valid_edges:
        every = torch.cat([split.data.edge_index, split.valid_pairs], dim=1)
        graph = CSRGraph.from_edge_index(every, num_nodes)
    test = evaluate_links(
        model.predictor, None, graph, split.test_pairs, split.test_negatives, evaluator
    )
    result = _result(recipe, split, seed, test, valid, "cpu")
    return dataclasses.replace(result, seconds=time.perf_counter() - begin), []


def _result(
    recipe: Recipe,
    split: AnySplit,
    seed: int,
    test: dict[str, float],
    valid: dict[str, float],
    device: str,
) -> SeedResult:
    now = datetime.datetime.now(datetime.UTC).replace(microsecond=0)
    return SeedResult(
        model=recipe.name,
        dataset=recipe.dataset_label,
        seed=seed,
        recipe_digest=recipe.digest(),
        dataset_hash=split.digest(),
        split_rule=split.rule,
        test=dict(test),
        valid=dict(valid),
        finished=now.isoformat(),
        versions=run_versions(device),
        swept=recipe.swept_values,
    )
