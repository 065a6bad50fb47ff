"""Topological concentration against scipy's sparse product, on large graphs; and ATC's error.

    python experiments/perf/topology.py [--root ../shared/data] [--plot atc.png]

Each measurement is a process of its own, on one thread, which prints its CPU seconds and its peak
resident memory. TC for K = 1 stands beside ``(A @ A).multiply(A)``: the same triangles.
On email-Enron both ways to count the overlap of two hops are timed, with what a step of each takes:
that ratio decides between them. ``--plot`` draws how ATC's error and its rank correlation with TC
go with the number of dimensions.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse
import scipy.stats
import torch

from graphlearn.data import load_dataset
from graphlearn.kernels import CSRGraph
from graphlearn.kernels.khop import cpu_balls, cpu_bits
from graphlearn.kernels.khop.overlap import arrays
from graphlearn.topology import approximate_concentration, topological_concentration

POWER_LAW = {"2.4M": (200_000, 2_400_000, 5_500), "10M": (1_000_000, 10_000_000, 20_000)}


def power_law(size: str) -> CSRGraph:
    """The graphs of ``common_neighbors.py``."""
    place = Path(__file__).with_name("common_neighbors.py")
    spec = importlib.util.spec_from_file_location("common_neighbors", place)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    nodes, edges, cap = POWER_LAW[size]
    graph: CSRGraph = module.power_law_graph(nodes, edges, exponent=2.2, cap=cap, seed=0)
    return graph


def enron(root: str) -> CSRGraph:
    data = load_dataset("email-enron", root).data
    return CSRGraph.from_edge_index(data.edge_index, data.num_nodes)


def compile_all() -> None:
    """Compiled code is kept on disk; what is measured is its run."""
    small = torch.tensor([[0, 1, 2, 2], [1, 2, 0, 3]])
    for hops in (1, 2):
        topological_concentration(small, hops=hops)
        graph = CSRGraph.from_edge_index(small)
        pairs = graph.edge_pairs().numpy()
        cpu_bits.hop_overlap(*arrays(graph), pairs, hops, 1)
    approximate_concentration(small, seed=0)


def measure(what: str, root: str) -> None:
    torch.set_num_threads(1)
    compile_all()
    kind, _, which = what.partition(" ")
    graph = enron(root) if which.startswith("enron") else power_law(which.split()[0])
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    note = ""
    begin, cpu = time.perf_counter(), time.process_time()
    if kind == "tc":
        hops = int(which.split("K=")[1])
        note = f"mean {topological_concentration(graph, hops=hops).mean():.6f}"
    elif kind == "atc":
        note = f"mean {approximate_concentration(graph, dim=64, seed=0).mean():.6f}"
    elif kind == "scipy":
        ones = np.ones(graph.col.numel(), np.float32)
        matrix = scipy.sparse.csr_matrix((ones, graph.col.numpy(), graph.rowptr.numpy()))
        counts = (matrix @ matrix).multiply(matrix)
        degree = graph.degree().double().numpy()
        tc = np.asarray(counts.sum(1)).ravel() / np.maximum(degree, 1) ** 2
        note = f"mean {tc.mean():.6f}"
    else:
        hops = int(which.split("K=")[1])
        pairs = graph.edge_pairs().numpy()
        inputs = arrays(graph)
        if kind == "search":
            steps = cpu_balls.search_steps(inputs[0], inputs[1], hops)
            cpu_balls.hop_overlap(*inputs, pairs, hops, steps, 1)
            count = np.minimum(steps[pairs[0]], steps[pairs[1]]).sum()
        else:
            cpu_bits.hop_overlap(*inputs, pairs, hops, 1)
            words = cpu_bits.WORDS * -(-graph.num_nodes // cpu_bits.BLOCK)
            count = words * ((hops - 1) * len(inputs[1]) + hops * hops * pairs.shape[1])
        note = f"{1e9 * (time.process_time() - cpu) / count:.2f} ns a step"
    spent, wall = time.process_time() - cpu, time.perf_counter() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{what:22s} {spent:8.2f} s CPU  {wall:8.2f} s  peak {peak:5.2f} GiB "
        f"(graph {before:4.2f})  {note}"
    )


def draw(path: str, root: str) -> None:
    """Root mean square error and Spearman correlation with TC, on Cora, over 20 seeds."""
    from matplotlib.figure import Figure

    data = load_dataset("cora", root).data
    graph = CSRGraph.from_edge_index(data.edge_index, data.num_nodes)
    exact = topological_concentration(graph, normalizer="product")
    dims = [4, 16, 64, 256, 1024, 4096]
    errors, ranks = [], []
    for dim in dims:
        found = [approximate_concentration(graph, dim=dim, seed=seed) for seed in range(20)]
        errors.append(np.mean([float((one - exact).square().mean().sqrt()) for one in found]))
        ranks.append(np.mean([scipy.stats.spearmanr(one, exact).statistic for one in found]))
        print(f"dim {dim:5d}: error {errors[-1]:.4f}, Spearman {ranks[-1]:.3f}")
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.loglog(dims, errors, "o-", label="measured")
    expected = [errors[0] * (dims[0] / dim) ** 0.5 for dim in dims]
    left.loglog(dims, expected, "--", color="gray", label="1 / sqrt(d)")
    left.set(xlabel="dimensions d", title="ATC on Cora, K = 1: root mean square error")
    left.legend()
    right.semilogx(dims, ranks, "o-")
    right.set(xlabel="dimensions d", title="Spearman correlation with TC", ylim=(0, 1.02))
    for panel in (left, right):
        panel.grid(alpha=0.3)
    figure.savefig(path, dpi=110)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--root", default="../shared/data")
    parser.add_argument("--plot", metavar="FILE")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.measure:
        measure(args.measure, args.root)
        return
    if args.plot:
        draw(args.plot, args.root)
        return
    everything = ["tc 2.4M K=1", "scipy 2.4M", "atc 2.4M", "tc 10M K=1"]
    everything += ["tc enron K=1", "tc enron K=2", "tc enron K=3"]
    everything += [f"{way} enron K={hops}" for hops in (1, 2) for way in ("search", "bits")]
    for what in everything:
        command = [sys.executable, __file__, "--root", args.root, "--measure", what]
        subprocess.run(command, env={**os.environ, "OMP_NUM_THREADS": "1"}, check=True)


if __name__ == "__main__":
    main()
