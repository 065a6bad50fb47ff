"""Feature rows: gathers into reused buffers, what a tiered store serves, and what a plan foretold.

    python experiments/perf/features.py [--part gather|tiers|plan] [--nodes 2000000]
        [--edges 30000000] [--epochs 5]

``gather``: 100,000 random rows of 128 float32 out of 2 million, from a ``MemoryStore`` that uses
its buffers again, against ``index_select`` into a new tensor, ``index_select`` into an old one,
and ``x[index]``; they take turns.

``tiers``: share of the rows of ``--epochs`` sampled epochs that a cache of 1, 5, 10 and 20 % of the
rows serves, by what it is filled with, on an RMAT graph whose training nodes are anywhere and on a
local one whose training nodes are in one region. A pre-sampled epoch is another one than those
counted. The oracle knows the counted epochs beforehand: with few of them it knows chance too, which
no score can, so the same epochs split in halves say what knowing one half is worth on the other.

``plan``: rows, edges, hit rate and bytes by tier of ``plan_stores`` beside those of a
``TieredStore`` over a file of rows, through one epoch.
"""

from __future__ import annotations

import argparse
import importlib.util
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import torch
from torch import Tensor

from graphlearn.kernels.sample import HopSampler, NeighborRows, Relation
from graphlearn.store import (
    DiskStore,
    MemoryStore,
    TieredStore,
    access_counts,
    degree_score,
    inclusion_probability,
    plan_stores,
    reverse_pagerank,
    write_rows,
)

FAN_OUT, BATCH = [15, 10], 1024
SHARES = (0.01, 0.05, 0.10, 0.20)


