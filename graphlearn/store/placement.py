"""Which rows will training touch? Scores of nodes, by which a tiered store places their rows.

All give one number a node, larger for rows that should lie nearer. Measured on graphs where the
share of accesses that a cache serves is known (``experiments/perf/features.py``),
:func:`inclusion_probability` is the best of those that need no sampling, and the only one of them
that holds where the training nodes are in one part of the graph.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.kernels.spmm.cpu import scatter
from graphlearn.store.in_neighbors import Graph, in_neighbors, seed_weights
from graphlearn.store.inclusion import forecast_batch
from graphlearn.store.row_store import check_index
from graphlearn.validate import check_num_nodes, check_number, check_size


def inclusion_probability(
    graph: Graph,
    train_nodes: Tensor,
    fan_out: Sequence[int],
    *,
    batch_size: int | None = None,
    num_nodes: int | None = None,
) -> Tensor:
    """Return for every node the chance that a mini-batch holds it, ``[N]`` float64.

    That is also how often a batch reads its row, since a batch reads a row once. The formula, and
    what it approximates, stands at :func:`graphlearn.store.forecast_batch`; one product of the
    graph with a vector a hop, no sampling.

    Args:
        graph: See :func:`graphlearn.store.in_neighbors.in_neighbors`.
        train_nodes: Ids, bool mask ``[N]`` or weights ``[N]`` of the seeds.
        fan_out: Neighbors that each hop draws; -1 for all.
        batch_size: Seeds a batch; all of them if None.
        num_nodes: For an ``edge_index``: how many nodes there are.

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If a value is out of range or a shape does not fit.

    Example:
        >>> path = torch.tensor([[1, 2, 3], [0, 1, 2]])
        >>> inclusion_probability(path, torch.tensor([0]), [1, 1], num_nodes=4).tolist()
        [1.0, 1.0, 1.0, 0.0]
    """
    return forecast_batch(
        graph, train_nodes, fan_out, batch_size=batch_size, num_nodes=num_nodes
    ).probability


def degree_score(graph: Graph, *, num_nodes: int | None = None) -> Tensor:
    """Return how many nodes have each node as an in-neighbor, ``[N]`` int64.

    It knows nothing of the training nodes: where these are in one part of the graph, the rows it
    favors are those of other parts too.

    Args:
        graph: See :func:`graphlearn.store.in_neighbors.in_neighbors`.
        num_nodes: For an ``edge_index``: how many nodes there are.

    Raises:
        InputTypeError: If the graph is of a wrong type.
        InputError: If it is inconsistent.

    Example:
        >>> degree_score(torch.tensor([[1, 1, 2], [0, 2, 0]]), num_nodes=3).tolist()
        [0, 2, 1]
    """
    found = in_neighbors(graph, num_nodes)
    return torch.bincount(found.row, minlength=found.num_nodes)


def reverse_pagerank(
    graph: Graph,
    train_nodes: Tensor,
    *,
    alpha: float = 0.15,
    num_iterations: int = 10,
    num_nodes: int | None = None,
) -> Tensor:
    r"""Return where a walk against the edges from the training nodes is found, ``[N]`` float64.

    From `"Graph Neural Network Training with Data Tiering" <https://arxiv.org/abs/2111.05894>`_:
    :math:`r = \alpha s + (1 - \alpha) \sum_{v: u \to v} r_v / d_v`, by power iteration from the
    training nodes' share s. It knows neither fan-outs nor that a batch reads a row once.

    Args:
        graph: See :func:`graphlearn.store.in_neighbors.in_neighbors`.
        train_nodes: Ids, bool mask ``[N]`` or weights ``[N]`` of the seeds.
        alpha: Chance to return to a training node at each step, in (0, 1).
        num_iterations: Steps; each is one product with the graph.
        num_nodes: For an ``edge_index``: how many nodes there are.

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If a value is out of range or a shape does not fit.

    Example:
        >>> path = torch.tensor([[1, 2], [0, 1]])
        >>> reverse_pagerank(path, torch.tensor([0]), alpha=0.5, num_nodes=3).tolist()
        [0.5, 0.25, 0.125]
    """
    if not 0.0 < check_number(alpha, name="alpha") < 1.0:
        raise InputError(f"alpha is {alpha}", expected="a number in (0, 1)")
    colptr, row = (part.numpy() for part in in_neighbors(graph, num_nodes))
    weight = seed_weights(train_nodes, len(colptr) - 1).numpy()
    start = weight * (alpha / weight.sum())
    share = (1.0 - alpha) / np.maximum(np.diff(colptr), 1)
    rank = start
    for _ in range(check_size(num_iterations, name="num_iterations")):
        rank = start + scatter(colptr, row, None, (rank * share)[:, None], len(share))[:, 0]
    return torch.from_numpy(rank)


def access_counts(batches: Iterable[Tensor], num_nodes: int) -> Tensor:
    """Return how often each node stands in batches that were sampled beforehand, ``[N]`` int64.

    Work is proportional to the batches. What one epoch counts is what that epoch would have liked
    best: the rarely read rows among them are noise, and another epoch reads others.

    Args:
        batches: The ids of each batch's nodes, as ``batch.n_id`` has them.
        num_nodes: Number of nodes.

    Raises:
        InputTypeError: If a batch is no int32 or int64 tensor.
        InputError: If an id is out of range.

    Example:
        >>> access_counts([torch.tensor([0, 2]), torch.tensor([2])], 4).tolist()
        [1, 0, 2, 0]
    """
    counts = torch.zeros(check_num_nodes(num_nodes), dtype=torch.int64)
    for batch in batches:
        ids = check_index(batch, num_nodes, name="batch").long().cpu()
        counts.scatter_add_(0, ids, torch.ones_like(ids))
    return counts
