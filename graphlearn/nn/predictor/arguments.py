"""Checks of what a predictor is called with."""

from __future__ import annotations

from torch import Tensor

from graphlearn.errors import InputError, InputTypeError
from graphlearn.kernels import CSRGraph, as_graph
from graphlearn.typing import EdgeIndex, Pairs
from graphlearn.validate import check_node_pairs

_NO_LIMIT = 2**62


def check_call(
    x: Tensor | None, graph: CSRGraph | EdgeIndex, pairs: Pairs, channels: int | None
) -> CSRGraph:
    """Return the graph if representations, graph and pairs fit together.

    Args:
        x: Node representations ``[N, channels]``; None for a predictor that uses none.
        graph: A built graph or an undirected ``edge_index``.
        pairs: ``[2, B]``.
        channels: Required width of ``x``; None if ``x`` is not used.

    Raises:
        InputTypeError: If ``x`` is missing or not floating-point, or ``pairs`` not integer.
        InputError: If a shape does not fit or an id is out of range.

    Example:
        >>> import torch
        >>> check_call(None, torch.tensor([[0], [1]]), torch.tensor([[0], [1]]), None)
        CSRGraph(num_nodes=2, num_edges=1, undirected=True)
    """
    rows: int | None = None
    if channels is not None:
        if not isinstance(x, Tensor) or not x.is_floating_point():
            kind = f"dtype {x.dtype}" if isinstance(x, Tensor) else f"type {type(x).__name__}"
            raise InputTypeError(
                f"x has {kind}", expected=f"a floating-point tensor [N, {channels}]"
            )
        if x.dim() != 2 or x.size(1) != channels:
            raise InputError(f"x has shape {list(x.shape)}", expected=f"shape [N, {channels}]")
        rows = x.size(0)
    if rows is None and not isinstance(graph, CSRGraph):
        # A plain edge_index does not say how many nodes there are: as many as anything names.
        check_node_pairs(graph, _NO_LIMIT)
        check_node_pairs(pairs, _NO_LIMIT, name="pairs")
        rows = max((int(ids.max()) + 1 for ids in (graph, pairs) if ids.numel()), default=0)
    built = as_graph(graph, rows)
    check_node_pairs(pairs, built.num_nodes, name="pairs")
    return built
