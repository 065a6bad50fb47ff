"""One trial of a study: train a recipe's seeds and score them in validation alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

from graphlearn.bench.build import build
from graphlearn.bench.node_run import train_nodes
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.sizes import model_sizes
from graphlearn.bench.split_source import AnySplit, SplitSources
from graphlearn.bench.trainers import make_trainer, naming, stored_features
from graphlearn.data import GraphSplit, NodeSplit
from graphlearn.errors import InputError
from graphlearn.metrics import lower_is_better
from graphlearn.metrics.history import EpochRecord, FitResult
from graphlearn.train import SampledTrainConfig

_MOST_REPORTS = 20
"""How often a trial says how it stands: each time is a line of the journal."""

Report = Callable[[int, float], None]
"""Told an epoch and the best value of the first metric so far; it may raise to end the trial."""


class StudySplits:
    """The splits of a study's seeds: read, audited and made once for all trials.

    Args:
        recipe: The recipe, with data set and metrics filled in.
        data_root: Folder of the data.

    Raises:
        LeakError: If a split leaks.
        InputError: If a metric cannot be computed on it, or the data have no validation part that
            is not the test part too.
        DataNotFoundError: If data are missing.

    Example:
        >>> from graphlearn.bench.runs import resolve_recipes
        >>> (recipe,) = resolve_recipes("gcn/digits-knn", seeds=[3])
        >>> StudySplits(recipe).of(3).seed
        3
    """

    def __init__(self, recipe: Recipe, data_root: Path | str | None = None) -> None:
        assert recipe.metrics is not None
        self.data_root = data_root
        source = SplitSources().of(recipe, data_root)
        self._made: dict[int, AnySplit] = {}
        for seed in recipe.seeds:
            split = source.audited_split(seed, recipe.metrics, recipe.ties)
            if isinstance(split, GraphSplit) and split.cross_validated:
                raise InputError(
                    f"{recipe.dataset_label} is split into folds without a validation part",
                    expected="a data set with one: what a search chose on test folds is no result",
                )
            self._made[seed] = split

    def of(self, seed: int) -> AnySplit:
        """Return the split of one of the recipe's seeds.

        Args:
            seed: The seed.
        """
        return self._made[seed]


def run_trial(recipe: Recipe, splits: StudySplits, report: Report | None = None) -> list[float]:
    """Train every seed of a recipe, and return each one's validation value of the first metric.

    The value is that of the epoch whose weights a run would keep. Test metrics are not computed:
    the trainers are made without the test part. Nothing is written.

    Args:
        recipe: The recipe, filled in.
        splits: Of its data set and seeds.
        report: Told how the first seed stands, up to 20 times a trial. Later seeds are another
            split and are not comparable epoch by epoch.

    Raises:
        DivergedError: If a loss became NaN or infinite.
        InputError: If the model refuses its options.

    Example:
        >>> from graphlearn.bench.runs import resolve_recipes
        >>> quick = {"train.epochs": 2, "encoder.hidden_channels": 4, "metrics": ["auc"]}
        >>> (recipe,) = resolve_recipes("gcn/digits-knn", seeds=1, set=quick)
        >>> heard = []
        >>> values = run_trial(recipe, StudySplits(recipe), lambda *said: heard.append(said))
        >>> [epoch for epoch, _ in heard], values[0] == heard[-1][1]
        ([1, 2], True)
    """
    values: list[float] = []
    for seed in recipe.seeds:
        hear = None if report is None or values else _listener(recipe, report)
        fit = _validate(recipe, splits.of(seed), seed, splits.data_root, hear)
        assert recipe.metrics is not None
        values.append(fit.valid[recipe.metrics[0]])
    return values


def _listener(recipe: Recipe, report: Report) -> Callable[[EpochRecord], None]:
    """Pass on the best value so far, at epochs that trials of one search space have in common."""
    assert recipe.metrics is not None
    assert recipe.train is not None
    metric = recipe.metrics[0]
    better = min if lower_is_better(metric) else max
    step = recipe.train.evaluate_every
    step *= max(1, math.ceil(recipe.train.epochs / (step * _MOST_REPORTS)))
    values: list[float] = []

    def hear(record: EpochRecord) -> None:
        if metric in record.valid:
            values.append(record.valid[metric])
            if record.epoch % step == 0:
                report(record.epoch, better(values))

    return hear


def _validate(
    recipe: Recipe,
    split: AnySplit,
    seed: int,
    data_root: Path | str | None,
    on_epoch: Callable[[EpochRecord], None] | None,
) -> FitResult:
    with naming(recipe):
        if isinstance(split, NodeSplit) and not isinstance(recipe.train, SampledTrainConfig):
            return train_nodes(recipe, split, seed, None, test=False, on_epoch=on_epoch).fit
        model = build(recipe.model, model_sizes(split), seed)
        with stored_features(recipe, split, data_root) as features:
            return make_trainer(
                recipe, model, split, seed, on_epoch=on_epoch, features=features, test=False
            ).fit()


def mean_value(values: Sequence[float]) -> float:
    """Return the mean over the seeds, exact whatever their order.

    Example:
        >>> mean_value([0.25, 0.5])
        0.375
    """
    return math.fsum(values) / len(values)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that there is no memory left, on a GPU or not.

    Example:
        >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("shapes differ"))
        (True, False)
    """
    # torch has no class of its own for a CPU that is out of memory.
    words = ("out of memory", "not enough memory", "can't allocate")
    return isinstance(error, MemoryError) or any(word in str(error) for word in words)
