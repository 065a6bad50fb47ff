"""The trainer for the classes of nodes from sampled neighborhoods: graphs of any size."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import Data

from graphlearn.data import NodeSplit
from graphlearn.errors import DivergedError, InputError, InputTypeError
from graphlearn.loader import NeighborLoader, NeighborSampler
from graphlearn.metrics import PredictionEvaluator
from graphlearn.metrics.history import EpochRecord
from graphlearn.modes import evaluating
from graphlearn.store import RowStore
from graphlearn.train.config import SampledTrainConfig
from graphlearn.train.identity import run_identity
from graphlearn.train.loop import Trainer
from graphlearn.train.losses import EpochLosses, widened
from graphlearn.train.progress import Progress
from graphlearn.train.step import take_step
from graphlearn.validate import check_flag


class SampledNodeTrainer(Trainer):
    """Trains a network on batches of nodes with sampled neighborhoods (arXiv 1706.02216).

    What is in memory is the graph, the batch, and the features unless a store has them; so a graph
    may be trained on whose features do not fit. Nodes are scored from sampled neighborhoods too,
    the same draws in every evaluation. As with the other trainers the result depends on the initial
    weights, the split, the configuration and the seed, and a killed run with a ``run_dir`` goes on
    to the bit-identical result.

    Args:
        model: ``model(x, edge_index)`` of a batch's graph gives logits of each of its nodes, of
            which the first ones are the batch's own.
        split: What to train and evaluate on.
        config: The settings.
        seed: Seed of the order of nodes, of what is sampled and of dropout.
        metrics: ``"accuracy"`` or ``"cross-entropy"``; the first decides early stopping and which
            weights are kept.
        features: Where rows of features come from; the split's own if None.
        run_dir: Folder for the checkpoint and the final weights; made if missing. None writes
            nothing.
        on_epoch: Called with the record of every epoch trained here, before the checkpoint.
        identity: Plain values that a checkpoint must agree with besides all of the above.
        test: Whether the test part is scored in every evaluation. If not, the trainer keeps nothing
            of it, and records and result have no test metrics: for a search of settings, which
            must not see any.

    Shapes:
        - ``split.data.x``: ``[N, C]``; the model's output for a batch of n nodes: ``[n, classes]``

    Raises:
        InputError: If the model has nothing to train, a metric is not one of classes, or the store
            does not have a row for each node.
        InputTypeError: If an argument is of a wrong type.
        OutputError: If ``run_dir`` cannot be written.

    Example:
        >>> from torch_geometric.nn import GraphSAGE
        >>> from graphlearn.data import load_node_split
        >>> split = load_node_split("digits-knn", seed=0)
        >>> model = GraphSAGE(64, 16, num_layers=2, out_channels=10)
        >>> config = SampledTrainConfig(fan_out=(5, 5), epochs=2)
        >>> trainer = SampledNodeTrainer(model, split, config, seed=0)
        >>> [record.epoch for record in trainer.fit().history]
        [1, 2]
    """

    def __init__(
        self,
        model: nn.Module,
        split: NodeSplit,
        config: SampledTrainConfig,
        *,
        seed: int,
        metrics: Sequence[str] = ("accuracy",),
        features: RowStore | None = None,
        run_dir: Path | str | None = None,
        on_epoch: Callable[[EpochRecord], None] | None = None,
        identity: Mapping[str, Any] | None = None,
        test: bool = True,
    ) -> None:
        for name, value, wanted in (
            ("split", split, NodeSplit),
            ("config", config, SampledTrainConfig),
        ):
            if not isinstance(value, wanted):
                raise InputTypeError(
                    f"{name} is a {type(value).__name__}", expected=f"a {wanted.__name__}"
                )
        self.evaluator = PredictionEvaluator(metrics)
        if not self.evaluator.of_classes:
            raise InputError(
                f"metrics are {', '.join(self.evaluator.names)}",
                expected="accuracy or cross-entropy",
            )
        super().__init__(model, config, seed=seed, metrics=self.evaluator.names, on_epoch=on_epoch)
        self._sampled = config
        self._classes = split.num_classes
        data = Data(
            edge_index=split.data.edge_index, y=split.data.y, num_nodes=split.data.num_nodes
        )
        if features is None:
            data.x = split.dense_x
        sampler = NeighborSampler(data, list(config.fan_out), seed=seed)
        wider = sampler
        if config.evaluation_fan_out not in (None, config.fan_out):
            wider = copy.copy(sampler)  # of the same sorted edges
            wider.num_neighbors = list(config.evaluation_fan_out or ())

        def loader(mask: Tensor, sampler: NeighborSampler, **options: Any) -> NeighborLoader:
            return NeighborLoader(
                data,
                None,
                input_nodes=mask.nonzero().flatten(),
                neighbor_sampler=sampler,
                feature_store=features,
                seed=seed,
                **options,
            )

        self._train_batches = loader(
            split.train_mask,
            sampler,
            batch_size=config.batch_size,
            shuffle=True,
            drop_last=config.drop_last_batch,
        )
        if len(self._train_batches) == 0:
            raise InputError(
                f"batch_size is {config.batch_size} with drop_last_batch",
                expected=f"at most {int(split.train_mask.sum())}, the number of training nodes",
            )
        parts = {"valid": split.valid_mask}
        if check_flag(test, name="test"):
            parts["test"] = split.test_mask
        self._parts = {
            name: loader(mask, wider, batch_size=config.evaluation_batch_size)
            for name, mask in parts.items()
        }
        if run_dir is not None:
            run = run_identity(self.model, split, config, seed, self.evaluator, identity, test=test)
            self._use_folder(run_dir, run)

    def _train_epoch(self, progress: Progress, epoch: int) -> float:
        count = len(self._train_batches)
        losses = EpochLosses(self.device, epoch=epoch, seed=self.seed, batches=count)
        self.model.train()
        for batch in self._train_batches.epoch(epoch):
            with self._sampled.training_precision():
                made, true = self._predict(self.model, batch)
                loss = functional.cross_entropy(widened(made), true)
            losses.add(loss)
            take_step(self.model, loss, progress.optimizer, self._sampled, progress.average)
        return losses.mean()

    def _evaluate(self, model: nn.Module, epoch: int) -> tuple[dict[str, float], dict[str, float]]:
        found = {name: self._score(model, name, epoch) for name in self._parts}
        return found["valid"], found.get("test", {})

    def _score(self, model: nn.Module, name: str, epoch: int) -> dict[str, float]:
        with torch.no_grad(), evaluating(model):
            # Number 0 of its epochs each time: the same neighborhoods in every evaluation.
            pieces = [self._predict(model, batch) for batch in self._parts[name].epoch(0)]
        made = torch.cat([logits for logits, _ in pieces]).float()
        if bool(made.isnan().any()):
            raise DivergedError(
                f"logits of the {name} part are NaN after epoch {epoch}, seed {self.seed}",
                expected="numbers",
                mend="lower the learning rate, or set clip_gradient_norm",
            )
        return self.evaluator([(made, torch.cat([true for _, true in pieces])[:, None])])

    def _predict(self, model: nn.Module, batch: Data) -> tuple[Tensor, Tensor]:
        """Logits and classes of the batch's own nodes."""
        x = batch.x.to(device=self.device, dtype=self._sampled.torch_dtype())
        out = model(x, batch.edge_index.to(self.device))
        if out.dim() != 2 or out.size(0) != x.size(0) or out.size(1) < self._classes:
            raise InputError(
                f"the model gave shape {list(out.shape)}",
                expected=f"logits [{x.size(0)}, {self._classes} or more]",
            )
        own = batch.batch_size
        return out[:own], batch.y[:own].to(self.device)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}({type(self.model).__name__}, "
            f"fan_out={list(self._sampled.fan_out)}, seed={self.seed})"
        )
