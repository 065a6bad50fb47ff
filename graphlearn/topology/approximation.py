"""Approximated topological concentration: surroundings as random projections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph, spmm
from graphlearn.registry import unknown_name
from graphlearn.topology.concentration import hop_weights
from graphlearn.topology.neighbors import neighbor_pairs, undirected_graph
from graphlearn.typing import EdgeIndex, Pairs
from graphlearn.validate import check_num_nodes, check_size

Similarity = Literal["dot", "cosine"]
Normalization = Literal["random-walk", "symmetric"]

SIMILARITIES: tuple[str, ...] = ("dot", "cosine")
NORMALIZATIONS: tuple[str, ...] = ("random-walk", "symmetric")


def approximate_concentration(
    graph: CSRGraph | EdgeIndex,
    neighbors: Pairs | None = None,
    *,
    hops: int = 1,
    alpha: float | Sequence[float] | None = None,
    dim: int = 256,
    similarity: Similarity = "dot",
    normalization: Normalization = "random-walk",
    seed: int,
    num_nodes: int | None = None,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""Approximated topological concentration (ATC) of every node, from `"A Topological Perspective
    on Demystifying GNN-Based Link Prediction Performance" <https://arxiv.org/abs/2310.04612>`_:

    .. math::
        \mathrm{ATC}_i^{K,t} = \mathop{\mathrm{mean}}_{j \in N_i^t} \phi(\tilde N_i, \tilde N_j),
        \qquad \tilde N = \sum_{k=1}^K \alpha_k \tilde A^k R,

    R Gaussian ``[N, dim]``. Its entries have variance 1 / dim here, so that with the similarity
    ``"dot"`` the expectation over R is the mean of :math:`M_i \cdot M_j`,
    :math:`M = \sum_k \alpha_k \tilde A^k`, exactly; the standard deviation falls as
    :math:`1 / \sqrt{\mathrm{dim}}`. For K = 1 and ``"random-walk"`` that expectation is TC with the
    normalizer ``"product"``: the mean of :math:`|N_i \cap N_j| / (|N_i| |N_j|)`; with the
    similarity ``"cosine"`` the limit for large ``dim`` is TC with ``"geometric"``.

    Cost: ``K dim (nnz + N)`` for the surroundings and ``dim (B + N)`` for the means; some
    ``5 N dim`` numbers of memory. Every step is a product of a sparse matrix, no pair has a row.

    Args:
        graph: The edges that surroundings are taken from, possibly masked; or an ``edge_index``.
        neighbors: Pairs of nodes, each once or in both directions; the edges of ``graph`` if None.
        hops: K, at least 1.
        alpha: The number whose powers 0, ..., K - 1 are the weights, or the K weights; at least 0.
            One over the mean degree if None, as the beta of TC.
        dim: Columns of R.
        similarity: :math:`\phi`: ``"dot"`` or ``"cosine"``.
        normalization: Of :math:`\tilde A`: ``"random-walk"`` (:math:`D^{-1} A`) or ``"symmetric"``
            (:math:`D^{-1/2} A D^{-1/2}`).
        seed: Of R, which is the same for every thread count and device.
        num_nodes: For an ``edge_index``: how many nodes there are.
        dtype: float32 or float64.

    Shapes:
        - **neighbors**: ``[2, B]``; **output**: ``[N]``, 0 for a node without neighbors or edges

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If one is out of range, unknown or of the wrong length, or a :class:`CSRGraph`
            is directed.

    Example:
        >>> edge_index = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])
        >>> atc = approximate_concentration(edge_index, dim=10_000, seed=0, dtype=torch.float64)
        >>> atc.round(decimals=1).tolist()
        [0.2, 0.2, 0.1, 0.0]
    """
    graph = undirected_graph(graph, num_nodes)
    if similarity not in SIMILARITIES:
        raise unknown_name("similarity", similarity, SIMILARITIES)
    pairs = neighbor_pairs(graph, neighbors)
    surroundings = random_surroundings(
        graph,
        hops=hops,
        alpha=alpha,
        dim=dim,
        normalization=normalization,
        seed=seed,
        dtype=dtype,
    )
    if similarity == "cosine":
        surroundings = functional.normalize(surroundings, dim=1)
    # The mean of dot products with the neighbors is the dot product with their mean.
    joined = CSRGraph.from_edge_index(pairs, graph.num_nodes)
    count = joined.degree().clamp(min=1).to(dtype)
    around = spmm(joined.rowptr, joined.col, surroundings)
    return (surroundings * around).sum(dim=1) / count


def random_surroundings(
    graph: CSRGraph | EdgeIndex,
    *,
    hops: int = 1,
    alpha: float | Sequence[float] | None = None,
    dim: int = 256,
    normalization: Normalization = "random-walk",
    seed: int,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    r"""The rows :math:`\tilde N_i` of :func:`approximate_concentration`.

    Args:
        graph: The edges that surroundings are taken from, possibly masked; or an ``edge_index``.
        hops: K.
        alpha: Weights of the hops.
        dim: Columns of R.
        normalization: Of :math:`\tilde A`.
        seed: Of R.
        dtype: float32 or float64.

    Shapes:
        - output: ``[N, dim]``

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If one is out of range, unknown or of the wrong length.

    Example:
        >>> graph = CSRGraph.from_edge_index(torch.tensor([[0, 1], [1, 2]]))
        >>> random_surroundings(graph, dim=8, seed=0).shape
        torch.Size([3, 8])
    """
    hops, dim = check_size(hops, name="hops"), check_size(dim, name="dim")
    if normalization not in NORMALIZATIONS:
        raise unknown_name("normalization", normalization, NORMALIZATIONS)
    if dtype not in (torch.float32, torch.float64):
        raise InputError(f"dtype is {dtype}", expected="torch.float32 or torch.float64")
    graph = undirected_graph(graph, None)
    weights = hop_weights(alpha, hops, graph).tolist()
    generator = torch.Generator().manual_seed(check_num_nodes(seed, name="seed"))
    # Drawn in one precision: the projection does not change with the other's.
    drawn = torch.randn(graph.num_nodes, dim, generator=generator, dtype=torch.float64)
    power = drawn.div_(dim**0.5).to(graph.device, dtype)
    del drawn
    degree = graph.degree().to(dtype)
    inverse = torch.where(degree > 0, 1 / degree.clamp(min=1), 0.0)
    weight = None if graph.keep is None else graph.keep.to(dtype)
    surroundings = torch.zeros_like(power)
    for factor in weights:
        if normalization == "random-walk":
            power = inverse[:, None] * spmm(graph.rowptr, graph.col, power, weight)
        else:
            root = inverse.sqrt()[:, None]
            power = root * spmm(graph.rowptr, graph.col, root * power, weight)
        surroundings.add_(power, alpha=factor)
    return surroundings
