"""Weightless propagation: message passing without parameters, on a graph that may be masked."""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor, nn

from graphlearn.kernels import CSRGraph, Transposed, as_graph, multiplies_bfloat16, spmm
from graphlearn.registry import unknown_name
from graphlearn.typing import EdgeIndex

Normalization = Literal["gcn", "sum", "mean"]


def check_normalization(name: str) -> Normalization:
    """Return ``name`` if it is a known normalization.

    Raises:
        UnknownNameError: If it is not; offers the nearest.

    Example:
        >>> check_normalization("gcn")
        'gcn'
    """
    for known in get_args(Normalization):
        if name == known:
            normalization: Normalization = known
            return normalization
    raise unknown_name("normalization", name, get_args(Normalization))


def _neighbor_sum(x: Tensor, graph: CSRGraph, weight: Tensor | None) -> Tensor:
    """Sum of the neighbors' rows, each times the weight of its entry."""
    if not graph.undirected:
        return spmm(graph.rowptr, graph.col, x, weight)
    # Undirected rows are their own columns; only the weights of the two directions may differ
    # (under edge dropout), so the backward pass gathers with them exchanged.
    turned = Transposed(graph.rowptr, graph.col, None if weight is None else graph.reverse_entry)
    return spmm(graph.rowptr, graph.col, x, weight, transposed=turned)


def _multiplies_matrices(x: Tensor, graph: CSRGraph) -> bool:
    """Whether to multiply the graph's matrix by ``x``: under autocast, in a dense graph.

    On one thread of a CPU with AVX512-BF16 that takes 60 ms for ogbl-ddi (12 % of all pairs are
    linked, 256 channels, with the gradient) against 86 over lists, and is level at one pair in
    twelve or so (``experiments/perf/autocast.py``). Without such instructions lists are faster.
    The matrix takes at most 24 bytes an entry.
    """
    kind = x.device.type
    return (
        torch.is_autocast_enabled(kind)
        and torch.get_autocast_dtype(kind) == torch.bfloat16
        and x.dtype != torch.float64
        and 12 * graph.col.numel() >= graph.num_nodes**2 > 0
        and multiplies_bfloat16(kind)
    )


def _propagate_matrix(x: Tensor, graph: CSRGraph, normalization: Normalization) -> Tensor:
    """:func:`propagate` of a dense graph without weights, under autocast; of the dtype of ``x``."""
    degree = graph.degree().float()[:, None]
    if normalization == "gcn":
        scale = (degree + 1).rsqrt()
        around = graph.matrix @ (x * scale)
        return torch.addcmul(around * scale, x, scale.square()).to(x.dtype)
    around = (graph.matrix @ x).to(x.dtype)
    return around / degree.clamp(min=1).to(x.dtype) if normalization == "mean" else around


def propagate(x: Tensor, graph: CSRGraph, normalization: Normalization = "gcn") -> Tensor:
    r"""One step of propagation over the kept entries of ``graph``.

    ``"gcn"`` is :math:`\mathbf{D}^{-1/2}(\mathbf{A}+\mathbf{I})\mathbf{D}^{-1/2}\mathbf{X}` with
    the degrees of :math:`\mathbf{A}+\mathbf{I}`; ``"sum"`` is :math:`\mathbf{A}\mathbf{X}`;
    ``"mean"`` divides that by the degree, and an isolated node gets 0. Where the graph has weights
    (:meth:`CSRGraph.with_weights`) they take the place of all three. Cost: nnz C multiply-adds, as
    much again backward; no ``[E, C]`` intermediate on the CPU. Under autocast to bfloat16 a graph
    that links one pair in twelve or more is multiplied as a matrix of N^2 values, where the
    hardware has instructions for that: N^2 C, rounded to bfloat16.

    Args:
        x: Node representations.
        graph: The graph; masked entries take no part and do not count as degree.
        normalization: ``"gcn"``, ``"sum"`` or ``"mean"``.

    Shapes:
        - **x**, **output**: ``[N, C]``

    Example:
        >>> import torch
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0], [1]]), num_nodes=2)
        >>> propagate(torch.tensor([[1.0], [3.0]]), graph, "sum").flatten().tolist()
        [3.0, 1.0]
    """
    as_graph(graph, x.size(0))
    if graph.weight is not None and graph.loop_weight is not None:
        weight = graph.weight.to(x.dtype)
        weight = weight if graph.keep is None else weight * graph.keep
        return torch.addcmul(
            _neighbor_sum(x, graph, weight), x, graph.loop_weight.to(x.dtype)[:, None]
        )
    if _multiplies_matrices(x, graph):
        return _propagate_matrix(x, graph, normalization)
    keep = None if graph.keep is None else graph.keep.to(x.dtype)
    if normalization == "gcn":
        scale = (graph.degree().to(x.dtype) + 1).rsqrt()
        weight = scale[graph.entry_row.long()] * scale[graph.col.long()]
        if keep is not None:
            weight = weight * keep
        return torch.addcmul(_neighbor_sum(x, graph, weight), x, scale.square()[:, None])
    out = _neighbor_sum(x, graph, keep)
    if normalization == "mean":
        out = out / graph.degree().clamp(min=1).to(x.dtype)[:, None]
    return out


