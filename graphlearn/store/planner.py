"""Before training: which feature store fits, and what a mini-batch will read from where."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.errors import InputError
from graphlearn.store.file_header import PAGE
from graphlearn.store.graph_estimate import EXPONENT, Assumption, forecast_sizes
from graphlearn.store.in_neighbors import (
    Graph,
    InNeighbors,
    check_fan_out,
    in_neighbors,
    seed_weights,
)
from graphlearn.store.inclusion import BatchForecast, forecast_batch
from graphlearn.store.page_forecast import pages_among_groups, pages_of_rows
from graphlearn.store.row_places import RowPlaces, rows_in_budget
from graphlearn.store.row_store import check_dtype
from graphlearn.store.store_plan import PlannedTier, StorePlan, show_bytes
from graphlearn.store.trial_batches import TrialBatch, trial_batches
from graphlearn.validate import check_size

_MANY = 2**62  # bytes, which integers of 64 bits count with room to spare
# Of the rows a batch of email-Enron holds by the assumption, what it really holds (two hops).
_REAL = {"uniform": "a third", "power-law": "four fifths"}


def plan_stores(
    *,
    dim: int,
    fan_out: Sequence[int],
    graph: Graph | None = None,
    num_nodes: int | None = None,
    num_edges: int | None = None,
    train_nodes: Tensor | int | None = None,
    batch_size: int = 1024,
    dtype: torch.dtype = torch.float32,
    gpu_bytes: int = 0,
    host_bytes: int = 0,
    assumption: Assumption = "power-law",
) -> StorePlan:
    """Say which store holds the features of a graph, and forecast a batch's traffic by tier.

    With a graph, each row's chance to be in a batch is followed from the training nodes (see
    :func:`graphlearn.store.forecast_batch`) and the hottest rows are given to the nearest tier.
    From sizes alone the graph is assumed, and the plan says which assumption it rests on.

    The chances tell which rows are hot, not how many a batch holds: where neighbors are each
    other's neighbors, batches hold fewer rows than they say. So with a graph, figures are averages
    of some batches that are drawn here (see :func:`graphlearn.store.trial_batches.trial_batches`).

    Rows go to the GPU as far as ``gpu_bytes`` holds them, then to memory (pinned where there is
    a GPU to read it), then to a file. Where rows are left to the file, reading them at random is
    weighed against packing each batch's rows of an epoch beforehand: pages moved in an epoch
    against two passes over the packed rows and one over the file.

    Args:
        dim: Numbers a row.
        fan_out: Neighbors that each hop draws; -1 for all.
        graph: What the sampler reads; see :func:`graphlearn.store.in_neighbors.in_neighbors`.
        num_nodes: For an ``edge_index``, or without a graph.
        num_edges: Without a graph: columns of the ``edge_index``.
        train_nodes: Ids, mask or weights of the seeds; or how many there are, which are then
            drawn (with a graph) or spread evenly (without); all nodes if None.
        batch_size: Seeds a batch.
        dtype: What rows are made of.
        gpu_bytes: Bytes of GPU memory for rows; 0 where training is on the CPU.
        host_bytes: Bytes of memory for rows; 0 for none, else at least those of a row.
        assumption: Without a graph: ``"uniform"`` or ``"power-law"``; see
            :func:`graphlearn.store.graph_estimate.forecast_sizes`.

    Raises:
        InputTypeError: If an argument is of a wrong type.
        InputError: If one is out of range or missing, or stands beside one that it contradicts.
        UnknownNameError: If the assumption is unknown.

    Example:
        >>> plan = plan_stores(
        ...     dim=128, fan_out=[15, 10], num_nodes=1_000_000, num_edges=20_000_000,
        ...     train_nodes=10_000, host_bytes=100 * 2**20, assumption="uniform",
        ... )
        >>> plan.store, [tier.name for tier in plan.tiers], plan.basis.partition(";")[0]
        ('disk-packed', ['memory', 'disk'], 'an estimate: a uniform random graph is assumed')
    """
    row_bytes = check_size(dim, name="dim") * check_dtype(dtype).itemsize
    fan_out = check_fan_out(fan_out)
    # A budget that holds no row is refused before anything is drawn.
    gpu_rows = rows_in_budget(gpu_bytes, row_bytes, _MANY, name="gpu_bytes")
    host_rows = rows_in_budget(host_bytes, row_bytes, _MANY, name="host_bytes")
    found = _forecast(graph, num_nodes, num_edges, train_nodes, fan_out, batch_size, assumption)
    forecast, nodes, edges, basis, trials = found
    if nodes * row_bytes >= _MANY:
        raise InputError(
            f"dim is {dim}", expected=f"fewer than 2^62 bytes in all rows, {nodes} of them"
        )
    sizes, left = {}, nodes
    for name, most in (("gpu", gpu_rows), ("pinned" if gpu_rows else "memory", host_rows)):
        sizes[name] = min(left, most)
        left -= sizes[name]
    sizes = {name: size for name, size in sizes.items() if size}
    if trials:
        rows, pages = _count(forecast, trials, list(sizes.values()), row_bytes)
    else:
        rows, pages = _split(forecast, list(sizes.values()), nodes, row_bytes)
    hops = zip(*(trial.edges for trial in trials), strict=True)  # none without a graph
    tiers = [
        PlannedTier(name, size, got, got * row_bytes)
        for (name, size), got in zip(sizes.items(), rows, strict=False)
    ]
    if left:
        tiers.append(PlannedTier("disk", left, rows[-1], pages * PAGE))
    packed = forecast.batches * rows[-1] * row_bytes if left else 0.0
    store, reason = _choose(tiers, forecast.batches, packed, nodes * row_bytes)
    return StorePlan(
        store=store,
        reason=reason,
        basis=basis,
        num_nodes=nodes,
        num_edges=edges,
        row_bytes=row_bytes,
        batch_size=batch_size,
        batches=forecast.batches,
        batch_rows=sum(rows),
        batch_edges=tuple(sum(hop) / len(trials) for hop in hops) or forecast.edges,
        tiers=tuple(tiers),
        packed_bytes=packed,
    )


def _forecast(
    graph: Graph | None,
    num_nodes: int | None,
    num_edges: int | None,
    train_nodes: Tensor | int | None,
    fan_out: tuple[int, ...],
    batch_size: int,
    assumption: Assumption,
) -> tuple[BatchForecast, int, int, str, list[TrialBatch]]:
    if graph is None:
        if num_nodes is None or num_edges is None:
            missing = "num_nodes" if num_nodes is None else "num_edges"
            raise InputError(f"{missing} is None", expected="a graph, or num_nodes and num_edges")
        if isinstance(train_nodes, Tensor):
            raise InputError(
                "train_nodes is a tensor and graph is None",
                expected="how many training nodes there are, or a graph",
            )
        count = num_nodes if train_nodes is None else train_nodes
        forecast = forecast_sizes(
            num_nodes, num_edges, count, fan_out, batch_size=batch_size, assumption=assumption
        )
        kind = "uniform random" if assumption == "uniform" else f"power-law (exponent {EXPONENT})"
        basis = (
            f"an estimate: a {kind} graph is assumed; where neighbors are each other's neighbors, "
            f"batches hold fewer rows, as of a mail network {_REAL[assumption]}"
        )
        return forecast, num_nodes, num_edges, basis, []
    rows = in_neighbors(graph, num_nodes)
    edges = rows.row.numel()
    if num_edges is not None and num_edges != edges:
        raise InputError(f"num_edges is {num_edges}", expected=f"{edges}, as the graph's, or None")
    seeds, basis = _seeds(rows, train_nodes)
    size = check_size(batch_size, name="batch_size")
    forecast = forecast_batch(rows, seeds, fan_out, batch_size=size)
    trials = trial_batches(
        rows,
        seed_weights(seeds, rows.num_nodes),
        fan_out,
        batch_size=size,
        num_edges=forecast.num_edges,
    )
    basis = f"{basis}; averages of {len(trials)} batches drawn from it"
    return forecast, rows.num_nodes, edges, basis, trials


def _seeds(rows: InNeighbors, train_nodes: Tensor | int | None) -> tuple[Tensor, str]:
    if isinstance(train_nodes, Tensor):
        return train_nodes, "the graph and its training nodes"
    if train_nodes is None:
        return torch.arange(rows.num_nodes), "the graph, with all nodes as training nodes"
    count = check_size(train_nodes, name="train_nodes")
    if count > rows.num_nodes:
        raise InputError(f"train_nodes is {count}", expected=f"at most {rows.num_nodes}")
    drawn = torch.randperm(rows.num_nodes, generator=torch.Generator().manual_seed(0))[:count]
    return drawn, f"the graph, with {count:,} training nodes drawn at random"


def _split(
    forecast: BatchForecast, sizes: list[int], nodes: int, row_bytes: int
) -> tuple[list[float], float]:
    """A batch's rows by tier, the rest last, and pages of a file that hold those of the rest."""
    assert forecast.count is not None  # groups of rows: nothing is known of single ones
    chance: NDArray[np.float64] = forecast.probability.numpy()
    bounds = np.cumsum([0, *sizes])
    order = np.argsort(-chance, kind="stable")
    count = np.concatenate([[0.0], np.cumsum(forecast.count.numpy()[order])])
    total = np.concatenate([[0.0], np.cumsum((chance * forecast.count.numpy())[order])])
    within = [float(np.interp(end, count, total)) for end in bounds]
    pages = pages_among_groups(forecast.rows - within[-1], nodes, row_bytes)
    rows = [*np.diff(within).tolist(), max(0.0, forecast.rows - within[-1])]
    return rows, pages


