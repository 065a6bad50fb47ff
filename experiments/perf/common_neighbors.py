"""Common neighbors of node pairs on a power-law graph: ours against scipy and torch-sparse.

    python experiments/perf/common_neighbors.py [--nodes 200000] [--edges 2400000] [--pairs 65536]

Prints thousand pairs a second and the ratio to ``A[u].multiply(A[v])`` in the same run, on one
thread and on two, and the peak of what numpy allocated. torch-sparse is measured when it can be
imported, and said to be missing when not.
"""

from __future__ import annotations

import argparse
import importlib.util
import time
import tracemalloc
from collections.abc import Callable
from functools import partial

import numpy as np
import scipy.sparse
import torch

from graphlearn.kernels import (
    CSRGraph,
    PoolingPlan,
    common_neighbors,
    neighborhood_overlap,
    pooled_common_neighbors,
)


def power_law_graph(nodes: int, edges: int, *, exponent: float, cap: int, seed: int) -> CSRGraph:
    """A Chung-Lu graph: expected degrees follow a capped power law, ids are shuffled."""
    rng = np.random.default_rng(seed)
    expected = (np.arange(1, nodes + 1) / nodes) ** (-1.0 / (exponent - 1.0))
    for _ in range(20):
        expected = np.minimum(expected * (2 * edges / expected.sum()), cap)
    cumulative = np.cumsum(expected) / expected.sum()
    names = rng.permutation(nodes)
    wanted = int(edges * 1.04)  # some draws repeat an edge or are self-loops
    ends = names[np.searchsorted(cumulative, rng.random((2, wanted)))]
    return CSRGraph.from_edge_index(torch.from_numpy(ends), nodes)


def seconds(call: Callable[[], object], repeats: int) -> float:
    """Best of several runs, after one that compiles and warms."""
    call()
    best = float("inf")
    for _ in range(repeats):
        begin = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - begin)
    return best


def seconds_by_threads(call: Callable[[], object], repeats: int) -> tuple[float, float]:
    """Best of several runs on one thread and on two, which take turns."""
    best = [float("inf")] * 2
    for _ in range(repeats):
        for index in range(2):
            torch.set_num_threads(index + 1)
            best[index] = min(best[index], seconds(call, 1))
    torch.set_num_threads(1)
    return best[0], best[1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=200_000)
    parser.add_argument("--edges", type=int, default=2_400_000)
    parser.add_argument("--pairs", type=int, default=65_536)
    parser.add_argument("--exponent", type=float, default=2.2)
    parser.add_argument("--cap", type=int, default=5_500)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--repeats", type=int, default=15)
    args = parser.parse_args()
    torch.set_num_threads(1)
    graph = power_law_graph(args.nodes, args.edges, exponent=args.exponent, cap=args.cap, seed=0)
    generator = torch.Generator().manual_seed(0)
    chosen = torch.randperm(graph.num_edges, generator=generator)[: args.pairs]
    workloads = {
        "edges": graph.edge_pairs()[:, chosen],
        "random": torch.randint(args.nodes, (2, args.pairs), generator=generator),
    }
    matrix = scipy.sparse.csr_matrix(
        (np.ones(graph.col.numel(), np.float32), graph.col.numpy(), graph.rowptr.numpy()),
        shape=(args.nodes, args.nodes),
    )
    print(f"{graph}, largest degree {int(graph.degree().max())}, {args.pairs} pairs")
    for name, pairs in workloads.items():
        peer = partial(scipy_product, matrix, pairs)
        measure(name, graph, pairs, args.channels, args.repeats, peer)
        ours = common_neighbors(graph, pairs)
        theirs = peer()
        theirs.sort_indices()
        assert np.array_equal(ours.rowptr.numpy(), theirs.indptr), "not what scipy finds"
        assert np.array_equal(ours.node.numpy(), theirs.indices), "not what scipy finds"
        peer_torch_sparse(graph, pairs)


def scipy_product(matrix: scipy.sparse.csr_matrix, pairs: torch.Tensor) -> scipy.sparse.csr_matrix:
    """Common neighbors as scipy finds them: the element-wise product of two row selections."""
    u, v = pairs.numpy()
    return matrix[u].multiply(matrix[v]).tocsr()


def measure(
    name: str,
    graph: CSRGraph,
    pairs: torch.Tensor,
    channels: int,
    repeats: int,
    peer: Callable[[], object],
) -> None:
    """Print every operation's rate on one workload."""
    size = pairs.size(1) / 1000
    x = torch.randn(graph.num_nodes, channels)
    masked = graph.without_edges(torch.arange(0, graph.num_edges, 7))
    scipy_seconds = seconds(peer, 3)
    print(f"\n{name} as pairs (thousand pairs a second; ratio to scipy in this run)")
    print(f"  scipy A[u].multiply(A[v])   {size / scipy_seconds:9.0f}")
    plan = PoolingPlan("fused", 0, 0, "asked for")
    operations: dict[str, Callable[[], object]] = {
        "common neighbors": lambda: common_neighbors(graph, pairs),
        "... of a masked graph": lambda: common_neighbors(masked, pairs),
        "... with both residuals": lambda: neighborhood_overlap(graph, pairs),
        f"... pooled, {channels} channels": lambda: pooled_common_neighbors(
            graph, pairs, x, plan=plan
        ),
    }
    for label, call in operations.items():
        rates = [size / best for best in seconds_by_threads(call, repeats)]
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        print(
            f"  {label:27s} {rates[0]:9.0f}   {rates[0] * scipy_seconds / size:5.2f} x   "
            f"two threads {rates[1]:6.0f} ({rates[1] / rates[0]:.2f} x)   peak {peak:.1f} MiB"
        )


def peer_torch_sparse(graph: CSRGraph, pairs: torch.Tensor) -> None:
    """The rate of torch-sparse's product of rows, if it is installed."""
    if importlib.util.find_spec("torch_sparse") is None:
        print("  torch-sparse                not installed: not measured")
        return
    from torch_sparse import SparseTensor

    adjacency = SparseTensor(
        rowptr=graph.rowptr.long(), col=graph.col.long(), is_sorted=True, trust_data=True
    ).fill_value(1.0)
    rate = pairs.size(1) / 1000 / seconds(lambda: adjacency[pairs[0]] * adjacency[pairs[1]], 3)
    print(f"  torch-sparse A[u] * A[v]    {rate:9.0f}")


if __name__ == "__main__":
    main()