def weighted_edges(graph: CSRGraph) -> tuple[EdgeIndex, Tensor]:
    """The messages of a graph with weights as PyG's layers take them, self-loops included.

    Args:
        graph: A graph with weights (:meth:`graphlearn.kernels.CSRGraph.with_weights`).

    Returns:
        ``edge_index``, from source to target, and ``edge_weight``; masked entries are left out.

    Shapes:
        - **output**: ``[2, E + N]`` and ``[E + N]``

    Example:
        >>> import torch
        >>> path = CSRGraph.from_edge_index(torch.tensor([[0], [1]]))
        >>> weighted_edges(path.with_weights(torch.tensor([5.0, 6.0]), torch.ones(2)))
        (tensor([[1, 0, 0, 1],
                [0, 1, 0, 1]]), tensor([5., 6., 1., 1.]))
    """
    assert graph.weight is not None
    assert graph.loop_weight is not None
    nodes = torch.arange(graph.num_nodes, device=graph.device)
    # Row u holds what u takes from its columns: PyG's source is the column.
    edge_index = torch.cat([graph.edge_index().flip(0), nodes.repeat(2, 1)], dim=1)
    weight = graph.weight if graph.keep is None else graph.weight[graph.keep]
    return edge_index, torch.cat([weight, graph.loop_weight])


class Propagation(nn.Module):
    r"""The weightless convolution of NCN's recipes ("pure GCN", "pure sum").

    From `"Neural Common Neighbor with Completion for Link Prediction"
    <https://arxiv.org/abs/2302.00890>`_:
    :math:`\mathbf{X}' = \mathbf{D}^{-1/2}(\mathbf{A}+\mathbf{I})\mathbf{D}^{-1/2}\mathbf{X}`
    or its sum and mean forms.

    Args:
        normalization (str): ``"gcn"``, ``"sum"`` or ``"mean"``. (default: :obj:`"gcn"`)

    Shapes:
        - **x**: ``[N, C]``; **graph**: a ``CSRGraph`` or an undirected ``edge_index [2, E]``
        - **output**: ``[N, C]``

    Raises:
        UnknownNameError: If the normalization is not known.

    Example:
        >>> import torch
        >>> layer = Propagation("mean")
        >>> layer(torch.tensor([[1.0], [3.0]]), torch.tensor([[0], [1]])).flatten().tolist()
        [3.0, 1.0]
    """

    def __init__(self, normalization: str = "gcn") -> None:
        super().__init__()
        self.normalization: Normalization = check_normalization(normalization)

    def forward(self, x: Tensor, graph: CSRGraph | EdgeIndex) -> Tensor:
        """Return the propagated representations."""
        return propagate(x, as_graph(graph, x.size(0)), self.normalization)

    def extra_repr(self) -> str:
        """Options for ``repr``."""
        return f"{self.normalization!r}"
