"""The chance that a mini-batch touches a row, from the graph, the seeds and the fan-outs alone."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from graphlearn.kernels.spmm.cpu import scatter
from graphlearn.store.in_neighbors import Graph, check_fan_out, in_neighbors, seed_weights
from graphlearn.validate import check_size


@dataclass(frozen=True, eq=False)
class BatchForecast:
    """What one mini-batch is expected to touch.

    Args:
        probability: For every node the chance that a batch holds it; or for every group of nodes
            that are alike.
        edges: Edges that each hop draws.
        batches: Batches an epoch.
        count: How many nodes each group has; None where every node stands for itself.

    Shapes:
        - **probability**: ``[N]``, or with **count** ``[G]``, float64

    Example:
        >>> forecast = BatchForecast(torch.tensor([1.0, 0.5]), (3.0, 4.0), 2)
        >>> forecast.rows, forecast.num_edges
        (1.5, 7.0)
    """

    probability: Tensor
    edges: tuple[float, ...]
    batches: int
    count: Tensor | None = None

    @property
    def rows(self) -> float:
        """Distinct nodes a batch holds, so rows that a store gathers for it."""
        if self.count is None:
            return float(self.probability.sum())
        return float(self.probability @ self.count)

    @property
    def num_edges(self) -> float:
        """Edges a batch holds."""
        return sum(self.edges)


def forecast_batch(
    graph: Graph,
    train_nodes: Tensor,
    fan_out: Sequence[int],
    *,
    batch_size: int | None = None,
    num_nodes: int | None = None,
) -> BatchForecast:
    r"""Follow the chances of a neighbor sampler's mini-batch from its seeds along in-edges.

    With :math:`q_h(v)` the chance that v enters the batch at hop h, :math:`d_v` its in-degree and
    :math:`f_h` the fan-out:

    .. math::
        q_0(v) &= \min(1, B\, w_v / \textstyle\sum w), \\
        p_h(u) &= 1 - \prod_{v:\, u \to v} \left(1 - q_{h-1}(v) \min(1, f_h / d_v)\right), \\
        q_h(u) &= \left(1 - \textstyle\sum_{g<h} q_g(u)\right) p_h(u),

    and the result is :math:`\sum_h q_h`: a batch gathers each row once, however often it is drawn,
    and a node's neighbors are drawn once, at the hop that it enters at. The product, a sum of
    logarithms, is one sparse product with a vector a hop: O(L E) time, four vectors of N numbers.

    It takes the draws into one node for independent of each other, which they are given the nodes
    that draw, and of whether the node is in the batch already. Left out is that those nodes entered
    through a common neighbor, or through the node itself, which they then draw in vain. Where every
    chance is 0 or 1 (one batch of all training nodes, fan-outs at or above the degrees), and at the
    first hop, it is exact. Where links are few or have one direction it is within some percent;
    of a small graph of many triangles a batch holds fewer rows than it says (email-Enron, two hops:
    10,400 for 13,100; three: 3,600 for 5,200), though which rows are likelier than others stays
    much the same. :func:`graphlearn.store.plan_stores` therefore draws batches.

    Args:
        graph: See :func:`graphlearn.store.in_neighbors.in_neighbors`.
        train_nodes: Ids, mask or weights of the seeds; see
            :func:`graphlearn.store.in_neighbors.seed_weights`.
        fan_out: Neighbors that each hop draws, without replacement; -1 for all.
        batch_size: Seeds a batch, B; all of them if None.
        num_nodes: For an ``edge_index``: how many nodes there are.

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If a value is out of range or a shape does not fit.

    Example:
        >>> star = torch.tensor([[1, 2, 3, 4], [0, 0, 0, 0]])
        >>> forecast = forecast_batch(star, torch.tensor([0]), [2], num_nodes=5)
        >>> forecast.probability.tolist(), forecast.num_edges
        ([1.0, 0.5, 0.5, 0.5, 0.5], 2.0)
    """
    colptr, row = (part.numpy() for part in in_neighbors(graph, num_nodes))
    weight = seed_weights(train_nodes, len(colptr) - 1).numpy()
    share, batches = 1.0, 1
    if batch_size is not None:
        total = float(weight.sum())
        share = check_size(batch_size, name="batch_size") / total
        batches = max(1, math.ceil(total / batch_size))
    else:
        weight = weight > 0
    degree = np.diff(colptr)
    entered = np.minimum(1.0, weight * share)
    inside = entered.copy()
    edges = []
    for size in check_fan_out(fan_out):
        drawn = degree if size < 0 else np.minimum(degree, size)
        edges.append(float(entered @ drawn))
        chance = entered * (drawn / np.maximum(degree, 1))
        with np.errstate(divide="ignore"):  # a neighbor that is drawn for sure: log 0
            log_not_drawn = np.log1p(-chance)
        missed = scatter(colptr, row, None, log_not_drawn[:, None], len(degree))[:, 0]
        entered = -np.expm1(missed) * (1.0 - inside)
        inside += entered
    np.clip(inside, 0.0, 1.0, out=inside)
    return BatchForecast(torch.from_numpy(inside), tuple(edges), batches)
