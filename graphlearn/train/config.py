"""How to train: every number of the loop, checked when the configuration is made."""

from __future__ import annotations

import math
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, fields
from typing import Any, Literal, get_args

import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.registry import unknown_name
from graphlearn.validate import check_device

DTYPES = {"float32": torch.float32, "float64": torch.float64, "bfloat16": torch.bfloat16}
"""Names of the floating-point types a model can be trained in."""

AUTOCAST_DTYPES = {"bfloat16": torch.bfloat16}
"""Names of those its matrices can be multiplied in; float16 would want its gradients scaled."""

Schedule = Literal["constant", "cosine", "halving", "plateau"]
SCHEDULES: tuple[str, ...] = get_args(Schedule)
"""How the step size changes over a run."""

_COUNTS = {
    "epochs": 1,
    "batch_size": 1,
    "negatives_per_positive": 1,
    "patience": 1,
    "evaluate_every": 1,
    "evaluation_batch_size": 1,
    "halve_every": 1,
    "plateau_patience": 1,
    "batches_per_epoch": 1,
}
_MAY_BE_ZERO = {
    "encoder_learning_rate",
    "predictor_learning_rate",
    "learning_rate",
    "weight_decay",
    "checkpoint_seconds",
}
_FLAGS = ("remove_targets", "drop_last_batch", "negatives_apart")
_OPTIONAL = (
    "patience",
    "clip_gradient_norm",
    "weight_averaging",
    "autocast",
    "batches_per_epoch",
    "evaluation_fan_out",
)
_FAN_OUTS = ("fan_out", "evaluation_fan_out")


@dataclass(frozen=True, kw_only=True)
class LoopConfig:
    """What every training loop of the package takes; all have defaults.

    A loop that is given no more than this takes Adam's step size from :class:`GraphTrainConfig`'s
    default.

    Args:
        epochs: Most passes over the training data.
        batch_size: Examples in a batch.
        weight_decay: Adam's L2 penalty.
        drop_last_batch: Leave out the last batch of an epoch where it is smaller than the others.
        patience: Stop after this many epochs without a better validation result of the first
            metric; None trains all epochs.
        clip_gradient_norm: Largest norm of the whole gradient; None does not clip.
        weight_averaging: Decay d of an exponential moving average of the weights, in (0, 1): after
            each step the average moves 1 - d of the way to the weights. The averaged model is what
            is evaluated and kept; None evaluates the weights as they are. It takes the noise of
            the last few steps out of the choice of the best epoch.
        evaluate_every: Epochs between two evaluations; the last epoch is always evaluated.
        evaluation_batch_size: Examples scored at a time in an evaluation.
        device: Where to train, such as ``"cpu"`` or ``"cuda:0"``.
        dtype: ``"float32"``, ``"float64"`` or ``"bfloat16"``, of weights, features and gradients.
        autocast: ``"bfloat16"`` multiplies matrices of a training step in that type, by
            :class:`torch.autocast`; weights, losses and evaluation stay float32, and sums over
            neighbors are added up in it, though what is added may come out of such a product, and
            of graphs that link one pair in twelve or more, which are multiplied as matrices too,
            the sums are rounded. Pays where the hardware multiplies it faster: a step of
            ogbl-ddi's wide GraphSAGE takes 2.7 times less on a CPU with AVX512-BF16
            (``experiments/perf/autocast.py``). Elsewhere it is slower than float32, by a multiple
            with AVX2, and the trainer warns of it. None computes all in ``dtype``.
        checkpoint_seconds: Least time between two checkpoints; 0 makes one after every epoch.

    Raises:
        InputError: If a value is out of range.
        InputTypeError: If a value is of a wrong type.
        UnknownNameError: If ``dtype`` is not known.

    Example:
        >>> LoopConfig(epochs=5).batch_size
        1024
        >>> LoopConfig(epochs=0)
        Traceback (most recent call last):
        ...
        graphlearn.errors.InputError: epochs is 0: expected an integer >= 1
    """

    epochs: int = 100
    batch_size: int = 1024
    weight_decay: float = 0.0
    drop_last_batch: bool = False
    patience: int | None = None
    clip_gradient_norm: float | None = None
    weight_averaging: float | None = None
    evaluate_every: int = 1
    evaluation_batch_size: int = 8192
    device: str = "cpu"
    dtype: str = "float32"
    autocast: str | None = None
    checkpoint_seconds: float = 10.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value is None and field.name in _OPTIONAL:
                continue
            if field.name in _COUNTS:
                _check_count(field.name, value, _COUNTS[field.name])
            elif field.name in _FLAGS:
                if not isinstance(value, bool):
                    raise InputTypeError(f"{field.name} is {value!r}", expected="True or False")
            elif field.name in _FAN_OUTS:
                _check_fan_out(field.name, value)
            elif field.name in ("device", "dtype", "autocast", "schedule"):
                if not isinstance(value, str):
                    raise InputTypeError(f"{field.name} is {value!r}", expected="a name")
            else:
                _check_number(field.name, value, zero=field.name in _MAY_BE_ZERO)
        if self.weight_averaging is not None and self.weight_averaging >= 1:
            raise InputError(
                f"weight_averaging is {self.weight_averaging}",
                expected="a number in (0, 1), or None",
            )
        if self.dtype not in DTYPES:
            raise unknown_name("dtype", self.dtype, DTYPES)
        if self.autocast is not None and self.autocast not in AUTOCAST_DTYPES:
            known = ", ".join(AUTOCAST_DTYPES)
            raise InputError(
                f"autocast is {self.autocast!r}",
                expected=f"{known}, or None (null in YAML) for none; gradients in float16 would "
                "have to be scaled",
            )
        if self.autocast is not None and self.dtype != "float32":
            raise InputError(
                f"autocast is {self.autocast} with dtype {self.dtype}",
                expected="weights of float32, which autocast multiplies in another type",
                mend="leave one of them out",
            )

    def torch_dtype(self) -> torch.dtype:
        """Return the dtype that :attr:`dtype` names."""
        return DTYPES[self.dtype]

    def training_precision(self) -> AbstractContextManager[Any]:
        """Return the context that a training step computes its output and loss in.

        Example:
            >>> with LoopConfig(autocast="bfloat16").training_precision():
            ...     (torch.ones(2, 2) @ torch.ones(2, 2)).dtype
            torch.bfloat16
        """
        if self.autocast is None:
            return nullcontext()
        # Without the cache of cast weights: older versions of torch (before its pull request
        # 165068) hand one that was first cast under no_grad, as by NCNC's inner score, to the
        # differentiable call too, and its gradient is lost.
        kind = torch.device(self.device).type
        return torch.autocast(kind, AUTOCAST_DTYPES[self.autocast], cache_enabled=False)

    def torch_device(self) -> torch.device:
        """Return the device that :attr:`device` names, after a look whether it is there.

        Raises:
            InputError: If this torch knows no such device, or the machine has none.

        Example:
            >>> TrainConfig().torch_device()
            device(type='cpu')
        """
        return check_device(self.device)


