"""How wide the rows are that go from layer to layer, found before anything is made for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from graphlearn.errors import InputError
from graphlearn.pipeline.chunk import GraphChunk
from graphlearn.pipeline.stage import Passing, apply_layer


@dataclass(frozen=True)
class LayerWidth:
    """What goes into a layer: channels, the initial ones if they are still wanted, and dtype.

    Args:
        rows: Channels of the representations.
        initial: Channels of the initial ones, if a layer from here on takes them.
        dtype: Of the numbers.
    """

    rows: int
    initial: int | None
    dtype: torch.dtype

    @property
    def channels(self) -> list[int]:
        """Of the tensors that travel."""
        return [self.rows] if self.initial is None else [self.rows, self.initial]

    @property
    def count(self) -> int:
        """How many tensors travel."""
        return len(self.channels)


@torch.no_grad()
def layer_widths(layers: Sequence[nn.Module], x: Tensor) -> list[LayerWidth]:
    """What goes into every layer, and out of the last: found on a graph of one node.

    Each layer is asked where its weights lie, so a stack may already be on its device, or on
    several.

    Raises:
        InputError: If a layer cannot be called on it, or gives no ``[1, C]``.
    """
    device = torch.device("cpu")
    passing = [Passing(torch.zeros(1, x.size(1), dtype=x.dtype))]
    for number, layer in enumerate(layers):
        device = layer_device(layer, device)
        given = [torch.zeros_like(part, device=device) for part in passing[-1].parts()]
        was_training = layer.training
        layer.eval()
        try:
            result = apply_layer(
                layer, given[0], _one_node(x.dtype, device), given[1] if given[1:] else None
            )
        except (RuntimeError, TypeError, ValueError, IndexError, AttributeError) as problem:
            told = str(problem).partition("\n")[0] or type(problem).__name__
            raise InputError(
                f"layer {number} ({type(layer).__name__}) cannot be called on a chunk of one node "
                f"with {given[0].size(1)} channels ({told})",
                expected="a stack of layers, each called layer(x, chunk)",
                mend="wrap PyG's convolutions with graphlearn.nn.ConvLayer",
            ) from problem
        finally:
            layer.train(was_training)
        rows: Any = result.rows
        if not isinstance(rows, Tensor) or rows.dim() != 2 or rows.size(0) != 1:
            raise InputError(
                f"layer {number} ({type(layer).__name__}) gives no row for the chunk's one node",
                expected="a tensor [n, C]: rows for the chunk's own nodes alone",
            )
        passing.append(result)
    takes = [bool(getattr(layer, "takes_initial", False)) for layer in layers]
    return [
        LayerWidth(
            given.rows.size(1),
            given.initial.size(1) if given.initial is not None and any(takes[i:]) else None,
            given.rows.dtype,
        )
        for i, given in enumerate(passing)
    ]


def layer_device(layer: nn.Module, default: torch.device) -> torch.device:
    """Where a layer's weights or buffers lie; ``default`` if it has none.

    Example:
        >>> layer_device(nn.Linear(1, 1, device="meta"), torch.device("cpu"))
        device(type='meta')
    """
    return next((t.device for t in (*layer.parameters(), *layer.buffers())), default)


def _one_node(dtype: torch.dtype, device: torch.device) -> GraphChunk:
    none = torch.empty(0, dtype=torch.int64)
    return GraphChunk(
        number=0,
        nodes=torch.zeros(1, dtype=torch.int64),
        halo=none,
        rowptr=torch.zeros(2, dtype=torch.int64),
        col=none,
        edge=none,
        weight=torch.empty(0, dtype=dtype),
        degree=torch.zeros(1, dtype=torch.int64),
    ).to(device)
