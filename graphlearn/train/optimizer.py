"""The optimizer of the loop, and its state as named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from graphlearn.errors import CheckpointError, InputError, InputTypeError
from graphlearn.train.config import GraphTrainConfig, LoopConfig, TrainConfig


def trainable_parameters(model: nn.Module) -> dict[str, nn.Parameter]:
    """Return the parameters that want a gradient, by name, each once.

    Args:
        model: The model.

    Example:
        >>> list(trainable_parameters(nn.Linear(2, 1)))
        ['weight', 'bias']
    """
    return {name: value for name, value in model.named_parameters() if value.requires_grad}


def make_optimizer(model: nn.Module, config: LoopConfig) -> torch.optim.Adam:
    """Make one Adam; for links with a group for the predictor and a group for everything else.

    It is the fused Adam where torch has one (CPU and CUDA): one pass over the weights for all of
    them, instead of a dozen for each.

    Args:
        model: For links a link model, with a ``predictor``.
        config: Learning rates and weight decay.

    Raises:
        InputTypeError: If a link model has no ``encode`` method or no ``predictor``.
        InputError: If nothing in it is to be trained.

    Example:
        >>> class Model(nn.Module):
        ...     def __init__(self):
        ...         super().__init__()
        ...         self.encoder, self.predictor = nn.Linear(4, 2), nn.Linear(2, 1)
        ...     def encode(self, x, graph):
        ...         return self.encoder(x)
        >>> optimizer = make_optimizer(Model(), TrainConfig(encoder_learning_rate=0.1))
        >>> [group["lr"] for group in optimizer.param_groups]
        [0.1, 0.001]
    """
    if isinstance(config, TrainConfig):
        groups = _link_groups(model, config)
    else:
        rate = getattr(config, "learning_rate", GraphTrainConfig.learning_rate)
        groups = [{"params": list(trainable_parameters(model).values()), "lr": rate}]
    groups = [group for group in groups if group["params"]]
    if not groups:
        raise InputError(
            f"{type(model).__name__} has nothing to train",
            expected="a parameter that requires a gradient",
            mend="score it with evaluate_links" if isinstance(config, TrainConfig) else "",
        )
    fused = all(p.device.type in ("cpu", "cuda") for group in groups for p in group["params"])
    return torch.optim.Adam(groups, weight_decay=config.weight_decay, fused=fused)


def _link_groups(model: nn.Module, config: TrainConfig) -> list[dict[str, Any]]:
    predictor = getattr(model, "predictor", None)
    if not isinstance(predictor, nn.Module) or not callable(getattr(model, "encode", None)):
        raise InputTypeError(
            f"model is a {type(model).__name__}",
            expected="a module with a method encode(x, graph) and a module predictor",
            mend="pass nn.LinkModel(encoder, predictor)",
        )
    of_predictor = {id(parameter) for parameter in predictor.parameters()}
    chosen = trainable_parameters(model).values()
    rates = {False: config.encoder_learning_rate, True: config.predictor_learning_rate}
    return [
        {"params": [p for p in chosen if (id(p) in of_predictor) is side], "lr": rate}
        for side, rate in rates.items()
    ]


def optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimizer's state as tensors named ``<entry>.<parameter>``; nothing is copied.

    Args:
        model: The model whose parameters it updates.
        optimizer: An optimizer whose state is tensors alone, as Adam's is.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> optimizer = torch.optim.Adam(layer.parameters(), fused=True)
        >>> layer(torch.ones(1)).backward()
        >>> optimizer.step()
        >>> list(optimizer_tensors(layer, optimizer))
        ['step.weight', 'exp_avg.weight', 'exp_avg_sq.weight']
    """
    return {
        f"{entry}.{name}": value
        for name, parameter in trainable_parameters(model).items()
        for entry, value in optimizer.state.get(parameter, {}).items()
    }


def load_optimizer_tensors(
    model: nn.Module, optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]
) -> None:
    """Put back what :func:`optimizer_tensors` gave; nothing of ``tensors`` is shared.

    Args:
        model: The model whose parameters it updates.
        optimizer: A new optimizer of the same settings.
        tensors: The state.

    Raises:
        CheckpointError: If a tensor belongs to no parameter, or its shape is not the parameter's.

    Example:
        >>> layer = nn.Linear(1, 1, bias=False)
        >>> optimizer = torch.optim.Adam(layer.parameters(), fused=True)
        >>> load_optimizer_tensors(layer, optimizer, {"exp_avg.weight": torch.tensor([[0.5]])})
        >>> optimizer.state[layer.weight]["exp_avg"].item()
        0.5
    """
    parameters = trainable_parameters(model)
    for key, value in tensors.items():
        entry, _, name = key.partition(".")
        parameter = parameters.get(name)
        if parameter is None:
            raise CheckpointError(f"the optimizer state {key!r} belongs to no parameter")
        if entry == "step":
            if value.dim() != 0:
                raise CheckpointError(f"{key!r} has shape {list(value.shape)}", expected="[]")
        elif value.shape != parameter.shape:
            raise CheckpointError(
                f"{key!r} has shape {list(value.shape)}", expected=f"{list(parameter.shape)}"
            )
        # copy=True: tensors of a file are aligned to 8 bytes, torch's own to 64, and a vectorized
        # kernel need not give the same bits for both.
        moved = value.to(parameter.device, copy=True)
        optimizer.state[parameter][entry] = moved
