"""Checks of what a trainer is given."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from graphlearn.errors import InputError, InputTypeError
from graphlearn.pipeline.schedule import efficiency
from graphlearn.validate import check_features, check_number


def check_stack(stack: Any) -> list[nn.Module]:
    """Return the layers of a stack.

    Raises:
        InputTypeError: If it is no sequence of modules.
        InputError: If it is empty.

    Example:
        >>> check_stack(nn.ModuleList([nn.Identity()]))
        [Identity()]
    """
    if isinstance(stack, (nn.ModuleList, nn.Sequential)):
        stack = list(stack)
    if not isinstance(stack, (list, tuple)) or not all(isinstance(m, nn.Module) for m in stack):
        raise InputTypeError(
            f"the stack is a {type(stack).__name__}",
            expected="a sequence of layers (nn.ModuleList, list)",
            mend="a model whose forward is more than its layers one after another cannot be cut",
        )
    if not stack:
        raise InputError("the stack is empty", expected="one layer at least")
    return list(stack)


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
    if not bool(data.train_mask.any()):
        raise InputError("train_mask chooses no node", expected="one at least")
    return x, data.y.cpu(), data.train_mask.cpu()


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
