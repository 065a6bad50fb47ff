"""What makes a run the run it is: a checkpoint is continued by no other."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from torch import nn

from graphlearn.data import GraphSplit, LinkSplit, NodeSplit
from graphlearn.errors import InputTypeError
from graphlearn.metrics import LinkEvaluator, PredictionEvaluator
from graphlearn.train.config import LoopConfig
from graphlearn.train.tensor_file import describe

_WITHOUT_EFFECT = ("checkpoint_seconds",)


def run_identity(
    model: nn.Module,
    split: LinkSplit | GraphSplit | NodeSplit,
    config: LoopConfig,
    seed: int,
    evaluator: LinkEvaluator | PredictionEvaluator,
    extra: Mapping[str, Any] | None = None,
    *,
    test: bool = True,
) -> dict[str, Any]:
    """Return what decides a run's result, as plain values in the order they are compared.

    A setting that cannot change the result (how often checkpoints are made) is not in it.

    Args:
        model: The model; names, shapes and dtypes of its parameters count, their values do not.
        split: The split; its digest counts.
        config: The settings.
        seed: The seed.
        evaluator: Its metrics and its rule for ties count.
        extra: What else must be the same, such as the recipe the model was built from: a dropout
            rate is in no shape.
        test: Whether test metrics are computed.

    Raises:
        InputTypeError: If ``extra`` holds what JSON cannot.

    Example:
        >>> import torch
        >>> from torch_geometric.data import Data
        >>> from graphlearn.data import random_link_split
        >>> from graphlearn.train import TrainConfig
        >>> ring = Data(edge_index=torch.stack([torch.arange(30), torch.arange(1, 31) % 30]))
        >>> split = random_link_split(ring, seed=0)
        >>> identity = run_identity(
        ...     nn.Linear(2, 1), split, TrainConfig(), 0, LinkEvaluator(["auc"])
        ... )
        >>> identity["config.batch_size"], identity["parameter.weight"]
        (1024, 'float32[1, 2]')
    """
    identity: dict[str, Any] = {"seed": seed, "metrics": list(evaluator.names)}
    if isinstance(evaluator, LinkEvaluator):
        identity["metrics.ties"] = evaluator.ties
    for name, value in asdict(config).items():
        if name not in _WITHOUT_EFFECT:
            identity[f"config.{name}"] = value
    for name, value in (extra or {}).items():
        identity[f"extra.{name}"] = value
    identity["split.rule"], identity["split.digest"] = split.rule, split.digest()
    if not test:
        identity["split.test"] = "left out"
    for name, parameter in model.named_parameters():
        frozen = "" if parameter.requires_grad else " frozen"
        identity[f"parameter.{name}"] = describe(parameter) + frozen
    try:
        # Through JSON and back, so that it compares equal to what a file gives.
        plain: dict[str, Any] = json.loads(json.dumps(identity, allow_nan=False))
    except (TypeError, ValueError) as problem:
        raise InputTypeError(
            f"identity cannot be stored ({problem})", expected="values that JSON can hold"
        ) from problem
    return plain
