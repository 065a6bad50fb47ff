"""The trainer for link prediction: batches of links with negatives, ranking metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from graphlearn.data import LinkSplit
from graphlearn.errors import DivergedError
from graphlearn.kernels import CSRGraph
from graphlearn.metrics import LinkEvaluator
from graphlearn.metrics.history import EpochRecord, FitResult
from graphlearn.train.auxiliary import epoch_hooks
from graphlearn.train.config import TrainConfig
from graphlearn.train.epoch import batches_per_epoch, train_epoch
from graphlearn.train.evaluate import score_links
from graphlearn.train.identity import run_identity
from graphlearn.train.loop import Trainer
from graphlearn.train.negatives import UniformNegatives
from graphlearn.train.prepared import prepare_split
from graphlearn.train.progress import Progress
from graphlearn.typing import Pairs, Scores
from graphlearn.validate import check_flag


class LinkTrainer(Trainer):
    """Trains a link model on a split, and keeps the weights of its best validation epoch.

    The result depends on the model's initial weights, the split, the configuration and the seed.
    The caller's random stream is not touched: the loop draws from generators of its own, and
    dropout inside a fork of torch's. With a ``run_dir`` a run that was killed at any moment goes
    on from its last checkpoint to the bit-identical result (on the CPU, with the same number of
    threads and the same torch).

    Args:
        model: A link model: ``model(x, graph, pairs)``, ``model.encode(x, graph)`` and
            ``model.predictor``. It is moved to the configured device and dtype, and trained in
            place, from where its weights stand.
        split: What to train and evaluate on; refused if it leaks.
        config: The settings.
        seed: Seed of order, negatives and dropout.
        metrics: Names of metrics, or an evaluator; the first decides early stopping and which
            weights are kept.
        run_dir: Folder for the checkpoint and the final weights; made if missing. None writes
            nothing. One run a folder: an unfinished one there is continued, a finished one gives
            its result without training.
        on_epoch: Called with the record of every epoch trained here, before the checkpoint.
        identity: Plain values that a checkpoint must agree with besides all of the above, such as
            the recipe the model was built from.
        test: Whether the test part is scored in every evaluation. If not, the trainer keeps nothing
            of it, and records and result have no test metrics: for a search of settings, which
            must not see any.

    Shapes:
        - ``split.train_pairs``: ``[2, P]``; the model's output for pairs ``[2, B]``: ``[B]``

    Raises:
        InputError: If the model has nothing to train, or an argument is out of range.
        InputTypeError: If an argument is of a wrong type.
        LeakError: If the split leaks.
        OutputError: If ``run_dir`` cannot be written.

    Example:
        >>> from torch_geometric.data import Data
        >>> from graphlearn.data import random_link_split
        >>> class Model(nn.Module):
        ...     def __init__(self, num_nodes):
        ...         super().__init__()
        ...         self.encoder = nn.Embedding(num_nodes, 8)
        ...         self.predictor = Dot()
        ...     def encode(self, x, graph):
        ...         return self.encoder.weight
        ...     def forward(self, x, graph, pairs):
        ...         return self.predictor(self.encode(x, graph), graph, pairs)
        >>> class Dot(nn.Module):
        ...     def forward(self, h, graph, pairs):
        ...         return (h[pairs[0]] * h[pairs[1]]).sum(dim=-1)
        >>> ring = Data(edge_index=torch.stack([torch.arange(30), torch.arange(1, 31) % 30]))
        >>> split = random_link_split(ring, seed=0)
        >>> trainer = LinkTrainer(Model(30), split, TrainConfig(epochs=3), seed=0, metrics=["auc"])
        >>> [record.epoch for record in trainer.fit().history]
        [1, 2, 3]
    """

    def __init__(
        self,
        model: nn.Module,
        split: LinkSplit,
        config: TrainConfig | None = None,
        *,
        seed: int,
        metrics: Sequence[str] | LinkEvaluator = ("hits@100",),
        run_dir: Path | str | None = None,
        on_epoch: Callable[[EpochRecord], None] | None = None,
        identity: Mapping[str, Any] | None = None,
        test: bool = True,
    ) -> None:
        self.evaluator = metrics if isinstance(metrics, LinkEvaluator) else LinkEvaluator(metrics)
        config = config or TrainConfig()
        super().__init__(model, config, seed=seed, metrics=self.evaluator.names, on_epoch=on_epoch)
        self._links = config
        self._data = prepare_split(
            split, self.device, self.config.torch_dtype(), test=check_flag(test, name="test")
        )
        batches_per_epoch(self._data.train_pairs.size(1), config)
        for links, others in filter(None, (self._data.valid, self._data.test)):
            # An empty part, or a K beyond the negatives, is met now and not after the first epoch.
            self.evaluator(torch.zeros(links.size(1)), torch.zeros(others.shape[1:]))
        self._negatives = UniformNegatives(self._data.graph)
        if run_dir is not None:
            run = run_identity(self.model, split, config, seed, self.evaluator, identity, test=test)
            self._use_folder(run_dir, run)

    def _train_epoch(self, progress: Progress, epoch: int) -> float:
        return train_epoch(
            self.model,
            self._data,
            self._links,
            progress.optimizer,
            self._negatives,
            progress.generator,
            epoch=epoch,
            seed=self.seed,
            average=progress.average,
        )

    def _after_epoch(self, epoch: int) -> None:
        for hook in epoch_hooks(self.model):
            hook(epoch, self.model, self._data.x, self._data.graph)

    def _evaluate(self, model: nn.Module, epoch: int) -> tuple[dict[str, float], dict[str, float]]:
        """Return validation and test metrics; one encoding serves both where the graph is one."""
        data = self._data

        def score(graph: CSRGraph, parts: Sequence[Pairs]) -> list[Scores]:
            size, apart = self.config.evaluation_batch_size, self._links.negatives_apart
            return score_links(model, data.x, graph, parts, size, apart=apart)

        if data.test is None:
            scores = score(data.graph, data.valid)
        elif data.test_graph is data.graph:
            scores = score(data.graph, [*data.valid, *data.test])
        else:
            scores = score(data.graph, data.valid) + score(data.test_graph, data.test)
        # The metrics' own code wants a type that NumPy has.
        scores = [s.float() if s.dtype == torch.bfloat16 else s for s in scores]
        for part in scores:
            if bool(part.isnan().any()):
                raise DivergedError(
                    f"{int(part.isnan().sum())} of {part.numel()} evaluation scores are NaN after "
                    f"epoch {epoch}, seed {self.seed}",
                    expected="finite scores",
                    mend="lower the learning rates, or set clip_gradient_norm",
                )
        valid = self.evaluator(scores[0], scores[1])
        return valid, {} if data.test is None else self.evaluator(scores[2], scores[3])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({type(self.model).__name__}, {self._data}, seed={self.seed})"


def fit_links(
    model: nn.Module,
    split: LinkSplit,
    config: TrainConfig | None = None,
    *,
    seed: int,
    metrics: Sequence[str] | LinkEvaluator = ("hits@100",),
    run_dir: Path | str | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    identity: Mapping[str, Any] | None = None,
) -> FitResult:
    """Train a link model; the short form of :class:`LinkTrainer` and its ``fit``.

    Args:
        model: A link model; afterwards it has the weights of its best validation epoch.
        split: What to train and evaluate on.
        config: The settings.
        seed: Seed of order, negatives and dropout.
        metrics: Names of metrics, or an evaluator.
        run_dir: Folder for the checkpoint and the final weights; None writes nothing.
        on_epoch: Called with the record of every epoch.
        identity: Plain values that a checkpoint must agree with.

    Shapes:
        - ``split.train_pairs``: ``[2, P]``; the model's output for pairs ``[2, B]``: ``[B]``

    Raises:
        GraphLearnError: As :class:`LinkTrainer` and :meth:`LinkTrainer.fit` do.
    """
    return LinkTrainer(
        model,
        split,
        config,
        seed=seed,
        metrics=metrics,
        run_dir=run_dir,
        on_epoch=on_epoch,
        identity=identity,
    ).fit()
