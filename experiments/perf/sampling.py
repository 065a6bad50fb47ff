"""Neighbor sampling on a power-law graph: ours against torch-sparse's operator and numpy.

    python experiments/perf/sampling.py [--nodes 2000000] [--edges 30000000] [--dim 128]

First the sampling alone, one thread each, the samplers taking turns batch by batch; then whole
loaders with features, ours with threads and PyG's with worker processes. torch-sparse is measured
where it can be imported, and said to be missing elsewhere. The seeds of a batch are drawn from the
nodes that have a neighbor.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import warnings
from collections.abc import Callable, Iterable
from itertools import islice

import numpy as np
import torch
import torch_geometric.loader
from numpy.typing import NDArray
from rmat import rmat
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.sampler import NodeSamplerInput

from graphlearn.loader import NeighborLoader, NeighborSampler

FAN_OUT = [15, 10]
HAS_TORCH_SPARSE = importlib.util.find_spec("torch_sparse") is not None


def numpy_sample(
    rowptr: NDArray[np.int64],
    col: NDArray[np.int64],
    seeds: NDArray[np.int64],
    draw: np.random.Generator,
) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    """Two hops by whole-array operations: Floyd's draws column by column, numbers by a sort."""
    frontier, edges, nodes = seeds, [], [seeds]
    for k in FAN_OUT:
        first, degree = rowptr[frontier], np.diff(rowptr)[frontier]
        drawn = np.full((len(frontier), k), -1)
        few = degree <= k
        for j in range(k):
            last = degree - k + j
            pick = (draw.random(len(frontier)) * (last + 1)).astype(np.int64)
            taken = (drawn[:, :j] == pick[:, None]).any(axis=1)
            drawn[:, j] = np.where(few, np.where(j < degree, j, -1), np.where(taken, last, pick))
        entry = (first[:, None] + drawn)[drawn >= 0]
        edges.append(entry)
        met = np.unique(col[entry])
        frontier = met[~np.isin(met, np.concatenate(nodes))]
        nodes.append(frontier)
    every = np.concatenate(nodes)
    order = np.argsort(every)
    order[np.searchsorted(every, col[np.concatenate(edges)], sorter=order).clip(max=len(every) - 1)]
    return every, edges


def in_turns(
    calls: dict[str, Callable[[Tensor], object]], batches: list[Tensor]
) -> dict[str, float]:
    """Median seconds a batch of each sampler; each samples a batch before the next one comes."""
    seconds: dict[str, list[float]] = {name: [] for name in calls}
    for batch in batches:
        for name, call in calls.items():
            begun = time.perf_counter()
            call(batch)
            seconds[name].append(time.perf_counter() - begun)
    return {name: float(np.median(times[len(times) // 10 :])) for name, times in seconds.items()}


def loader_seconds(loader: Iterable[Data], batches: int) -> float:
    """Seconds a batch, the first ones, which fill caches and start workers, left out."""
    iterator = iter(loader)
    for _ in islice(iterator, 5):
        pass
    begun = time.perf_counter()
    count = sum(1 for _ in islice(iterator, batches))
    return (time.perf_counter() - begun) / count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--nodes", type=int, default=2_000_000)
    parser.add_argument("--edges", type=int, default=30_000_000)
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--batch-size", type=int, default=1024)
    parser.add_argument("--batches", type=int, default=100)
    parser.add_argument("--threads", type=int, default=2, help="for the loaders, beside 0 and 1")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message=".*without a 'pyg-lib' installation.*")
    torch.set_num_threads(1)
    edge_index = rmat(options.nodes, options.edges, seed=0)
    data = Data(edge_index=edge_index, num_nodes=options.nodes)
    begun = time.perf_counter()
    sampler = NeighborSampler(data, FAN_OUT, seed=0)
    print(f"rows of {options.edges:,} edges sorted in {time.perf_counter() - begun:.1f} s")
    rows = sampler.graph.rows[0]
    rowptr, col = rows.rowptr, rows.col.astype(np.int64)
    linked = torch.from_numpy(np.flatnonzero(np.diff(rowptr)))
    generator = torch.Generator().manual_seed(0)
    shape = (options.batches, options.batch_size)
    batches = list(linked[torch.randint(linked.numel(), shape, generator=generator)])
    print(f"{options.batch_size} seeds, fan-out {FAN_OUT}, one thread, {options.batches} batches")

    draw = np.random.default_rng(0)
    calls: dict[str, Callable[[Tensor], object]] = {
        "ours": lambda seeds: sampler.sample_from_nodes(NodeSamplerInput(None, seeds)),
        "numpy": lambda seeds: numpy_sample(rowptr, col, seeds.numpy(), draw),
    }
    if HAS_TORCH_SPARSE:
        import torch_sparse  # noqa: F401  (registers the operator)

        pointers, sources = torch.from_numpy(rowptr), torch.from_numpy(col)
        calls["torch-sparse"] = lambda seeds: torch.ops.torch_sparse.neighbor_sample(
            pointers, sources, seeds, FAN_OUT, False, True
        )
    else:
        print("torch-sparse is not installed: not measured")
    out = sampler.sample_from_nodes(NodeSamplerInput(None, batches[0]))
    print(f"  the first batch: {out.node.numel():,} nodes, {out.row.numel():,} edges")
    found = in_turns(calls, batches)
    for name, seconds in found.items():
        ratio = "" if name == "ours" else f"   ours {seconds / found['ours']:.1f} x"
        print(f"  {name:14} {1 / seconds:7.1f} batches/s{ratio}")

    data.x = torch.randn(options.nodes, options.dim, generator=generator)
    print(f"loaders with {options.dim} features a node, batches/s")
    ours: dict[int, float] = {}
    for threads in (0, 1, options.threads):
        loader = NeighborLoader(
            data,
            FAN_OUT,
            input_nodes=linked,
            batch_size=options.batch_size,
            shuffle=True,
            neighbor_sampler=sampler,
            num_workers=threads,
        )
        ours[threads] = loader_seconds(loader, options.batches)
        print(f"  ours, {threads} threads         {1 / ours[threads]:7.1f}")
    if not HAS_TORCH_SPARSE:
        return
    for workers in (0, options.threads):
        peer = torch_geometric.loader.NeighborLoader(
            data,
            FAN_OUT,
            input_nodes=linked,
            batch_size=options.batch_size,
            shuffle=True,
            num_workers=workers,
        )
        seconds = loader_seconds(peer, min(options.batches, 40))
        best = min(ours.values()) if workers else ours[0]
        print(
            f"  PyG on torch-sparse, {workers} worker processes {1 / seconds:7.1f}"
            f"   ours {seconds / best:.1f} x ({'our best' if workers else 'no threads'})"
        )


if __name__ == "__main__":
    main()