@dataclass(frozen=True, kw_only=True)
class TrainConfig(LoopConfig):
    """Settings of a :class:`LinkTrainer`: those of every loop (:class:`LoopConfig`), and of links.

    Args:
        encoder_learning_rate: Adam's step size for the encoder.
        predictor_learning_rate: Adam's step size for the predictor.
        negatives_per_positive: Uniform non-edges drawn for each link, anew in every epoch.
        remove_targets: Whether the links of a batch leave the graph that encoder and predictor see
            while they are scored. Without it a model learns that a link is there because it is.
        negatives_apart: Score links and non-links in calls of their own, in training and in every
            evaluation, as much published code does. To a sound predictor it makes no difference;
            one whose scores depend on the other pairs of a call learns the label from them. It is
            here to measure that.

    Raises:
        InputError: If a value is out of range.
        InputTypeError: If a value is of a wrong type.

    Example:
        >>> TrainConfig(epochs=5, encoder_learning_rate=0.01).remove_targets
        True
    """

    encoder_learning_rate: float = 1e-3
    predictor_learning_rate: float = 1e-3
    negatives_per_positive: int = 1
    remove_targets: bool = True
    negatives_apart: bool = False


@dataclass(frozen=True, kw_only=True)
class GraphTrainConfig(LoopConfig):
    """Settings of a :class:`GraphTrainer`: those of every loop, and of whole graphs.

    Args:
        learning_rate: Adam's step size.
        schedule: ``"constant"``, or ``"cosine"``: the step size falls to a hundredth along half a
            cosine over all batches of all epochs; or ``"halving"``: it halves every
            ``halve_every`` epochs; or ``"plateau"``: it halves when more than
            ``plateau_patience`` epochs brought no better validation result of the first metric.
        halve_every: Epochs between two halvings.
        plateau_patience: Epochs to wait for a better result before a halving.
        batches_per_epoch: Batches that make an epoch, drawn from one random order of the graphs
            after another; by default an epoch is one pass over the graphs.

    Raises:
        InputError: If a value is out of range.
        InputTypeError: If a value is of a wrong type.
        UnknownNameError: If ``schedule`` is not known.

    Example:
        >>> GraphTrainConfig(schedule="cosine").learning_rate
        0.001
    """

    batch_size: int = 128
    evaluation_batch_size: int = 512
    learning_rate: float = 1e-3
    schedule: Schedule = "constant"
    halve_every: int = 50
    plateau_patience: int = 20
    batches_per_epoch: int | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.schedule not in SCHEDULES:
            raise unknown_name("schedule", self.schedule, SCHEDULES)


@dataclass(frozen=True, kw_only=True)
class SampledTrainConfig(LoopConfig):
    """Settings of a :class:`SampledNodeTrainer`: those of every loop, and of sampled neighborhoods.

    Args:
        fan_out: How many neighbors a node draws in each hop, -1 for all.
        evaluation_fan_out: The same where nodes are scored; ``fan_out`` if None.
        learning_rate: Adam's step size.

    Raises:
        InputError: If a value is out of range.
        InputTypeError: If a value is of a wrong type.

    Example:
        >>> SampledTrainConfig(fan_out=(15, 10)).batch_size
        1024
    """

    fan_out: tuple[int, ...]
    evaluation_fan_out: tuple[int, ...] | None = None
    evaluation_batch_size: int = 1024
    learning_rate: float = 3e-3


def _check_fan_out(name: str, value: Any) -> None:
    expected = "one or more integers >= 1, or -1 for all, one a hop"
    if not isinstance(value, (tuple, list)):
        raise InputTypeError(f"{name} is {value!r}", expected=expected)
    if any(isinstance(count, bool) or not isinstance(count, int) for count in value):
        raise InputTypeError(f"{name} is {list(value)}", expected=expected)
    if not value or any(count < 1 and count != -1 for count in value):
        raise InputError(f"{name} is {list(value)}", expected=expected)


def _check_count(name: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise InputTypeError(f"{name} is {value!r}", expected=f"an integer >= {least}")
    if value < least:
        raise InputError(f"{name} is {value}", expected=f"an integer >= {least}")


def _check_number(name: str, value: Any, *, zero: bool) -> None:
    expected = f"a finite number {'>=' if zero else '>'} 0"
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise InputTypeError(f"{name} is {value!r}", expected=expected)
    if not math.isfinite(value) or value < 0 or (value == 0 and not zero):
        raise InputError(f"{name} is {value}", expected=expected)
