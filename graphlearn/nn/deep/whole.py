"""A stack of layers on a whole graph at once: the plain form, and the baseline."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from torch import Tensor, nn

from graphlearn.errors import InputError, InputTypeError
from graphlearn.nn.deep.chunk import Neighborhoods, WholeGraph, whole_graph
from graphlearn.nn.reset import reset
from graphlearn.typing import EdgeIndex


class WholeGraphStack(nn.Module):
    r"""Run layers one after the other on a graph that is one part without a halo.

    What a pipelined trainer computes part by part, here in one piece: for training where memory is
    not short, for evaluation, and to compare with. Layers are called as :class:`DeepLayer` says,
    with the initial representation for those that take it.

    Args:
        stack (iterable of nn.Module): The layers, such as :func:`deep_stack` makes; they are
            shared, not copied.

    Shapes:
        - **x**: ``[N, in_channels]``; **graph**: a :class:`WholeGraph` or ``edge_index [2, E]``
        - **output**: ``[N, out_channels]``

    Raises:
        InputError: If there are no layers, a layer takes an initial representation that none
            before it sets, or the graph has a halo.
        InputTypeError: If a layer is no module.

    Example:
        >>> import torch
        >>> from graphlearn.nn.deep import deep_stack
        >>> network = WholeGraphStack(deep_stack("gcn", 5, 8, 3, num_layers=4))
        >>> edge_index = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
        >>> network(torch.randn(3, 5), edge_index).shape
        torch.Size([3, 3])
    """

    def __init__(self, stack: Iterable[nn.Module]) -> None:
        super().__init__()
        layers = [*stack]
        for number, layer in enumerate(layers):
            given: Any = layer
            if not isinstance(given, nn.Module):
                raise InputTypeError(
                    f"layer {number} is a {type(given).__name__}", expected="an nn.Module"
                )
        if not layers:
            raise InputError("the stack is empty", expected="at least one layer")
        start = [getattr(layer, "sets_initial", False) for layer in layers]
        for number, layer in enumerate(layers):
            if getattr(layer, "takes_initial", False) and not any(start[:number]):
                raise InputError(
                    f"layer {number}, a {type(layer).__name__}, takes an initial representation "
                    "and no layer before it sets one",
                    expected="one that does",
                    mend="put an InputLayer with sets_initial=True before it",
                )
        self.layers = nn.ModuleList(layers)

    def reset_parameters(self) -> None:
        """Draw new weights in every layer."""
        reset(self)

    def forward(
        self, x: Tensor, graph: Neighborhoods | EdgeIndex, weight: Tensor | None = None
    ) -> Tensor:
        """Return the result of every node.

        Args:
            x: The features.
            graph: The graph; an ``edge_index`` is sorted anew in every call, so for training make
                it once with :func:`whole_graph`.
            weight: The factors of an ``edge_index``'s messages, if it has any.

        Shapes:
            - **x**: ``[N, in_channels]``; **weight**: ``[E]``; **output**: ``[N, out_channels]``
        """
        chunk = _as_chunk(x, graph, weight)
        if chunk.degree.numel() != chunk.num_nodes:
            raise InputError(
                f"the graph has {chunk.num_nodes} nodes and a halo of "
                f"{chunk.degree.numel() - chunk.num_nodes}",
                expected="a whole graph",
                mend="make it with whole_graph(edge_index, num_nodes)",
            )
        initial: Tensor | None = None
        for layer in self.layers:
            if getattr(layer, "takes_initial", False):
                x = layer(x, chunk, initial)
            else:
                x = layer(x, chunk)
            if getattr(layer, "sets_initial", False):
                initial = x
        return x

    def extra_repr(self) -> str:
        """Number of layers, for ``repr``."""
        return f"{len(self.layers)} layers"


def _as_chunk(x: Any, graph: Any, weight: Tensor | None) -> Neighborhoods:
    if isinstance(graph, Tensor):
        if not isinstance(x, Tensor) or x.dim() != 2:
            kind = f"of shape {list(x.shape)}" if isinstance(x, Tensor) else type(x).__name__
            raise InputError(f"x is {kind}", expected="a tensor [N, C]")
        made: WholeGraph = whole_graph(graph, x.size(0), weight)
        return made
    if not hasattr(graph, "rowptr") or not hasattr(graph, "num_nodes"):
        raise InputTypeError(
            f"graph is a {type(graph).__name__}", expected="a WholeGraph, or an edge_index"
        )
    if weight is not None:
        raise InputError(
            "weight is given beside a graph",
            expected="a graph that has its weights",
            mend="make it with whole_graph(edge_index, num_nodes, weight)",
        )
    chunk: Neighborhoods = graph
    return chunk