def _count(
    forecast: BatchForecast, trials: list[TrialBatch], sizes: list[int], row_bytes: int
) -> tuple[list[float], float]:
    """The same of single rows, in batches that were drawn."""
    chance: NDArray[np.float64] = forecast.probability.numpy()
    places = RowPlaces(chance, sizes)
    rows, pages = np.zeros(len(sizes) + 1), 0
    for trial in trials:
        slots = places.slots(torch.from_numpy(trial.nodes)).numpy()
        tiers = np.searchsorted(places.bounds, slots, side="right") - 1
        rows += np.bincount(tiers, minlength=len(rows))
        pages += pages_of_rows(trial.nodes[tiers == len(sizes)], row_bytes)
    return (rows / len(trials)).tolist(), pages / len(trials)


def _choose(
    tiers: list[PlannedTier], batches: int, packed: float, table_bytes: int
) -> tuple[str, str]:
    names = [tier.name for tier in tiers]
    if "disk" not in names:
        if len(names) == 1:
            return names[0], f"all rows fit ({show_bytes(table_bytes)})"
        return "tiered", "all rows fit in GPU and memory together"
    at_random = batches * tiers[-1].batch_bytes
    in_packs = 2 * packed + table_bytes
    compared = (
        f"of an epoch, {show_bytes(at_random)} at random against {show_bytes(in_packs)} to write "
        "and read it packed"
    )
    if in_packs < at_random:
        return "disk-packed", f"rows are left to the disk: {compared}"
    return ("tiered" if len(names) > 1 else "disk"), f"rows are left to the disk: {compared}"
