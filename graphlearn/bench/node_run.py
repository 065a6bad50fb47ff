"""One seed of a recipe for the classes of nodes, alone or by several processes together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor
from torch_geometric.data import Data

from graphlearn.bench.build import build
from graphlearn.bench.crew import Crew
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_from_text
from graphlearn.bench.seed_result import PipelineFigures
from graphlearn.bench.sizes import model_sizes
from graphlearn.bench.split_source import SplitSources
from graphlearn.data import NodeSplit
from graphlearn.metrics.history import EpochRecord, FitResult
from graphlearn.nn.deep import WholeGraphStack
from graphlearn.pipeline.config import NodeTrainConfig
from graphlearn.pipeline.fit import fit_nodes, make_node_trainer
from graphlearn.pipeline.forecast import forecast
from graphlearn.pipeline.profile import PipelineProfile
from graphlearn.train.threads import computing_with

CHECKPOINTS = "checkpoints"
"""The folder of a seed's checkpoints."""


@dataclass(frozen=True)
class NodeRun:
    """What a seed gave.

    Args:
        fit: Metrics and history.
        profile: An epoch as all stages saw it; None if none was trained now.
        weights: Of the best epoch, as :class:`WholeGraphStack` names them.

    Example:
        >>> from graphlearn.metrics.history import EpochRecord, summarize
        >>> record = EpochRecord(1, 0.7, {"accuracy": 0.9}, {"accuracy": 0.8}, 0.5, 0.25)
        >>> NodeRun(summarize(0, [record]), None, {}).fit.test
        {'accuracy': 0.8}
    """

    fit: FitResult
    profile: PipelineProfile | None
    weights: dict[str, Tensor]


def train_nodes(
    recipe: Recipe,
    split: NodeSplit,
    seed: int,
    folder: Path | None,
    *,
    test: bool = True,
    crew: Crew | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    note: Callable[[str], None] | None = None,
) -> NodeRun:
    """Train a seed's stack; every process of the crew has to call it.

    Args:
        recipe: The recipe, filled in.
        split: The split of ``seed``.
        seed: Of the initial weights, the order of chunks, and dropout.
        folder: The seed's folder; a run that was killed goes on from its checkpoints. None makes
            none.
        test: Whether test metrics are computed.
        crew: Of this process; alone by default.
        on_epoch: Called after each epoch.
        note: Told, before the first epoch, whether several processes will pay.

    Raises:
        GraphLearnError: As :func:`graphlearn.pipeline.fit.fit_nodes` does.
    """
    config, crew = recipe.train, crew or Crew()
    assert isinstance(config, NodeTrainConfig)
    assert recipe.metrics is not None
    model = build(recipe.model, model_sizes(split), seed)
    assert isinstance(model, WholeGraphStack)
    data = Data(
        x=split.dense_x, edge_index=split.data.edge_index, y=split.data.y,
        train_mask=split.train_mask,
    )  # fmt: skip
    trainer = make_node_trainer(
        list(model.layers),
        data,
        config,
        stages=crew.stages,
        ways=crew.ways,
        seed=seed,
        device=crew.device(config.device),
    )
    foretold = forecast(trainer)
    if foretold is not None and note is not None:
        note(" ".join(foretold.advice.split()))
    fit = fit_nodes(
        trainer,
        split.data.y,
        split.valid_mask,
        split.test_mask if test else None,
        config,
        metrics=recipe.metrics,
        folder=None if folder is None else folder / CHECKPOINTS,
        on_epoch=on_epoch,
    )
    weights = {f"layers.{name}": value for name, value in trainer.state_dict().items()}
    return NodeRun(fit.result, fit.profile, weights)


def follow(crew: Crew, *, threads: int = 1) -> None:
    """Train what the first process asks for, until there is nothing more; write nothing.

    Args:
        crew: Of this process, which is not the first.
        threads: CPU threads to compute with.

    Raises:
        GraphLearnError: As :func:`train_nodes` does; the first process has the same error, or knows
            of this one's.
    """
    sources = SplitSources()
    with computing_with(threads):
        while (order := crew.hear()) is not None:
            recipe = recipe_from_text(order.recipe)
            split = sources.of(recipe, order.data_root).make(order.seed)
            assert isinstance(split, NodeSplit)
            train_nodes(recipe, split, order.seed, Path(order.folder), crew=crew)


def pipeline_figures(profile: PipelineProfile) -> PipelineFigures:
    """What of a profile goes into the ledger.

    Args:
        profile: What training gave.
    """
    return {
        "stages": profile.stages,
        "ways": profile.ways,
        "chunks": profile.chunks,
        "epoch_seconds": profile.seconds,
        "stage_seconds": profile.stage_seconds,
        "stage_layers": [len(layers) for layers in profile.layers],
        "bytes_between_stages": profile.sent_bytes[0],
        "bytes_between_ways": profile.sent_bytes[1],
        "bubble": profile.bubble,
        "ideal_bubble": profile.ideal_bubble,
    }
