"""What a mini-batch touches where only the sizes of the graph are known: an assumption, said so."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from graphlearn.errors import InputError
from graphlearn.registry import unknown_name
from graphlearn.store.in_neighbors import check_fan_out
from graphlearn.store.inclusion import BatchForecast
from graphlearn.validate import check_num_nodes, check_number, check_size

Assumption = Literal["uniform", "power-law"]
EXPONENT = 2.2
"""Of the power law: about that of citation, web and social graphs."""

_GROUPS = 2000


def forecast_sizes(
    num_nodes: int,
    num_edges: int,
    train_nodes: int,
    fan_out: Sequence[int],
    *,
    batch_size: int,
    assumption: Assumption = "power-law",
    exponent: float = EXPONENT,
) -> BatchForecast:
    r"""Follow :func:`graphlearn.store.forecast_batch` over groups of nodes of equal degree.

    The graph is taken for one whose edges are drawn at random given the degrees, with as many
    in-neighbors as nodes that list it for each node: of :math:`D_h` edges that hop h draws, a node
    of degree k takes :math:`D_h k / E`. Training nodes are spread over it evenly. Real graphs have
    neighbors in common, so that batches hold fewer rows than this says.

    Args:
        num_nodes: N.
        num_edges: E, columns of the ``edge_index``: both directions where edges have two.
        train_nodes: How many nodes are seeds.
        fan_out: Neighbors that each hop draws; -1 for all.
        batch_size: Seeds a batch.
        assumption: ``"uniform"``: degrees of a random graph, all near the mean; ``"power-law"``:
            a degree k as often as :math:`k^{-\gamma}`.
        exponent: :math:`\gamma`, above 2.

    Raises:
        InputTypeError: If a size is no integer.
        InputError: If one is out of range.
        UnknownNameError: If the assumption is none of these.

    Example:
        >>> forecast = forecast_sizes(10_000, 0, 100, [5], batch_size=10, assumption="uniform")
        >>> round(forecast.rows), forecast.batches
        (10, 10)
    """
    nodes = check_size(num_nodes, name="num_nodes")
    edges = check_num_nodes(num_edges, name="num_edges")
    seeds, size = (
        check_size(train_nodes, name="train_nodes"),
        check_size(batch_size, name="batch_size"),
    )
    if seeds > nodes:
        raise InputError(f"train_nodes is {seeds}", expected=f"at most num_nodes, {nodes}")
    fan_out = check_fan_out(fan_out)
    if assumption not in get_args(Assumption):
        raise unknown_name("assumption", assumption, get_args(Assumption))
    if check_number(exponent, name="exponent") <= 2:
        raise InputError(f"exponent is {exponent}", expected="a number above 2")
    if assumption == "uniform":
        degree, count = _poisson(nodes, edges)
    else:
        degree, count = _power_law(nodes, edges, exponent)
    # Each group in two: its training nodes and the others.
    degree = np.concatenate([degree, degree])
    count = np.concatenate([count * (seeds / nodes), count * (1 - seeds / nodes)])
    entered = np.zeros(len(degree))
    entered[: len(degree) // 2] = min(1.0, size / seeds)
    inside, drawn_edges = entered.copy(), []
    for most in fan_out:
        drawn = float(count @ (entered * (degree if most < 0 else np.minimum(degree, most))))
        drawn_edges.append(drawn)
        entered = -np.expm1(-degree * (drawn / max(1, edges))) * (1.0 - inside)
        inside = inside + entered
    return BatchForecast(
        torch.from_numpy(inside),
        tuple(drawn_edges),
        math.ceil(seeds / size),
        torch.from_numpy(count),
    )


def _poisson(nodes: int, edges: int) -> tuple[NDArray[Any], NDArray[Any]]:
    mean = edges / nodes
    spread = 8 * math.sqrt(mean) + 8
    degree = np.unique(np.linspace(max(0, mean - spread), mean + spread, _GROUPS).round())
    log_factorial = np.array([math.lgamma(k + 1) for k in degree])
    log_chance = degree * math.log(mean) - mean - log_factorial if mean else -1e9 * (degree > 0)
    chance = np.exp(log_chance)
    return degree, chance * (nodes / chance.sum())


def _power_law(nodes: int, edges: int, exponent: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Groups of ranks, narrow where the hubs are; each has the degree of its middle rank."""
    bounds = np.unique(np.geomspace(1, nodes + 1, _GROUPS).round())
    count = np.diff(bounds)
    middle = (bounds[:-1] + bounds[1:] - 1) / 2
    degree = (middle / nodes) ** (-1.0 / (exponent - 1.0))
    for _ in range(20):  # the sum is that of the edges, and no node has more than all nodes
        degree = np.minimum(degree * (edges / max(1e-300, float(degree @ count))), nodes)
    return degree, count
