"""Learnable commutative monoid aggregation, forward and backward: ours against PyG's class.

    python experiments/perf/lcm.py [--channels 64] [--threads 2] [--repeats 3]

Three graphs by their degrees: uniform, a moderate tail, a power law with one hub. Each measurement
is a process of its own, which prints the least seconds of a training step and what the step added
to the process's peak memory; ours and PyG's take turns. PyG's class pads every neighborhood to the
largest: where its block alone would exceed the machine's memory it is not run, and that is said.
Then the other reductions against PyG's ``scatter`` and ``softmax``, on the power law's degrees.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
import torch_geometric.utils
from torch import Tensor
from torch_geometric.nn.aggr import LCMAggregation as PyGLCMAggregation

from graphlearn.kernels import (
    Segments,
    segment_max,
    segment_mean,
    segment_softmax,
    segment_sum,
)
from graphlearn.nn import LCMAggregation


def degrees(graph: str) -> np.ndarray:
    """Degrees of every node: all 8; Pareto tails cut at 200 and at 5,000, with one such hub."""
    rng = np.random.default_rng(0)
    if graph == "uniform":
        return np.full(50_000, 8)
    nodes, exponent, scale, largest = {
        "tail": (5_000, 1.5, 4.0, 200),
        "power law": (50_000, 1.3, 2.1, 5_000),
    }[graph]
    drawn = np.minimum(largest, rng.pareto(exponent, nodes) * scale + 1.5).astype(int)
    drawn[0] = largest
    return drawn


def index_of(graph: str) -> Tensor:
    """The target node of every edge, sorted, as PyG's class wants it."""
    counts = torch.from_numpy(degrees(graph))
    return torch.arange(len(counts)).repeat_interleave(counts)


def scatter(values: Tensor, index: Tensor, nodes: int, reduce: str) -> Tensor:
    return torch_geometric.utils.scatter(values, index, 0, nodes, reduce)


def installed_memory() -> int:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(which: str, graph: str, channels: int, threads: int, repeats: int) -> None:
    """Print least seconds of a step, and bytes that steps added to the peak."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    index = index_of(graph)
    aggr = {"ours": LCMAggregation, "pyg": PyGLCMAggregation}[which](channels, channels, False)
    x = torch.randn(index.numel(), channels, requires_grad=True)
    small = torch.arange(4).repeat_interleave(2)
    aggr(torch.randn(8, channels), small).sum().backward()  # compiles, and starts the threads
    before, least = peak_bytes(), float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        aggr(x, index).sum().backward()
        least = min(least, time.perf_counter() - begin)
    print(least, peak_bytes() - before)


def in_own_process(which: str, graph: str, args: argparse.Namespace) -> tuple[float, int] | None:
    options = [f"--{name}={getattr(args, name)}" for name in ("channels", "threads", "repeats")]
    command = [sys.executable, __file__, "--measure", which, "--graph", graph, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    seconds, grown = done.stdout.split()
    return float(seconds), int(grown)


def compare_trees(args: argparse.Namespace) -> None:
    for graph in ("uniform", "tail", "power law"):
        counts = degrees(graph)
        print(
            f"{graph}: {len(counts):,} nodes, {counts.sum():,} edges, largest degree {counts.max()}"
        )
        block = len(counts) * int(counts.max()) * args.channels * 4
        fits = 3 * block < installed_memory()
        best: dict[str, tuple[float, int]] = {}
        for _ in range(args.rounds):
            for which in ("ours", "pyg") if fits else ("ours",):
                found = in_own_process(which, graph, args)
                if found is not None:
                    best[which] = min(best.get(which, found), found)
        for which, (seconds, grown) in best.items():
            print(f"  {which:5} {seconds:8.3f} s  {grown / 2**30:6.2f} GiB")
        if "pyg" in best:
            (ours, our_bytes), (theirs, their_bytes) = best["ours"], best["pyg"]
            print(
                f"  {theirs / ours:.1f} times as fast, {our_bytes / their_bytes:.3f} of the memory"
            )
        else:
            print(f"  pyg   not run: its padded block alone takes {block / 2**30:.0f} GiB")


def compare_reductions(args: argparse.Namespace) -> None:
    torch.set_num_threads(args.threads)
    index = index_of("power law")
    nodes = int(index[-1]) + 1
    values = torch.randn(index.numel(), args.channels, requires_grad=True)
    heads = torch.randn(index.numel(), 8, requires_grad=True)
    print(f"reductions of {index.numel():,} rows, {args.channels} channels (softmax: 8)")
    for order in ("sorted", "unsorted"):
        if order == "unsorted":
            index = index[torch.randperm(len(index), generator=torch.Generator().manual_seed(0))]
        segments = Segments.from_index(index, nodes)
        at = index
        calls: dict[str, tuple[Callable[[], Tensor], Callable[[], Tensor]]] = {
            "sum": (
                lambda s=segments: segment_sum(values, s),
                lambda at=at: scatter(values, at, nodes, "sum"),
            ),
            "mean": (
                lambda s=segments: segment_mean(values, s),
                lambda at=at: scatter(values, at, nodes, "mean"),
            ),
            "max": (
                lambda s=segments: segment_max(values, s),
                lambda at=at: scatter(values, at, nodes, "max"),
            ),
            "softmax": (
                lambda s=segments: segment_softmax(heads, s).square(),
                lambda at=at: torch_geometric.utils.softmax(heads, at, num_nodes=nodes).square(),
            ),
        }
        for name, both in calls.items():
            best = [float("inf")] * 2
            for _ in range(2 * args.repeats):
                for which, call in enumerate(both):
                    begin = time.perf_counter()
                    call().sum().backward()
                    best[which] = min(best[which], time.perf_counter() - begin)
            ours, theirs = best
            print(
                f"  {order:8} {name:7} {ours * 1e3:6.1f} ms, PyG {theirs * 1e3:6.1f} ms: "
                f"{theirs / ours:.1f} times as fast"
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=2, help="processes of each kind, in turns")
    parser.add_argument("--measure", choices=["ours", "pyg"], help=argparse.SUPPRESS)
    parser.add_argument("--graph", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.measure, args.graph, args.channels, args.threads, args.repeats)
        return
    print(f"torch {torch.__version__}, PyG {torch_geometric.__version__}, {args.threads} threads")
    compare_trees(args)
    compare_reductions(args)


if __name__ == "__main__":
    main()
