"""What pooling costs by gathering and by a matrix product, and what the cost model would choose.

    python experiments/perf/pooling_paths.py [--nodes 4267] [--channels 224]

Lists of growing density over the same nodes, forward and backward, one thread. The constants in
``graphlearn/kernels/intersect/pooling.py`` are the two slopes printed at the end.
"""

from __future__ import annotations

import argparse
import time

import torch

from graphlearn.kernels import NeighborLists, pool_lists
from graphlearn.kernels.intersect.pooling import choose_path


def random_lists(pairs: int, nodes: int, density: float, seed: int) -> NeighborLists:
    """Lists in which every node occurs with the given probability."""
    generator = torch.Generator().manual_seed(seed)
    hit = torch.rand(pairs, nodes, generator=generator) < density
    rowptr = torch.zeros(pairs + 1, dtype=torch.int64)
    rowptr[1:] = hit.sum(dim=1).cumsum(0)
    return NeighborLists(rowptr, hit.nonzero()[:, 1].int())


def seconds(lists: NeighborLists, x: torch.Tensor, path: str, repeats: int) -> float:
    """Best forward and backward time of several."""
    best = float("inf")
    for _ in range(repeats + 1):
        leaf = x.clone().requires_grad_()
        begin = time.perf_counter()
        out = pool_lists(lists, leaf, path=path)
        out.backward(out.detach())
        best = min(best, time.perf_counter() - begin)
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=4267)
    parser.add_argument("--channels", type=int, default=224)
    parser.add_argument("--pairs", type=int, default=4096)
    parser.add_argument("--repeats", type=int, default=5)
    args = parser.parse_args()
    torch.set_num_threads(1)
    x = torch.randn(args.nodes, args.channels)
    print("density    entries   gather ms   dense ms   faster   chosen")
    for density in (0.005, 0.02, 0.05, 0.1, 0.2, 0.4):
        lists = random_lists(args.pairs, args.nodes, density, seed=0)
        gather = seconds(lists, x, "gather", args.repeats)
        dense = seconds(lists, x, "dense", args.repeats)
        entries = lists.node.numel()
        plan = choose_path(entries, args.pairs, args.nodes, args.channels)
        print(
            f"{density:7.3f} {entries:10d} {gather * 1e3:11.1f} {dense * 1e3:10.1f}   "
            f"{'gather' if gather < dense else 'dense':6s}   {plan.path}"
        )
    # Forward and backward are alike, so half of each is one pass.
    per_entry = gather / 2 / entries / args.channels * 1e9
    per_cell = dense / 2 / args.pairs / args.nodes / args.channels * 1e9
    print(
        f"one pass: gather {per_entry:.4f} ns an entry and channel, dense {per_cell:.4f} ns a cell"
    )


if __name__ == "__main__":
    main()
