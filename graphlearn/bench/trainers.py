"""The trainer of a recipe's seed, of the kind that its split and settings ask for."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torch import nn

from graphlearn.bench.recipe import Recipe
from graphlearn.bench.split_source import AnySplit
from graphlearn.bench.stored_features import features_file
from graphlearn.data import GraphSplit, NodeSplit
from graphlearn.errors import DivergedError
from graphlearn.metrics import LinkEvaluator
from graphlearn.store import DiskStore
from graphlearn.train import (
    EpochRecord,
    GraphTrainConfig,
    GraphTrainer,
    LinkTrainer,
    SampledNodeTrainer,
    SampledTrainConfig,
    TrainConfig,
    Trainer,
)


def make_trainer(
    recipe: Recipe,
    model: nn.Module,
    split: AnySplit,
    seed: int,
    *,
    run_dir: Path | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    features: DiskStore | None = None,
    test: bool = True,
) -> Trainer:
    """Return the trainer of links, of graphs, or of nodes on sampled neighborhoods.

    A stack of layers on a whole graph is trained by :func:`graphlearn.bench.node_run.train_nodes`.

    Args:
        recipe: The recipe, with data set and metrics filled in; one that is trained.
        model: Built from it.
        split: The split of ``seed``.
        seed: The seed.
        run_dir: Folder for checkpoints and weights; None writes nothing.
        on_epoch: Called with the record of every epoch.
        features: Where rows of features come from that are not in memory.
        test: Whether the test part is scored; without it the trainer keeps nothing of that part.

    Raises:
        GraphLearnError: As the trainers do.
    """
    assert recipe.metrics is not None
    common: dict[str, Any] = {
        "seed": seed,
        "run_dir": run_dir,
        "on_epoch": on_epoch,
        "identity": {"recipe": recipe.digest()},
        "test": test,
    }
    if isinstance(split, GraphSplit):
        assert isinstance(recipe.train, GraphTrainConfig)
        return GraphTrainer(model, split, recipe.train, metrics=recipe.metrics, **common)
    if isinstance(split, NodeSplit):
        assert isinstance(recipe.train, SampledTrainConfig)
        return SampledNodeTrainer(
            model, split, recipe.train, metrics=recipe.metrics, features=features, **common
        )
    assert isinstance(recipe.train, TrainConfig)
    evaluator = LinkEvaluator(recipe.metrics, ties=recipe.ties)
    return LinkTrainer(model, split, recipe.train, metrics=evaluator, **common)


@contextlib.contextmanager
def stored_features(
    recipe: Recipe, split: AnySplit, data_root: Path | str | None
) -> Iterator[DiskStore | None]:
    """Open the store of features that stay in a file; yields None where they are in memory.

    Args:
        recipe: The recipe.
        split: Its split.
        data_root: Folder of the data.
    """
    assert recipe.dataset is not None
    path = features_file(recipe.dataset, data_root) if isinstance(split, NodeSplit) else None
    if path is None:
        yield None
    else:
        with DiskStore(path, access="pread") as store:
            yield store


@contextlib.contextmanager
def naming(recipe: Recipe) -> Iterator[None]:
    """Say in the error of a loss that ran away whose it was, and what to do about it.

    Args:
        recipe: The recipe that is trained inside.

    Raises:
        DivergedError: With the recipe's label before what was met.
    """
    try:
        yield
    except DivergedError as error:
        raise DivergedError(
            f"{recipe.label}: {error.given}",
            expected=error.expected,
            mend=error.mend or "lower the learning rates or set train.clip_gradient_norm",
        ) from error
