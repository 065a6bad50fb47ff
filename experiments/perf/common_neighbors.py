"""Common neighbors of node pairs on a power-law graph: ours against scipy and torch-sparse.

    python experiments/perf/common_neighbors.py [--nodes 200000] [--edges 2400000] [--pairs 65536]

Prints thousand pairs a second on one thread and on two, the ratio to ``A[u].multiply(A[v])``, which
takes turns with them, and the peak of what numpy allocated. torch-sparse is measured when it can be
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


Call = Callable[[], object]


def best_of(calls: dict[str, tuple[int, Call]], repeats: int) -> dict[str, float]:
    """Least seconds of calls, each with its number of threads, that take turns.

    A virtual machine is fast in one second and slow in the next: what is to be compared must be
    measured in the same seconds. In its turn each call is made four times, once to warm the caches
    that the one before has filled with its own data.
    """
    best = dict.fromkeys(calls, float("inf"))
    for _ in range(repeats):
        for name, (threads, call) in calls.items():
            torch.set_num_threads(threads)
            call()
            for _ in range(3):
                begin = time.perf_counter()
                call()
                best[name] = min(best[name], time.perf_counter() - begin)
    torch.set_num_threads(1)
    return best


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
    name: str, graph: CSRGraph, pairs: torch.Tensor, channels: int, repeats: int, peer: Call
) -> None:
    """Print every operation's rate on one workload."""
    size = pairs.size(1) / 1000
    x = torch.randn(graph.num_nodes, channels)
    masked = graph.without_edges(torch.arange(0, graph.num_edges, 7))
    plan = PoolingPlan("fused", 0, 0, "asked for")
    operations: dict[str, Call] = {
        "common neighbors": partial(common_neighbors, graph, pairs),
        "... of a masked graph": partial(common_neighbors, masked, pairs),
        "... with both residuals": partial(neighborhood_overlap, graph, pairs),
        f"... pooled, {channels} channels": partial(
            pooled_common_neighbors, graph, pairs, x, plan=plan
        ),
    }
    print(f"\n{name} as pairs (thousand pairs a second; ratio to scipy in the same turns)")
    for label, call in operations.items():
        best = best_of({"scipy": (1, peer), "one": (1, call), "two": (2, call)}, repeats)
        tracemalloc.start()
        call()
        peak = tracemalloc.get_traced_memory()[1] / 2**20
        tracemalloc.stop()
        print(
            f"  {label:27s} {size / best['one']:8.0f}   scipy {size / best['scipy']:6.0f}"
            f" ({best['scipy'] / best['one']:.2f} x)   two threads {size / best['two']:6.0f}"
            f" ({best['one'] / best['two']:.2f} x)   peak {peak:.1f} MiB"
        )


def peer_torch_sparse(graph: CSRGraph, pairs: torch.Tensor) -> None:
    """The rate of rows selected by torch-sparse and joined by a sort, if it is installed."""
    if importlib.util.find_spec("torch_sparse") is None:
        print("  torch-sparse rows, joined by a sort: not installed, not measured")
        return
    from torch_sparse import SparseTensor

    adjacency = SparseTensor(
        rowptr=graph.rowptr.long(), col=graph.col.long(), is_sorted=True, trust_data=True
    )

    def join() -> torch.Tensor:
        keys = []
        for nodes in pairs:
            row, col, _ = adjacency[nodes].coo()
            keys.append(row * graph.num_nodes + col)
        joined = torch.cat(keys).sort().values
        return joined[1:][joined[1:] == joined[:-1]]

    assert join().numel() == common_neighbors(graph, pairs).node.numel()
    best = best_of({"sparse": (1, join), "ours": (1, partial(common_neighbors, graph, pairs))}, 3)
    size = pairs.size(1) / 1000
    print(
        f"  torch-sparse rows, joined by a sort {size / best['sparse']:.0f}"
        f" (ours {best['sparse'] / best['ours']:.1f} x)"
    )


if __name__ == "__main__":
    main()
