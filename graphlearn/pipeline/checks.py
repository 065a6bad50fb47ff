"""Checks of what a trainer is given."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer
from torch_geometric.data import Data

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.loss_watch import LossWatch
from graphlearn.pipeline.schedule import efficiency
from graphlearn.validate import check_features, check_number


def check_stack(stack: Any) -> list[nn.Module]:
    """Return the layers of a stack.

    Raises:
        InputTypeError: If it is no sequence of modules.
        InputError: If it is empty, or a layer holds a batch norm.

    Example:
        >>> check_stack(nn.ModuleList([nn.Identity()]))
        [Identity()]
    """
    if isinstance(stack, (nn.ModuleList, nn.Sequential)):
        stack = list(stack)
    if not isinstance(stack, (list, tuple)) or not all(isinstance(m, nn.Module) for m in stack):
        mend = "a model whose forward is more than its layers one after another cannot be cut"
        # By what it has: a WholeGraphStack stands on a floor above.
        if isinstance(getattr(stack, "layers", None), nn.ModuleList):
            mend = f"pass list(model.layers); {mend}"
        raise InputTypeError(
            f"the stack is a {type(stack).__name__}",
            expected="a sequence of layers (nn.ModuleList, list)",
            mend=mend,
        )
    if not stack:
        raise InputError("the stack is empty", expected="one layer at least")
    for number, layer in enumerate(stack):
        _check_norms(layer, number)
    return list(stack)


def _check_norms(layer: nn.Module, number: int) -> None:
    for part in layer.modules():
        if isinstance(part, _BatchNorm):
            name = type(part).__name__
            kind = type(layer).__name__
            says = f"is a {name}" if part is layer else f"({kind}) holds a {name}"
            raise InputError(
                f"layer {number} {says}, which makes a row depend on the others of its chunk",
                expected="a norm of each row by itself",
                mend="use torch.nn.LayerNorm",
            )


def check_data(data: Any) -> tuple[Tensor, Tensor, Tensor]:
    """Return the features, targets and the mask of training nodes of a graph.

    Raises:
        InputTypeError: If it is no ``Data``, or an attribute of a wrong dtype.
        InputError: If one is missing, does not fit the others, or no node is trained on.
    """
    if not isinstance(data, Data):
        raise InputTypeError(f"data is a {type(data).__name__}", expected="a PyG Data")
    for name in ("x", "edge_index", "y", "train_mask"):
        if data.get(name) is None:
            raise InputError(f"data has no {name}", expected="x, edge_index, y and train_mask")
    x = check_features(data.x)
    if x.layout != torch.strided:
        raise InputTypeError(
            f"x has layout {x.layout}",
            expected="a dense tensor",
            mend="pass data.x.to_dense()",
        )
    if x.requires_grad:
        raise InputError(
            "x requires a gradient",
            expected="features that are not trained",
            mend="pass data.x.detach()",
        )
    for name in ("y", "train_mask"):
        if not isinstance(data[name], Tensor) or not data[name].dim():
            raise InputTypeError(
                f"{name} is a {type(data[name]).__name__}", expected="a tensor [N], or [N, ...]"
            )
        if data[name].size(0) != x.size(0):
            raise InputError(
                f"{name} has {data[name].size(0)} rows", expected=f"{x.size(0)}, one for each node"
            )
    if data.train_mask.dtype != torch.bool:
        raise InputTypeError(f"train_mask has dtype {data.train_mask.dtype}", expected="bool")
    if data.train_mask.dim() != 1:
        raise InputError(
            f"train_mask has shape {list(data.train_mask.shape)}",
            expected=f"[{x.size(0)}]",
            mend="choose one split, such as data.train_mask[:, 0]",
        )
    if not bool(data.train_mask.any()):
        raise InputError("train_mask chooses no node", expected="one at least")
    return x, data.y.cpu(), data.train_mask.cpu()


def check_options(
    *, loss: Any, optimizer: Any, schedule: Any = None, watch: Any = None, layout: Any = None
) -> None:
    """Raise unless a trainer's arguments are of the types that they are said to be.

    Args:
        loss: A function of the output and the targets.
        optimizer: A function of weights.
        schedule: A function of an optimizer, or None.
        watch: A ``LossWatch``, or None.
        layout: A ``Layout``, or None.

    Raises:
        InputTypeError: If one is not.

    Example:
        >>> check_options(loss=nn.CrossEntropyLoss(reduction="sum"), optimizer=torch.optim.Adam)
    """
    functions = {
        "loss": (
            loss,
            "a function of the output and the targets that gives a sum",
            'pass loss=torch.nn.CrossEntropyLoss(reduction="sum"), or leave it out',
        ),
        "optimizer": (
            optimizer,
            "a function that makes one of weights",
            "pass optimizer=lambda weights: torch.optim.Adam(weights, lr=0.01), or leave it out",
        ),
        "schedule": (
            schedule,
            "a function that makes one of an optimizer, or None",
            "pass schedule=lambda optimizer: StepLR(optimizer, 10)",
        ),
    }
    for name, (given, expected, mend) in functions.items():
        if not callable(given) and not (name == "schedule" and given is None):
            raise InputTypeError(f"{name} is {_told(given)}", expected=expected, mend=mend)
    for name, given, kind in (("watch", watch, LossWatch), ("layout", layout, Layout)):
        if given is not None and not isinstance(given, kind):
            raise InputTypeError(
                f"{name} is {_told(given)}", expected=f"a graphlearn.pipeline.{kind.__name__}"
            )


def _told(given: Any) -> str:
    return "None" if given is None else f"a {type(given).__name__}"


def check_trainable(layers: Sequence[nn.Module]) -> None:
    """Raise if a stack has no weight that can be trained.

    Args:
        layers: Of the whole stack.

    Raises:
        InputError: If so.

    Example:
        >>> check_trainable([nn.Identity(), nn.Linear(1, 1)])
    """
    weights = [weight for layer in layers for weight in layer.parameters()]
    if not any(weight.requires_grad for weight in weights):
        frozen = f"; {len(weights)} are frozen" if weights else ""
        raise InputError(
            f"the stack has no weight to train{frozen}",
            expected="one at least with requires_grad",
            mend="call layer.requires_grad_()" if weights else "add a layer that has weights",
        )


def check_step(optimizer: Optimizer) -> None:
    """Raise if an optimizer's step wants to compute the loss again, as that of LBFGS does.

    Args:
        optimizer: What was made of a stage's weights.

    Raises:
        InputError: If so.

    Example:
        >>> check_step(torch.optim.SGD([torch.zeros(1)], lr=0.1))
    """
    # Of the class: a scheduler puts a wrapper in place of the instance's own.
    parameters = list(inspect.signature(type(optimizer).step).parameters.values())[1:]
    named = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [each.name for each in parameters if each.kind in named and each.default is each.empty]
    if needed:
        raise InputError(
            f"the step of {type(optimizer).__name__} wants a {needed[0]}",
            expected="an optimizer that goes by the gradients of one pass",
            mend="take another one, such as torch.optim.Adam",
        )


def check_costs(costs: Any, num_layers: int) -> list[float]:
    """Return what each layer costs; 1 each if None.

    Raises:
        InputTypeError: If it is no sequence of numbers.
        InputError: If it is not a finite number >= 0 for each layer.

    Example:
        >>> check_costs(None, 3)
        [1.0, 1.0, 1.0]
    """
    if costs is None:
        return [1.0] * num_layers
    if isinstance(costs, str):
        raise InputError(
            f"costs is {costs!r}", expected="'measure', None, or a number for each layer"
        )
    if not isinstance(costs, Sequence):
        raise InputTypeError(
            f"costs is a {type(costs).__name__}", expected="a list of numbers, one for each layer"
        )
    if len(costs) != num_layers:
        raise InputError(
            f"costs are {len(costs)} numbers", expected=f"{num_layers}, one for each layer"
        )
    found = [check_number(cost, name="a cost") for cost in costs]
    if min(found) < 0:
        raise InputError(f"costs are {found}", expected="numbers >= 0")
    return found


def check_unshared(layers: Sequence[nn.Module], ranges: Sequence[range]) -> None:
    """Raise if layers on different stages share a weight: each stage would train its own copy.

    Args:
        layers: Of the stack.
        ranges: Which of them each stage has.

    Raises:
        InputError: If so.

    Example:
        >>> layer = nn.Linear(2, 2)
        >>> check_unshared([layer, layer], [range(0, 2)])
    """
    owner: dict[nn.Parameter, int] = {}
    for numbers in ranges:
        mine = {weight: number for number in numbers for weight in layers[number].parameters()}
        for weight, number in mine.items():
            if weight in owner:
                raise InputError(
                    f"layers {owner[weight]} and {number} share a weight and are on two stages",
                    expected="weights of their own, or one stage",
                    mend="copy the layer, or take fewer stages",
                )
        owner |= mine


def warn_of_few_chunks(chunks: int, stages: int) -> None:
    """Warn that stages wait for each other most of the time.

    Args:
        chunks: K.
        stages: S.
    """
    share = f"{efficiency(chunks, stages):.0%}"
    warnings.warn(
        f"{chunks} chunks for {stages} stages: each stage works {share} of the time at best; "
        f"pass chunks={4 * stages} ({efficiency(4 * stages, stages):.0%}), or fewer stages",
        stacklevel=3,
    )
