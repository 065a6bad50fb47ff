"""The trainer for whole graphs and sets: batches of graphs, predictions against targets."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch_geometric.data import Data

from graphlearn.data import GraphCollection, GraphSplit
from graphlearn.errors import DivergedError, InputError, InputTypeError
from graphlearn.metrics import PredictionEvaluator, metrics_of_classes
from graphlearn.metrics.history import EpochRecord, FitResult, plateaus
from graphlearn.modes import evaluating
from graphlearn.train.auxiliary import auxiliary_losses
from graphlearn.train.config import GraphTrainConfig
from graphlearn.train.identity import run_identity
from graphlearn.train.loop import Trainer
from graphlearn.train.losses import EpochLosses, widened
from graphlearn.train.progress import Progress
from graphlearn.train.step import take_step
from graphlearn.validate import check_flag

_LOSSES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "mae": functional.l1_loss,
    "mse": functional.mse_loss,
    "bits": functional.binary_cross_entropy_with_logits,
}
_METRIC = {"mae": "mae", "mse": "mse", "bits": "auc", "classes": "accuracy"}
_LEAST_RATE = 0.01  # of the step size, where a schedule ends


def check_metrics_fit(metrics: Sequence[str], objective: str) -> None:
    """Raise unless metrics and objective are both of classes, or neither is.

    Args:
        metrics: Names of metrics.
        objective: The split's.

    Raises:
        InputError: If one is of classes and the other of numbers.

    Example:
        >>> check_metrics_fit(["accuracy"], "classes")
    """
    if metrics_of_classes(metrics) != (objective == "classes"):
        raise InputError(
            f"metrics are {', '.join(metrics)} and the objective is {objective!r}",
            expected="both of classes, or neither",
            mend=f"use {_METRIC[objective]}",
        )


def prediction_parts(
    output: Any, data: Data, *, classes: Sequence[int] = ()
) -> list[tuple[Tensor, Tensor]]:
    """Pair what a model gave with the targets of a batch: nodes' first, then graphs'.

    Args:
        output: ``[B, T]`` where only graphs, or only nodes, have targets; else both, nodes' first.
        data: A batch.
        classes: Of targets that are classes the number of them, nodes' first; the output is then at
            least that many logits.

    Shapes:
        - each part: predictions and targets ``[rows, columns]``, or logits ``[rows, classes]`` and
          classes ``[rows, 1]``

    Raises:
        InputError: If the output is of another form than the targets.

    Example:
        >>> data = Data(y=torch.zeros(3))
        >>> [part.shape for part in prediction_parts(torch.ones(3, 1), data)[0]]
        [torch.Size([3, 1]), torch.Size([3, 1])]
    """
    targets = [value for value in (data.get("node_y"), data.get("y")) if value is not None]
    outputs = list(output) if isinstance(output, (tuple, list)) else [output]
    targets = [value[:, None] if value.dim() == 1 else value for value in targets]
    given, wanted = [list(value.shape) for value in outputs], [list(v.shape) for v in targets]
    if classes and len(given) == len(wanted):
        for shape, made, least in zip(wanted, given, classes, strict=True):
            shape[1] = max(least, made[-1]) if len(made) == 2 else least
    if given != wanted:
        raise InputError(f"the model gave shapes {given}", expected=f"{wanted}, as the targets")
    return list(zip(outputs, targets, strict=True))


class GraphTrainer(Trainer):
    """Trains a model on graphs or sets, and keeps the weights of its best validation epoch.

    The loss is the split's objective, its mean over all columns of nodes' and graphs' targets (of
    classes: over the cross-entropies of the two, where both have targets; of bits some of which are
    NaN: over those that are known), plus what modules' ``auxiliary_loss`` methods give. As with
    :class:`LinkTrainer` the result depends on the initial weights, the split, the configuration and
    the seed, and a killed run with a ``run_dir`` goes on to the bit-identical result.

    Of a cross-validated split, whose validation part is the fold it is tested on, the last epoch's
    weights and scores are kept: any choice among epochs would be one by the test.

    Args:
        model: ``model(data)`` of a batch gives ``[B, T]``; or, where nodes have targets too,
            ``([N, S], [B, T])``.
        split: What to train and evaluate on.
        config: The settings.
        seed: Seed of the order of graphs and of dropout.
        metrics: Names of metrics, see :class:`graphlearn.metrics.PredictionEvaluator`; the first
            decides early stopping and which weights are kept.
        run_dir: Folder for the checkpoint and the final weights; made if missing. None writes
            nothing.
        on_epoch: Called with the record of every epoch trained here, before the checkpoint.
        identity: Plain values that a checkpoint must agree with besides all of the above.
        test: Whether the test part is scored in every evaluation. If not, the trainer keeps nothing
            of it, and records and result have no test metrics: for a search of settings, which
            must not see any.

    Shapes:
        - ``data.x``: ``[N, C]``; ``data.y``: ``[B, T]`` or ``[B]``

    Raises:
        InputError: If the model has nothing to train, an argument is out of range, or metrics and
            objective do not fit, or a cross-validated split shall stop early or leave the test
            part out, which is its validation part.
        OutputError: If ``run_dir`` cannot be written.

    Example:
        >>> from graphlearn.data import second_minimum_split
        >>> from graphlearn.nn import GraphNetwork
        >>> split = second_minimum_split(train=64, valid=16, test=16, larger=(), seed=0)
        >>> network = GraphNetwork(8, 16, 8, num_layers=0, readout="max")
        >>> trainer = GraphTrainer(network, split, GraphTrainConfig(epochs=2), seed=0,
        ...     metrics=["all-bits"])
        >>> [record.epoch for record in trainer.fit().history]
        [1, 2]
    """

    def __init__(
        self,
        model: nn.Module,
        split: GraphSplit,
        config: GraphTrainConfig | None = None,
        *,
        seed: int,
        metrics: Sequence[str] = ("mae",),
        run_dir: Path | str | None = None,
        on_epoch: Callable[[EpochRecord], None] | None = None,
        identity: Mapping[str, Any] | None = None,
        test: bool = True,
    ) -> None:
        for name, value, wanted in (
            ("model", model, nn.Module),
            ("split", split, GraphSplit),
            ("config", config or GraphTrainConfig(), GraphTrainConfig),
        ):
            if not isinstance(value, wanted):
                raise InputTypeError(
                    f"{name} is a {type(value).__name__}", expected=f"a {wanted.__name__}"
                )
        self.evaluator = PredictionEvaluator(metrics)
        config = config or GraphTrainConfig()
        super().__init__(model, config, seed=seed, metrics=self.evaluator.names, on_epoch=on_epoch)
        self._graphs = config
        self._keeps_last = split.cross_validated
        if split.cross_validated and config.patience is not None:
            raise InputError(
                f"patience is {config.patience}, and the split's validation part is its test part",
                expected="no early stopping on a fold of a cross-validation",
                mend="set patience to null",
            )
        if split.cross_validated and not check_flag(test, name="test"):
            raise InputError(
                "test is False, and the split's validation part is its test part",
                expected="a data set with a validation part of its own",
            )
        self._with_test = check_flag(test, name="test")
        self.objective = split.objective
        check_metrics_fit(self.evaluator.names, self.objective)
        parts = split.parts()
        self._classes: list[int] = []
        if self.objective == "classes":
            counts = (split.num_classes(of_nodes=True), split.num_classes())
            self._classes = [count for count in counts if count is not None]
        targets = [split.train.y, split.train.node_y]
        self._gaps = any(value is not None and bool(value.isnan().any()) for value in targets)
        self._parts = {
            name: part.to(self.device, config.torch_dtype())
            for name, part in parts.items()
            if (test or not name.startswith("test"))
            and (name != "test" or part is not split.valid)  # scored once where they are one
        }
        whole, rest = divmod(len(split.train), config.batch_size)
        self._batches = whole + (rest > 0 and not config.drop_last_batch)
        self._in_pass = self._batches
        self._batches = config.batches_per_epoch or self._in_pass
        if self._in_pass == 0:
            raise InputError(
                f"batch_size is {config.batch_size} with drop_last_batch",
                expected=f"at most {len(split.train)}, the number of training graphs",
            )
        if run_dir is not None:
            run = run_identity(self.model, split, config, seed, self.evaluator, identity, test=test)
            self._use_folder(run_dir, run)

    def _train_epoch(self, progress: Progress, epoch: int) -> float:
        config, optimizer = self._graphs, progress.optimizer
        train = self._parts["train"]
        orders = [
            torch.randperm(len(train), generator=progress.generator)
            for _ in range(-(-self._batches // self._in_pass))
        ]
        batches = [
            ids
            for order in orders
            for ids in torch.split(order[: self._in_pass * config.batch_size], config.batch_size)
        ]
        rate = self._graphs.learning_rate
        if self._graphs.schedule == "plateau":
            rate *= 0.5 ** plateaus(
                progress.history, self.metrics[0], self._graphs.plateau_patience
            )
        losses = EpochLosses(self.device, epoch=epoch, seed=self.seed, batches=self._batches)
        auxiliary = auxiliary_losses(self.model)
        self.model.train()
        for number, ids in enumerate(batches[: self._batches]):
            data = train.batch(ids)
            self._set_rate(optimizer, rate, (epoch - 1) * self._batches + number)
            with config.training_precision():
                loss = self._loss(self.model(data), data)
                for term in auxiliary:
                    loss = loss + term()
            losses.add(loss)
            take_step(self.model, loss, optimizer, config, progress.average)
        return losses.mean()

    def _loss(self, output: Any, data: Data) -> Tensor:
        parts = [
            (widened(made), true)
            for made, true in prediction_parts(output, data, classes=self._classes)
        ]
        if self._classes:
            entropies = [functional.cross_entropy(made, true[:, 0]) for made, true in parts]
            return torch.stack(entropies).mean()
        columns = [made.size(1) for made, _ in parts]
        if self._gaps:
            return _known_bits_loss(parts)
        losses = [_LOSSES[self.objective](made, true.to(made.dtype)) for made, true in parts]
        weighted = [loss * share for loss, share in zip(losses, columns, strict=True)]
        return torch.stack(weighted).sum() / sum(columns)

    def _set_rate(self, optimizer: torch.optim.Optimizer, rate: float, step: int) -> None:
        """A function of step and history alone, so that a resumed run has the same."""
        if self._graphs.schedule == "cosine":
            share = step / (self._batches * self._graphs.epochs)
            rate *= _LEAST_RATE + (1 - _LEAST_RATE) * (1 + math.cos(math.pi * share)) / 2
        elif self._graphs.schedule == "halving":
            rate *= 0.5 ** (step // (self._batches * self._graphs.halve_every))
        for group in optimizer.param_groups:
            group["lr"] = rate

    def _evaluate(self, model: nn.Module, epoch: int) -> tuple[dict[str, float], dict[str, float]]:
        results = {
            name: self._score(model, part, name, epoch)
            for name, part in self._parts.items()
            if name != "train"
        }
        if not self._with_test:
            return results["valid"], {}
        if "test" not in results:
            results["test"] = dict(results["valid"])
        test = {
            metric + name.removeprefix("test"): value
            for name, values in results.items()
            if name.startswith("test")
            for metric, value in values.items()
        }
        return results["valid"], test

    def _score(
        self, model: nn.Module, part: GraphCollection, name: str, epoch: int
    ) -> dict[str, float]:
        size = self._graphs.evaluation_batch_size
        with torch.no_grad(), evaluating(model):
            batches = [
                prediction_parts(model(data), data, classes=self._classes)
                for data in part.batches(size)
            ]
        joined = [
            (torch.cat([made for made, _ in kind]), torch.cat([true for _, true in kind]))
            for kind in zip(*batches, strict=True)
        ]
        if any(bool(made.isnan().any()) for made, _ in joined):
            raise DivergedError(
                f"predictions for the {name} part are NaN after epoch {epoch}, seed {self.seed}",
                expected="numbers",
                mend="lower the learning rate, or set clip_gradient_norm",
            )
        return self.evaluator(joined)

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name}={len(part)}" for name, part in self._parts.items())
        return f"{type(self).__name__}({type(self.model).__name__}, {sizes}, seed={self.seed})"


def _known_bits_loss(parts: Sequence[tuple[Tensor, Tensor]]) -> Tensor:
    """Mean over the bits that are known, as OGB's own training takes it; 0 if none is."""
    known = [~true.isnan() for _, true in parts]
    losses = [
        functional.binary_cross_entropy_with_logits(
            made, true.to(made.dtype).nan_to_num(), weight=here.to(made.dtype), reduction="sum"
        )
        for (made, true), here in zip(parts, known, strict=True)
    ]
    count = torch.stack([here.sum() for here in known]).sum()
    return torch.stack(losses).sum() / count.clamp(min=1)


def fit_graphs(
    model: nn.Module,
    split: GraphSplit,
    config: GraphTrainConfig | None = None,
    *,
    seed: int,
    metrics: Sequence[str] = ("mae",),
    run_dir: Path | str | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
    identity: Mapping[str, Any] | None = None,
) -> FitResult:
    """Train a model on graphs; the short form of :class:`GraphTrainer` and its ``fit``.

    Args:
        model: The model; afterwards it has the weights of its best validation epoch.
        split: What to train and evaluate on.
        config: The settings.
        seed: Seed of the order of graphs and of dropout.
        metrics: Names of metrics.
        run_dir: Folder for the checkpoint and the final weights; None writes nothing.
        on_epoch: Called with the record of every epoch.
        identity: Plain values that a checkpoint must agree with.

    Raises:
        GraphLearnError: As :class:`GraphTrainer` and its ``fit`` do.
    """
    return GraphTrainer(
        model,
        split,
        config,
        seed=seed,
        metrics=metrics,
        run_dir=run_dir,
        on_epoch=on_epoch,
        identity=identity,
    ).fit()
