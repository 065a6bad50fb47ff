"""Node classification from first epoch to result: train, evaluate, keep the best, stop, resume."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlearn.errors import CheckpointError, InputError
from graphlearn.metrics.history import (
    EpochRecord,
    FitResult,
    best_record,
    has_run_out_of_patience,
    summarize,
)
from graphlearn.pipeline.checkpoint import Resumed, load_checkpoint, save_checkpoint
from graphlearn.pipeline.checks import check_stack
from graphlearn.pipeline.config import NodeTrainConfig
from graphlearn.pipeline.identity import tensor_digest
from graphlearn.pipeline.loss_watch import LossWatch
from graphlearn.pipeline.node_scores import check_classes, check_node_metrics, score_nodes
from graphlearn.pipeline.profile import PipelineProfile, gather_profile
from graphlearn.pipeline.records import PipelineEpoch
from graphlearn.pipeline.trainer import PipelineTrainer

# What may differ between a run and the one that goes on from its checkpoint.
_FREE = ("epochs", "patience", "checkpoint_every", "device", "recompute", "divergence_factor")
_PROFILED = 21
"""Of how many of the last epochs turns are kept, to choose one to show."""


@dataclass(frozen=True)
class NodeFit:
    """What a training for the classes of nodes gave.

    Args:
        result: Metrics at the best validation epoch, and the history.
        profile: An epoch as all stages saw it; None if none was trained now.
    """

    result: FitResult
    profile: PipelineProfile | None


def make_node_trainer(
    stack: Sequence[nn.Module],
    data: Data,
    config: NodeTrainConfig,
    *,
    stages: int = 1,
    ways: int = 1,
    seed: int = 0,
    device: torch.device | str | None = None,
) -> PipelineTrainer:
    """Make the trainer that a configuration asks for; every process has to call it.

    Args:
        stack: The layers, such as :func:`graphlearn.nn.deep_stack` makes.
        data: With ``x``, ``edge_index``, ``y`` and ``train_mask``; ``x`` may be sparse.
        config: The settings.
        stages: S; layers are balanced by what they take here, measured if processes are several.
        ways: W.
        seed: Of the order of chunks, and of what layers draw.
        device: Of this process; the configuration's by default.

    Raises:
        InputTypeError: As :class:`PipelineTrainer` does.
        InputError: As :class:`PipelineTrainer` does, and if the device is not there.
    """
    dtype = config.torch_dtype()
    layers = [layer.to(dtype) for layer in check_stack(stack)]
    ends = {id(weight) for layer in (layers[0], layers[-1]) for weight in layer.parameters()}

    def optimizer(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        given = list(parameters)
        decays = {True: config.ends_weight_decay, False: config.weight_decay}
        if decays[True] is None:
            decays[True] = config.weight_decay
        groups = [
            {"params": [p for p in given if (id(p) in ends) is at_end], "weight_decay": decay}
            for at_end, decay in decays.items()
        ]
        return torch.optim.Adam(groups, lr=config.learning_rate)

    def cosine(optimizer: torch.optim.Optimizer) -> torch.optim.lr_scheduler.LRScheduler:
        return torch.optim.lr_scheduler.CosineAnnealingLR(
            optimizer, config.epochs, eta_min=config.learning_rate / 100
        )

    return PipelineTrainer(
        layers,
        _prepared(data, config),
        stages=stages,
        chunks=config.chunks,
        ways=ways,
        normalization=config.normalization,
        gamma=config.gamma,
        refresh=config.refresh,
        shuffle=config.shuffle,
        recompute=config.recompute,
        optimizer=optimizer,
        schedule=cosine if config.schedule == "cosine" else None,
        costs=None if stages == ways == 1 else "measure",
        watch=LossWatch(config.divergence_factor),
        seed=seed,
        device=config.torch_device() if device is None else device,
    )


def fit_nodes(
    trainer: PipelineTrainer,
    target: Tensor,
    valid_mask: Tensor,
    test_mask: Tensor | None,
    config: NodeTrainConfig,
    *,
    metrics: Sequence[str] = ("accuracy",),
    folder: Path | str | None = None,
    on_epoch: Callable[[EpochRecord], None] | None = None,
) -> NodeFit:
    """Train to the end and leave the best epoch's weights in the layers.

    Every process has to call it. With a folder it goes on from the newest checkpoint there, to the
    same result as the undisturbed run, on any number of stages. With more epochs or another
    patience it goes on from what is there: what was the last epoch then stays evaluated.

    Args:
        trainer: What :func:`make_node_trainer` made, before its first epoch.
        target: The class of each node.
        valid_mask: The nodes that choose the epoch.
        test_mask: The nodes to report; None computes no test metrics, for a search of settings,
            which must not see any.
        config: The settings.
        metrics: Some of ``"accuracy"`` and ``"cross-entropy"``.
        folder: Where checkpoints are, on a disk that all processes see; None for none.
        on_epoch: Called on every process after each epoch.

    Shapes:
        - **target**: ``[N]`` int64; masks: ``[N]`` bool

    Raises:
        InputTypeError: If the target or a mask is of a wrong dtype.
        InputError: If they do not fit each other, a class is none of the stack's output, no node
            is there to choose the epoch, or the trainer has trained already.
        CheckpointError: If the folder's checkpoint is of another training, of more epochs, or
            damaged.
        OutputError: If a checkpoint cannot be written.
        DivergedError: If the loss has run away, or something is not finite.
        PeerLostError: If another process died or hangs.

    Example:
        >>> class Layer(nn.Linear):
        ...     reads_halo = False
        ...     def forward(self, x, chunk):
        ...         return super().forward(x)
        >>> _ = torch.manual_seed(0)
        >>> data = Data(x=torch.eye(3), edge_index=torch.tensor([[0, 1], [1, 2]]))
        >>> data.y, data.train_mask = torch.tensor([0, 1, 1]), torch.ones(3, dtype=torch.bool)
        >>> config = NodeTrainConfig(epochs=50, learning_rate=0.1)
        >>> trainer = make_node_trainer([Layer(3, 2)], data, config)
        >>> fit = fit_nodes(trainer, data.y, data.train_mask, data.train_mask, config)
        >>> fit.result.test
        {'accuracy': 1.0}
    """
    metrics = check_node_metrics(metrics)
    # The choosing metric is computed too where it is not asked for.
    names = list(dict.fromkeys([*metrics, *([config.select_by] if config.select_by else [])]))
    chooser = config.select_by or names[0]
    masks = {"valid": valid_mask.cpu()}
    if test_mask is not None:
        masks["test"] = test_mask.cpu()
    _check_given(trainer, target, masks)
    _check_config(trainer, config)
    settings = {name: value for name, value in asdict(config).items() if name not in _FREE}
    settings["metrics"] = names
    settings["nodes"] = tensor_digest(target, *masks.values())
    if config.schedule != "constant":
        settings["epochs"] = config.epochs
    history: list[EpochRecord] = []
    best: dict[int, dict[str, Tensor]] | None = None
    saved = -1
    if folder is not None:
        resumed = load_checkpoint(trainer, folder)
        history = _records(resumed, config, settings, folder)
        best, saved = resumed.best, resumed.epoch

    def evaluated(record: EpochRecord) -> EpochRecord:
        begin = perf_counter()
        scores = score_nodes(trainer, target, masks, names)
        seconds = perf_counter() - begin
        return replace(
            record,
            valid=scores["valid"],
            test=scores.get("test", {}),
            evaluation_seconds=seconds,
        )

    lately: deque[PipelineEpoch] = deque(maxlen=_PROFILED)
    with trainer.place.failures.telling():
        while True:
            if history and trainer.epoch == config.epochs and not history[-1].valid:
                # Of a longer training, where it was not the last one.
                history[-1] = evaluated(history[-1])
                if best_record(history, chooser) is history[-1]:
                    best = trainer.layer_weights()
            ended = trainer.epoch >= config.epochs or has_run_out_of_patience(
                history, chooser, config.patience
            )
            due = ended or trainer.epoch % config.checkpoint_every == 0
            if folder is not None and trainer.epoch and due and trainer.epoch != saved:
                # How long an epoch took is the only thing that processes differ in: the first's.
                extra = {"settings": settings, "history": [record.as_dict() for record in history]}
                save_checkpoint(trainer, folder, extra=extra, best=best)
                saved = trainer.epoch
            if ended:
                break
            epoch = trainer.train_epoch()
            lately.append(epoch)
            record = EpochRecord(trainer.epoch, epoch.loss, {}, {}, epoch.seconds, 0.0)
            if trainer.epoch % config.evaluate_every == 0 or trainer.epoch == config.epochs:
                record = evaluated(record)
            history.append(record)
            if best_record(history, chooser) is record:
                best = trainer.layer_weights()
            if on_epoch is not None:
                on_epoch(record)
        profile = gather_profile(trainer, list(lately))
    assert best is not None, "the last epoch is always evaluated"
    trainer.load_layer_weights(best)
    result = summarize(trainer.seed, history, select_by=config.select_by)
    return NodeFit(_only(result, metrics, chooser), profile)


def _check_config(trainer: PipelineTrainer, config: NodeTrainConfig) -> None:
    """Refuse a configuration that the trainer was not made with."""
    own = {
        "chunks": trainer.layout.num_chunks,
        "gamma": trainer.gamma,
        "refresh": trainer.refresh,
        "shuffle": trainer.shuffle,
    }
    for name, value in own.items():
        if getattr(config, name) != value:
            raise InputError(
                f"the trainer has {name} = {value} and the configuration {getattr(config, name)}",
                expected="the configuration that the trainer was made with",
                mend="make it by make_node_trainer(stack, data, config)",
            )


def _prepared(data: Any, config: NodeTrainConfig) -> Any:
    """The graph with dense features of the dtype; what is missing the trainer says."""
    if not isinstance(data, Data) or not isinstance(data.x, Tensor):
        return data
    x = data.x if data.x.layout == torch.strided else data.x.to_dense()
    x = x.to(config.torch_dtype())
    if config.normalize_features and x.dim() == 2:
        x = x / x.sum(1, keepdim=True).clamp(min=1.0)
    names = ("edge_index", "y", "train_mask")
    return Data(x=x, **{name: data.get(name) for name in names})


def _check_given(trainer: PipelineTrainer, target: Tensor, masks: dict[str, Tensor]) -> None:
    check_classes(target.cpu(), masks, trainer.widths[-1].rows)
    if not bool(masks["valid"].any()):
        raise InputError("valid_mask chooses no node", expected="one at least, to choose the epoch")
    if trainer.epoch:
        raise InputError(
            f"the trainer has trained {trainer.epoch} epochs",
            expected="a new one",
            mend="make one with make_node_trainer; fit_nodes itself goes on from a folder",
        )


def _records(
    resumed: Resumed, config: NodeTrainConfig, settings: dict[str, Any], folder: Path | str
) -> list[EpochRecord]:
    """The history in a checkpoint, once it is known to be of the same settings."""
    if not resumed.epoch:
        return []
    mend = "choose another folder, or an empty one"
    try:
        found = [EpochRecord(**record) for record in resumed.extra["history"]]
        given = dict(resumed.extra["settings"])
        whole = found[-1].epoch == resumed.epoch
    except (LookupError, TypeError, ValueError):
        found, given, whole = [], {}, False
    if not whole or (resumed.best is None) == any(record.valid for record in found):
        raise CheckpointError(
            f"the checkpoint in {folder} has no history of a training for nodes",
            expected="one that fit_nodes wrote",
            mend=mend,
        )
    for name in sorted(settings.keys() | given.keys()):
        if settings.get(name) != given.get(name):
            raise CheckpointError(
                f"the checkpoint in {folder} is of a training with {name} = {given.get(name)!r}",
                expected=f"{settings.get(name)!r}",
                mend=mend,
            )
    if resumed.epoch > config.epochs:
        raise CheckpointError(
            f"the checkpoint in {folder} is of epoch {resumed.epoch}",
            expected=f"{config.epochs} at most, the training's last",
            mend=f"{mend}, or pass epochs={resumed.epoch} or more",
        )
    return found


def _only(result: FitResult, metrics: Sequence[str], chooser: str) -> FitResult:
    """The result with the metrics asked for; the epoch is that of the weights that are kept."""

    def chosen(values: dict[str, Any]) -> dict[str, Any]:
        return {name: values[name] for name in metrics if name in values}

    return FitResult(
        seed=result.seed,
        best_epoch=result.best_epochs[chooser],
        valid=chosen(result.valid),
        test=chosen(result.test),
        history=result.history,
        seconds=result.seconds,
        best_epochs=chosen(result.best_epochs),
    )