def sibling(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def measure_gather(nodes: int, repeats: int = 15) -> None:
    """Print million rows a second of each way, least time of many turns."""
    x = torch.randn(nodes, 128)
    store, old = MemoryStore(x), torch.empty(100_000, 128)
    generator = torch.Generator().manual_seed(0)
    ways: dict[str, Callable[[Tensor], object]] = {
        "MemoryStore, buffers used again": store.gather,
        "MemoryStore, out=": lambda index: store.gather(index, old),
        "index_select, new tensor": lambda index: torch.index_select(x, 0, index),
        "index_select, out=": lambda index: torch.index_select(x, 0, index, out=old),
        "x[index]": lambda index: x[index],
    }
    for threads in (1, 2):
        torch.set_num_threads(threads)
        best = dict.fromkeys(ways, float("inf"))
        for _ in range(repeats):
            index = torch.randint(nodes, (100_000,), generator=generator)
            for name, way in ways.items():
                begin = time.perf_counter()
                way(index)
                best[name] = min(best[name], time.perf_counter() - begin)
        print(f"\ngather, {threads} thread(s): million rows/s (ratio to index_select, new tensor)")
        for name, seconds in best.items():
            ratio = best["index_select, new tensor"] / seconds
            print(f"  {name:32s} {0.1 / seconds:6.2f}   {ratio:.2f} x")
    torch.set_num_threads(1)


class Sampled:
    """A graph, its training nodes, and epochs of batches drawn from it."""

    def __init__(self, kind: str, nodes: int, edges: int) -> None:
        made = sibling("rmat")
        draw = made.rmat if kind == "rmat" else made.local_graph
        source, target = draw(nodes, edges, 0)
        self.kind, self.nodes = kind, nodes
        self.rows = NeighborRows.from_edges(source, target, num_sources=nodes, num_targets=nodes)
        rng = np.random.default_rng(1)
        degree = np.diff(self.rows.rowptr)
        # One in a hundred, of those that draw anything at all.
        able = np.flatnonzero(degree > 0)
        if kind == "local":  # one twentieth of the ring
            able = able[(able >= nodes // 4) & (able < nodes // 4 + nodes // 20)]
        self.train = torch.from_numpy(np.sort(rng.choice(able, nodes // 100, replace=False)))
        self.sampler = HopSampler([nodes], [Relation(0, 0, self.rows)])

    def epoch(self, seed: int) -> list[tuple[Tensor, int]]:
        """Nodes and number of edges of every batch."""
        order = torch.randperm(len(self.train), generator=torch.Generator().manual_seed(seed))
        found = []
        for number, seeds in enumerate(self.train[order].split(BATCH)):
            hops = self.sampler.sample({0: seeds.numpy()}, [FAN_OUT], key=seed << 20 | number)
            found.append((torch.from_numpy(hops.node[0].copy()), len(hops.entry[0])))
        return found

    def scores(self) -> dict[str, Tensor]:
        """What a cache can be filled by, each with the seconds that it took."""
        generator = torch.Generator().manual_seed(2)
        ways: dict[str, Callable[[], Tensor]] = {
            "random": lambda: torch.rand(self.nodes, generator=generator),
            "out-degree": lambda: degree_score(self.rows),
            "reverse PageRank": lambda: reverse_pagerank(self.rows, self.train),
            "inclusion probability": lambda: inclusion_probability(
                self.rows, self.train, FAN_OUT, batch_size=BATCH
            ),
            "one pre-sampled epoch": lambda: access_counts(
                (nodes for nodes, _ in self.epoch(1000)), self.nodes
            ),
        }
        found = {}
        for name, way in ways.items():
            begin = time.perf_counter()
            found[name] = way()
            print(f"  {name}: {time.perf_counter() - begin:.2f} s")
        return found


def served(score: Tensor, counts: Tensor) -> list[float]:
    """Percent of accesses to the rows of the largest scores, for each size of cache."""
    order = np.argsort(-score.double().numpy(), kind="stable")
    total = np.cumsum(counts.double().numpy()[order])
    return [float(100 * total[int(share * len(order)) - 1] / total[-1]) for share in SHARES]


def measure_tiers(graph: Sampled, epochs: int) -> None:
    """Print the shares that caches serve."""
    print(f"\ntiers on {graph.kind}: {graph.rows}, {len(graph.train)} training nodes")
    scores = graph.scores()
    halves = [
        access_counts((n for e in part for n, _ in graph.epoch(e)), graph.nodes)
        for part in (range(epochs), range(epochs, 2 * epochs))
    ]
    counts = halves[0] + halves[1]
    print(f"  {2 * epochs} epochs, {int(counts.sum())} accesses to {int((counts > 0).sum())} rows")
    print(f"  {'':34s}" + "".join(f"{100 * share:7.0f} %" for share in SHARES))
    lines = {name: served(score, counts) for name, score in scores.items()}
    lines[f"{epochs} epochs, on {epochs} others"] = served(halves[0], halves[1])
    lines[f"oracle: all {2 * epochs} epochs"] = served(counts, counts)
    for name, line in lines.items():
        print(f"  {name:34s}" + "".join(f"{value:9.1f}" for value in line))
    at_ten = served(counts, counts)[2] - lines["inclusion probability"][2]
    print(f"  inclusion probability is {at_ten:.2f} points below the oracle at 10 %")


def measure_plan(graph: Sampled) -> None:
    """Print what was planned beside what a store counted in one epoch."""
    row_bytes = 4 * 32
    budget = graph.nodes // 10 * row_bytes
    begin = time.perf_counter()
    plan = plan_stores(
        dim=32,
        fan_out=FAN_OUT,
        graph=graph.rows,
        train_nodes=graph.train,
        batch_size=BATCH,
        host_bytes=budget,
    )
    print(f"\nplan for {graph.kind} ({time.perf_counter() - begin:.2f} s)\n{plan}")
    scores = inclusion_probability(graph.rows, graph.train, FAN_OUT, batch_size=BATCH)
    epoch = graph.epoch(7)
    with tempfile.TemporaryDirectory() as folder:
        # Zeros in blocks: what rows hold does not matter here.
        blocks = (torch.zeros(100_000, 32) for _ in range(graph.nodes // 100_000))
        write_rows(f"{folder}/x.rows", blocks)
        with DiskStore(f"{folder}/x.rows") as disk:
            store = TieredStore(disk, scores, host_bytes=budget)
            for nodes, _ in epoch:
                store.gather(nodes)
            # The last batch is smaller: compare by what an epoch's seeds are in batches.
            batches = len(graph.train) / BATCH
            pairs = {
                "hit rate, %": (100 * plan.hit_rate, 100 * store.hit_rate),
                "rows a batch": (plan.batch_rows, store.traffic.rows / batches),
                "edges a batch": (sum(plan.batch_edges), sum(e for _, e in epoch) / batches),
            }
            for tier in plan.tiers:
                counted = store.traffic.tier(tier.name)
                pairs[f"{tier.name} bytes a batch"] = (
                    tier.batch_bytes,
                    counted.moved_bytes / batches,
                )
    for name, (planned, real) in pairs.items():
        print(
            f"  {name:24s} planned {planned:14,.1f}   real {real:14,.1f}   {planned / real:.3f} x"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", choices=("gather", "tiers", "plan"))
    parser.add_argument("--nodes", type=int, default=2_000_000)
    parser.add_argument("--edges", type=int, default=30_000_000)
    parser.add_argument("--epochs", type=int, default=5, help="half of those that are counted")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.part in (None, "gather"):
        measure_gather(args.nodes)
    if args.part == "gather":
        return
    for kind in ("rmat", "local"):
        graph = Sampled(kind, args.nodes, args.edges)
        if args.part in (None, "tiers"):
            measure_tiers(graph, args.epochs)
        if args.part in (None, "plan"):
            measure_plan(graph)


if __name__ == "__main__":
    main()
