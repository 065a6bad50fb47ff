"""Whether a convolution gives the same on a part of a graph as on the whole of it."""

from __future__ import annotations

import inspect
from typing import Any

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.instancenorm import _InstanceNorm
from torch_geometric.nn import (
    DiffGroupNorm,
    GraphNorm,
    GraphSizeNorm,
    MeanSubtractionNorm,
    MessagePassing,
    PairNorm,
)
from torch_geometric.nn import LayerNorm as GraphLayerNorm

from graphlearn.errors import InputError, InputTypeError

_OVER_ROWS = (
    _BatchNorm,
    _InstanceNorm,
    DiffGroupNorm,
    GraphNorm,
    GraphSizeNorm,
    MeanSubtractionNorm,
    PairNorm,
)
# PyG's convolutions that normalize by degrees call one of these.
_DEGREE_NORMALIZATIONS = ("gcn_norm", "get_laplacian")
_HOPS = ("K", "num_layers", "filter_size")


def check_conv(conv: Any) -> None:
    """Raise unless a part of a graph is enough for ``conv``, as far as can be told from outside.

    Refused are convolutions that are called in another way than ``conv(x, edge_index)``, reach
    further than one hop, normalize by degrees that a part does not show, or normalize over rows.
    What a convolution does inside its ``forward`` is not looked at.

    Raises:
        InputTypeError: If it is no ``MessagePassing`` of PyG.
        InputError: If it is refused, with what to take in its place.

    Example:
        >>> from torch_geometric.nn import SAGEConv
        >>> check_conv(SAGEConv(2, 3))
    """
    if not isinstance(conv, MessagePassing):
        raise InputTypeError(
            f"conv is a {type(conv).__name__}",
            expected="a convolution of PyG, a MessagePassing",
            mend="write a DeepLayer for another kind of layer",
        )
    name = type(conv).__name__
    _check_call(conv, name)
    if conv.flow != "source_to_target":
        raise InputError(
            f"{name} has flow={conv.flow!r}", expected="'source_to_target', as chunks are cut"
        )
    for part in conv.modules():
        _check_reach(part)
        _check_norm(part, name)


def _check_call(conv: MessagePassing, name: str) -> None:
    parameters = list(inspect.signature(conv.forward).parameters.values())
    needed = [each.name for each in parameters if each.default is each.empty]
    initial = "x_0" in needed
    if needed != ["x", "edge_index"] or "edge_type" in {each.name for each in parameters}:
        raise InputError(
            f"{name} is called with ({', '.join(each.name for each in parameters)})",
            expected="a convolution that is called with (x, edge_index)",
            mend="use GCNIILayer, which takes the initial representation" if initial else "",
        )
    if getattr(conv, "edge_dim", None) is not None:
        raise InputError(
            f"{name} has edge_dim={conv.edge_dim}",
            expected="none: chunks carry no features of edges",
        )


def _check_reach(part: nn.Module) -> None:
    name = type(part).__name__
    if not isinstance(part, MessagePassing):
        return
    for hops in _HOPS:
        if isinstance(count := getattr(part, hops, 1), int) and count > 1:
            raise InputError(
                f"{name} has {hops}={count}: it reaches further than one hop",
                expected="one hop, which is what a chunk's halo holds",
                mend="put as many layers of one hop in the stack",
            )
    if _names_normalization(type(part)) and getattr(part, "normalize", True):
        can = hasattr(part, "normalize")
        raise InputError(
            f"{name} normalizes by degrees, and a chunk does not show those of its halo",
            expected="a convolution that does not",
            mend=(
                f"pass {name}(..., normalize=False) and give the chunk the normalized weights, or "
                if can
                else ""
            )
            + "use GCNLayer",
        )


def _names_normalization(kind: type) -> bool:
    """Whether a method of the class or of one above it names a normalization by degrees."""
    return any(
        name in _DEGREE_NORMALIZATIONS
        for base in kind.__mro__
        for member in vars(base).values()
        if inspect.isfunction(member)
        for name in member.__code__.co_names
    )


def _check_norm(part: nn.Module, name: str) -> None:
    over_rows = isinstance(part, _OVER_ROWS)
    if isinstance(part, GraphLayerNorm):
        over_rows = part.mode == "graph"
    if over_rows:
        raise InputError(
            f"{name} holds a {type(part).__name__}, which makes a row depend on the others of its "
            "chunk",
            expected="a norm of each row by itself",
            mend="use torch.nn.LayerNorm",
        )
