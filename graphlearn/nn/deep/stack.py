"""Deep networks as a list of layers, by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, NamedTuple

from torch import nn

from graphlearn.nn.deep.ends import InputLayer, OutputLayer
from graphlearn.nn.deep.gcn import GCNLayer
from graphlearn.nn.deep.gcnii import GCNIILayer
from graphlearn.nn.deep.gen import GENLayer
from graphlearn.nn.deep.sage import SAGELayer
from graphlearn.registry import unknown_name
from graphlearn.validate import check_size


class _Kind(NamedTuple):
    """The class of a stack's layers, how number ``number`` (from 1) is made, and its two ends."""

    layer: type[nn.Module]
    make: Callable[..., nn.Module]
    input: dict[str, bool]
    output: dict[str, bool]


def _gcn(number: int, channels: int, **options: Any) -> nn.Module:
    return GCNLayer(channels, channels, **{"activation": True, **options})


def _sage(number: int, channels: int, **options: Any) -> nn.Module:
    return SAGELayer(channels, channels, **{"activation": True, **options})


def _gcnii(number: int, channels: int, **options: Any) -> nn.Module:
    return GCNIILayer(channels, number, **{"activation": True, **options})


def _gen(number: int, channels: int, **options: Any) -> nn.Module:
    return GENLayer(channels, residual=number > 1, **options)


_STACKS = {
    "gcn": _Kind(GCNLayer, _gcn, {}, {}),
    "sage": _Kind(SAGELayer, _sage, {}, {}),
    "gcnii": _Kind(GCNIILayer, _gcnii, {"sets_initial": True}, {}),
    # The authors' network: the first convolution stands alone, and the last sum gets the norm and
    # the ReLU that the next block would have given it.
    "resgcn+": _Kind(GENLayer, _gen, {"activation": False}, {"norm": True, "activation": True}),
}

DEEP_STACKS = tuple(_STACKS)


def deep_stack(
    name: str,
    in_channels: int,
    hidden_channels: int,
    out_channels: int,
    num_layers: int,
    *,
    dropout: float = 0.0,
    **options: Any,
) -> nn.ModuleList:
    """Make a deep network as a list: an input layer, ``num_layers`` layers, an output layer.

    ==============  =======================  =====================================================
    name            layers                   the ends
    ==============  =======================  =====================================================
    ``"gcn"``       :class:`GCNLayer`        linear with ReLU; linear
    ``"sage"``      :class:`SAGELayer`       linear with ReLU; linear
    ``"gcnii"``     :class:`GCNIILayer`      linear with ReLU, kept as the initial representation;
                                             linear
    ``"resgcn+"``   :class:`GENLayer`        linear; LayerNorm, ReLU, linear
    ==============  =======================  =====================================================

    The layers of the first three end in ReLU, and dropout stands before every layer: the networks
    of the papers. :class:`WholeGraphStack` runs one on a whole graph, and the pipelined trainer
    part by part.

    Args:
        name: One of the table's.
        in_channels: Number of features.
        hidden_channels: Width.
        out_channels: Size of the result, such as the number of classes.
        num_layers: Number of layers between the ends.
        dropout: Dropout before every layer, the ends included; in ``"resgcn+"`` not before the
            first two.
        **options: Options of every layer between the ends, such as ``residual=True`` of GCN,
            ``aggregation="lcm"`` of SAGE, ``alpha`` and ``theta`` of GCNII.

    Raises:
        UnknownNameError: If there is no such stack or option; offers the nearest.
        InputError: If a number is out of range.

    Example:
        >>> stack = deep_stack("gcnii", 10, 16, 3, num_layers=32, dropout=0.5, theta=1.0)
        >>> len(stack), stack[32].layer
        (34, 32)
    """
    if name not in _STACKS:
        raise unknown_name("deep stack", name, _STACKS)
    kind = _STACKS[name]
    num_layers = check_size(num_layers, name="num_layers")
    known = layer_options(name)
    for option in options:
        if option not in known:
            raise unknown_name(f"option of {name}", option, known)
    # The authors of ResGCN+ have no dropout on features.
    first = 0.0 if kind.layer is GENLayer else dropout
    return nn.ModuleList(
        [
            InputLayer(in_channels, hidden_channels, dropout=first, **kind.input),
            *(
                kind.make(number, hidden_channels, dropout=dropout, **options)
                for number in range(1, num_layers + 1)
            ),
            OutputLayer(hidden_channels, out_channels, dropout=dropout, **kind.output),
        ]
    )


def layer_options(name: str) -> dict[str, inspect.Parameter]:
    """Which options of a stack's layers :func:`deep_stack` takes, with types and defaults.

    Args:
        name: One of :data:`DEEP_STACKS`.

    Raises:
        UnknownNameError: If there is no such stack.

    Example:
        >>> layer_options("gcnii")["alpha"].default
        0.1
    """
    if name not in _STACKS:
        raise unknown_name("deep stack", name, _STACKS)
    layer = _STACKS[name].layer
    set_by_stack = {"in_channels", "out_channels", "channels", "layer", "dropout"}
    if layer is GENLayer:
        set_by_stack.add("residual")
    signature = inspect.signature(layer, eval_str=True)
    return {k: v for k, v in signature.parameters.items() if k not in set_by_stack}
