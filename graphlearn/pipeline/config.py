"""How to train a deep network on one whole graph: every number of it, checked when it is made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.message_weights import Normalization
from graphlearn.registry import unknown_name
from graphlearn.validate import check_device, check_flag, check_number, check_size

Schedule = Literal["constant", "cosine"]
SelectBy = Literal["accuracy", "cross-entropy"]

_COUNTS = ("epochs", "evaluate_every", "checkpoint_every", "chunks", "refresh")
_NUMBERS = ("learning_rate", "weight_decay", "gamma")
_FLAGS = ("normalize_features", "shuffle", "recompute")
_CHOICES = {
    "schedule": get_args(Schedule),
    "select_by": (None, *get_args(SelectBy)),
    "normalization": (None, *get_args(Normalization)),
    "dtype": ("float32", "float64"),
}


@dataclass(frozen=True, kw_only=True)
class NodeTrainConfig:
    """Settings of the training of a stack of layers for the classes of a graph's nodes.

    With ``chunks`` at 1 it is full-graph training; with more, :class:`PipelineTrainer` says what
    they mean. On how many processes a training runs does not belong here: the number of stages
    changes no result.

    Args:
        epochs: Most epochs, one update of the weights each.
        learning_rate: Adam's step size.
        weight_decay: Adam's L2 penalty.
        ends_weight_decay: That of the first and the last layer, where it is another one.
        schedule: ``"constant"``, or ``"cosine"``: the step size falls to a hundredth along half a
            cosine.
        patience: Stop after this many epochs without a better validation result; None trains all.
        select_by: The validation metric that chooses the epoch whose weights are kept and whose
            test metrics are reported, ``"accuracy"`` or ``"cross-entropy"``; None lets every
            metric choose its own epoch, and the first the weights'.
        evaluate_every: Epochs between two evaluations; the last epoch is always evaluated.
        normalize_features: Divide each node's features by their sum, where that is above 1.
        chunks: K.
        normalization: Of the factors of messages: ``"gcn"`` (self-loops, both degrees), ``"mean"``,
            ``"sum"``, or None to let each layer weigh by its own rule.
        gamma: The factor of gradients that flow to other chunks.
        refresh: Epochs between two renewals of the history.
        shuffle: Whether chunks come in another order each epoch.
        divergence_factor: A loss so many times that of the first epoch, five epochs in a row, ends
            the training; None lets it go on while losses are finite.
        recompute: Whether activations are computed again on the way back instead of kept.
        checkpoint_every: Epochs between two checkpoints.
        device: Where to train, such as ``"cpu"`` or ``"cuda"``.
        dtype: ``"float32"`` or ``"float64"``.

    Raises:
        InputError: If a value is out of range.
        InputTypeError: If a value is of a wrong type.
        UnknownNameError: If one of a few names is meant, and it is none of them.

    Example:
        >>> NodeTrainConfig(chunks=4, select_by="cross-entropy").epochs
        1000
        >>> NodeTrainConfig(chunks=0)
        Traceback (most recent call last):
        graphlearn.errors.InputError: chunks is 0: expected an integer >= 1
    """

    epochs: int = 1000
    learning_rate: float = 0.01
    weight_decay: float = 0.0
    ends_weight_decay: float | None = None
    schedule: Schedule = "constant"
    patience: int | None = None
    select_by: SelectBy | None = None
    evaluate_every: int = 1
    normalize_features: bool = False
    chunks: int = 1
    normalization: Normalization | None = None
    gamma: float = 2.0
    refresh: int = 1
    shuffle: bool = True
    recompute: bool = False
    divergence_factor: float | None = 5.0
    checkpoint_every: int = 25
    device: str = "cpu"
    dtype: str = "float32"

    def __post_init__(self) -> None:
        # They are kept as plain numbers, also those of NumPy: a checkpoint holds them as JSON.
        for name in (*_COUNTS, "patience"):
            value = getattr(self, name)
            if name != "patience" or value is not None:
                object.__setattr__(self, name, check_size(value, name=name))
        for name in (*_NUMBERS, "ends_weight_decay"):
            value = getattr(self, name)
            if name == "ends_weight_decay" and value is None:
                continue
            number = check_number(value, name=name)
            if number < 0:
                raise InputError(f"{name} is {value}", expected="a finite number >= 0")
            object.__setattr__(self, name, number)
        if self.divergence_factor is not None:
            factor = check_number(self.divergence_factor, name="divergence_factor")
            if factor <= 1:
                raise InputError(
                    f"divergence_factor is {factor}", expected="a number above 1, or None"
                )
            object.__setattr__(self, "divergence_factor", factor)
        for name in _FLAGS:
            check_flag(getattr(self, name), name=name)
        for name, known in _CHOICES.items():
            word: Any = getattr(self, name)
            if word not in known:
                if not isinstance(word, str):
                    raise InputTypeError(f"{name} is {word!r}", expected="a name")
                raise unknown_name(name, word, [other for other in known if other is not None])
        if not isinstance(self.device, str):
            raise InputTypeError(f"device is {self.device!r}", expected="a name")

    def torch_dtype(self) -> torch.dtype:
        """Return the dtype that :attr:`dtype` names."""
        return {"float32": torch.float32, "float64": torch.float64}[self.dtype]

    def torch_device(self) -> torch.device:
        """Return the device that :attr:`device` names, after a look whether it is there.

        Raises:
            InputError: If this torch knows no such device, or the machine has none.
        """
        return check_device(self.device)
