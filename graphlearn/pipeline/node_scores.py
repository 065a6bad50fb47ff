"""Metrics of a stack's output on parts of a graph's nodes, the same on every process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.trainer import PipelineTrainer
from graphlearn.registry import unknown_name

NODE_METRICS = ("accuracy", "cross-entropy")
"""What is known here; both are means over nodes, so parts of a graph can be added up."""


def check_node_metrics(names: Sequence[str]) -> tuple[str, ...]:
    """Return names of metrics if all are known and none comes twice.

    Raises:
        InputTypeError: If they are one text.
        UnknownNameError: If one is not known.
        InputError: If there is none, or one comes twice.

    Example:
        >>> check_node_metrics(["accuracy"])
        ('accuracy',)
    """
    if isinstance(names, str):
        raise InputTypeError(
            f"metrics are {names!r}", expected="several names", mend=f"pass ({names!r},)"
        )
    for name in names:
        if name not in NODE_METRICS:
            raise unknown_name("metric of nodes", name, NODE_METRICS)
    if not names or len(set(names)) < len(names):
        raise InputError(f"metrics are {list(names)}", expected="one or more, each once")
    return tuple(names)


def check_classes(target: Tensor, masks: Mapping[str, Tensor], channels: int) -> None:
    """Raise unless the nodes of some parts have classes that a stack's output can be scored by.

    Nodes of no part may have any, such as -1 for a class that is not known.

    Args:
        target: The class of each node.
        masks: Part to its nodes.
        channels: C of the stack's output.

    Shapes:
        - **target**: ``[N]`` int64; each mask: ``[N]`` bool

    Raises:
        InputTypeError: If one of them is of another dtype.
        InputError: If a shape does not fit, or a class is not in ``[0, C)``.

    Example:
        >>> check_classes(torch.tensor([0, -1]), {"test": torch.tensor([True, False])}, 3)
    """
    if target.dtype != torch.int64:
        raise InputTypeError(f"target has dtype {target.dtype}", expected="int64 classes [N]")
    if target.dim() != 1:
        raise InputError(f"target has shape {list(target.shape)}", expected="int64 classes [N]")
    for part, mask in masks.items():
        if mask.dtype != torch.bool:
            raise InputTypeError(f"the mask {part!r} has dtype {mask.dtype}", expected="bool [N]")
        if mask.shape != target.shape:
            raise InputError(
                f"the mask {part!r} has shape {list(mask.shape)}",
                expected=f"{list(target.shape)}, as the target",
            )
        wrong = mask & ((target < 0) | (target >= channels))
        if bool(wrong.any()):
            node = int(wrong.nonzero()[0])
            raise InputError(
                f"node {node} of the part {part!r} is of class {int(target[node])}",
                expected=f"classes in [0, {channels}), as the last layer gives {channels} channels",
                mend=f"leave nodes without a class out of {part!r}",
            )


def score_nodes(
    trainer: PipelineTrainer, target: Tensor, masks: Mapping[str, Tensor], names: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Score parts of the nodes by what the stack gives for the whole graph, nothing old in it.

    Every process has to call it. Costs a pass forward over the graph; processes of the last stage
    score the nodes of their way, and sums are added up in float64.

    Args:
        trainer: The training.
        target: The class of each node.
        masks: Part to its nodes.
        names: Some of :data:`NODE_METRICS`.

    Shapes:
        - **target**: ``[N]`` int64; each mask: ``[N]`` bool

    Returns:
        Part to metric to value; of a part without nodes NaN.

    Raises:
        UnknownNameError: If a metric is not known.
        InputTypeError: If the target or a mask is of a wrong dtype.
        InputError: If they do not fit each other, or a class is none of the stack's output.
        PeerLostError: If another process died or hangs.

    Example:
        >>> from torch_geometric.data import Data
        >>> class Times(torch.nn.Module):
        ...     reads_halo = False
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.weight = torch.nn.Parameter(torch.ones(1))
        ...     def forward(self, x, chunk):
        ...         return x * self.weight
        >>> data = Data(x=torch.eye(2), edge_index=torch.empty(2, 0, dtype=torch.long))
        >>> data.y, data.train_mask = torch.tensor([0, 0]), torch.tensor([True, True])
        >>> trainer = PipelineTrainer([Times()], data, chunks=1)
        >>> score_nodes(trainer, data.y, {"train": data.train_mask}, ["accuracy"])
        {'train': {'accuracy': 0.5}}
    """
    names = check_node_metrics(names)
    target, masks = target.cpu(), {part: mask.cpu() for part, mask in masks.items()}
    check_classes(target, masks, trainer.widths[-1].rows)
    out = trainer.predict()
    is_mine = trainer.layout.way_of.cpu() == trainer.place.way
    sums: list[float] = []
    for mask in masks.values():
        chosen = mask & is_mine if trainer.place.is_last else torch.zeros_like(mask)
        made, true = out[chosen].double(), target[chosen]
        sums.append(float(true.numel()))
        for name in names:
            if name == "accuracy":
                sums.append(float((made.argmax(1) == true).sum()) if true.numel() else 0.0)
            else:
                sums.append(float(F.cross_entropy(made, true, reduction="sum")))
    total = trainer.place.sum_all(sums)
    found, width = {}, 1 + len(names)
    for number, part in enumerate(masks):
        count, *values = total[number * width : (number + 1) * width]
        found[part] = {
            name: value / count if count else float("nan")
            for name, value in zip(names, values, strict=True)
        }
    return found
