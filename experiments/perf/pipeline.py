"""Layer pipelining by measurement: bytes sent, cost of chunks, memory of a stage, the bubble.

    python experiments/perf/pipeline.py --data FOLDER [--part volume|chunks|memory|bubble]
        [--graphs cora enron rmat] [--processes 4] [--plot FILE.png]

``volume``: bytes that the trainer counted in an epoch, by pipelining, by graph parallelism and by
both, beside the formulas, for 8 to 64 layers. Processes are joined by gloo on this machine.

``chunks``: CPU seconds of an epoch in one process with 1, 4 and 16 chunks, the least of epochs
that take turns.

``memory``: what a process of a stage holds when layers and stages grow together, and what one of
a graph-parallel group of as many holds: rows and inputs as counted, and how much its resident set
grew at most.

``bubble``: CPU seconds of each chunk's turn on each stage, taken in one process, stage after
stage; what share of their time the stages would work, by the simulated schedule, beside
K / (K + S - 1).

``FOLDER`` holds ``planetoid/Cora/raw`` and ``snap/email-Enron.txt.gz``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import resource
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch_geometric.data import Data
from torch_geometric.io import read_planetoid_data

from graphlearn.bench.timeline_plot import write_timeline
from graphlearn.nn.deep import deep_stack
from graphlearn.pipeline.costs import measure_costs
from graphlearn.pipeline.held_rows import HeldRows
from graphlearn.pipeline.layer_rows import Alone
from graphlearn.pipeline.layout import Layout
from graphlearn.pipeline.records import Turn
from graphlearn.pipeline.schedule import chunk_order, efficiency, split_layers
from graphlearn.pipeline.stage import Passing, Stage
from graphlearn.pipeline.timeline import simulate_turns, turn_seconds
from graphlearn.pipeline.trainer import PipelineTrainer
from graphlearn.pipeline.volume import hybrid_bytes
from graphlearn.pipeline.widths import layer_widths

FEATURES, CLASSES = 64, 8
DEPTHS = (8, 16, 32, 64)


def sibling(name: str) -> ModuleType:
    """A module of this folder, which is no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def load(name: str, root: str) -> Data:
    """A graph with random features and classes; what they are does not matter here."""
    if name == "cora":
        folder = Path(root, "planetoid", "Cora", "raw")
        edges = read_planetoid_data(str(folder), "Cora").edge_index
        nodes = int(edges.max()) + 1
    elif name == "enron":
        table = np.loadtxt(Path(root, "snap", "email-Enron.txt.gz"), np.int64, comments="#")
        edges = torch.from_numpy(table.T.copy())
        nodes = int(edges.max()) + 1
    else:
        nodes = 50_000
        edges = sibling("rmat").rmat(nodes, 500_000, 0)
    generator = torch.Generator().manual_seed(0)
    data = Data(
        x=torch.randn(nodes, FEATURES, generator=generator),
        edge_index=edges,
        y=torch.randint(CLASSES, (nodes,), generator=generator),
    )
    data.train_mask = torch.ones(nodes, dtype=torch.bool)
    return data


def make_stack(model: str, layers: int, channels: int, dropout: float = 0.0) -> Any:
    torch.manual_seed(0)
    return deep_stack(model, FEATURES, channels, CLASSES, layers, dropout=dropout)


# Several processes ################################################################################


def spawn(work: Callable[..., Any], jobs: list[Any], processes: int, root: str) -> list[list[Any]]:
    """Run ``work(job, root)`` for each job on all processes; results by process."""
    with tempfile.TemporaryDirectory() as folder:
        mp.spawn(_joined, (work, jobs, processes, root, folder), nprocs=processes)
        return [json.loads(Path(folder, f"{rank}.json").read_text()) for rank in range(processes)]


def _joined(
    rank: int, work: Callable[..., Any], jobs: list[Any], processes: int, root: str, folder: str
) -> None:
    torch.set_num_threads(1)
    where = f"file://{folder}/meet"
    dist.init_process_group("gloo", init_method=where, rank=rank, world_size=processes)
    found = [work(job, root) for job in jobs]
    Path(folder, f"{rank}.json").write_text(json.dumps(found))
    dist.destroy_process_group()


def count_bytes(job: dict[str, Any], root: str) -> dict[str, Any]:
    """One epoch: what was sent, and what was cut."""
    data = load(job["graph"], root)
    trainer = PipelineTrainer(
        make_stack(job["model"], job["layers"], job["channels"]),
        data,
        stages=job["stages"],
        ways=job["ways"],
        chunks=job["chunks"],
        normalization="gcn",
    )
    sent = trainer.train_epoch().sent_bytes
    replicas = trainer.layout.num_replicas
    return {"sent": sum(sent), "replicas": replicas, "nodes": data.num_nodes}


def measure_volume(graphs: Sequence[str], processes: int, root: str) -> None:
    channels = 16
    half = processes // 2
    shapes = {"pipeline": (processes, 1), "graph": (1, processes)}
    if half > 1:
        shapes["hybrid"] = (half, processes // half)
    for model in ("gcn", "gcnii"):
        depths = DEPTHS if model == "gcn" else (32,)
        jobs = [
            {
                "graph": graph,
                "layers": layers,
                "model": model,
                "channels": channels,
                "stages": stages,
                "ways": ways,
                "chunks": 1 if stages == 1 else 4 * processes,
            }
            for graph in graphs
            for layers in depths
            for stages, ways in shapes.values()
        ]
        results = spawn(count_bytes, jobs, processes, root)[0]
        print(f"\nvolume, {model}, {processes} processes, {channels} channels: bytes an epoch")
        print(
            f"  {'graph':8s}{'layers':>7s}  {'by':9s}{'measured':>14s}{'formula':>14s}"
            f"{'alpha':>8s}{'graph / this':>14s}{'by formula':>12s}"
        )
        pairs = list(zip(jobs, results, strict=True))
        for begin in range(0, len(pairs), len(shapes)):
            group = pairs[begin : begin + len(shapes)]
            formulas = [
                hybrid_bytes(
                    found["nodes"],
                    found["replicas"],
                    channels,
                    job["layers"],
                    job["stages"],
                    carried=model == "gcnii",
                )
                for job, found in group
            ]
            for name, (job, found), formula in zip(shapes, group, formulas, strict=True):
                ratio, foretold = group[1][1]["sent"] / found["sent"], formulas[1] / formula
                print(
                    f"  {job['graph']:8s}{job['layers']:7d}  {name:9s}{found['sent']:14,}"
                    f"{formula:14,}{found['replicas'] / found['nodes']:8.3f}"
                    f"{ratio:12.2f} x{foretold:10.2f} x"
                    + ("" if found["sent"] == formula else "   DIFFERS")
                )


def held_bytes(job: dict[str, Any], root: str) -> dict[str, Any]:
    """Two epochs: bytes of rows and inputs, and how far the resident set grew."""
    data = load(job["graph"], root)
    stack = make_stack("gcn", job["layers"], job["channels"])
    layout = Layout(data.edge_index, data.num_nodes, job["chunks"], job["ways"])
    dist.barrier()
    before = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGESIZE")
    trainer = PipelineTrainer(stack, data, stages=job["stages"], ways=job["ways"], layout=layout)
    for _ in range(2):
        trainer.train_epoch()
    rows = 0
    for number in trainer.layer_ranges[trainer.place.stage]:
        own = trainer.layer_rows(number)
        if own is not None:
            rows += sum(
                t.numel() * t.element_size() for t in (own.fresh, own.history, own.gradient)
            )
    nodes = sum(layout.chunk(c, trainer.place.way).num_nodes for c in range(layout.num_chunks))
    inputs = 4 * nodes * (FEATURES if trainer.place.is_first else job["channels"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"rows": rows, "inputs": inputs, "grown": peak - before}


def measure_memory(graphs: Sequence[str], processes: int, root: str) -> None:
    channels, each = 32, 8
    print(f"\nmemory of a process, {each} layers a stage, {channels} channels, MiB (the largest)")
    print(f"  {'graph':8s}{'layers':>7s}  {'by':22s}{'rows':>9s}{'inputs':>9s}{'grown':>9s}")
    for graph in graphs:
        stages = 1
        while stages <= processes:
            shapes = {f"{stages} stages": (stages, 1), f"{processes} ways": (1, processes)}
            for name, shape in shapes.items():
                job = {
                    "graph": graph,
                    "layers": each * stages,
                    "channels": channels,
                    "stages": shape[0],
                    "ways": shape[1],
                    "chunks": 16 if shape[1] == 1 else 1,
                }
                # A group anew for each: the peak of a process is that of its whole life.
                found = [own[0] for own in spawn(held_bytes, [job], shape[0] * shape[1], root)]
                most = {key: max(one[key] for one in found) / 2**20 for key in found[0]}
                print(
                    f"  {graph:8s}{job['layers']:7d}  {name:22s}{most['rows']:9.1f}"
                    f"{most['inputs']:9.1f}{most['grown']:9.1f}"
                )
            stages *= 2


# One process ######################################################################################


def measure_chunks(graphs: Sequence[str], root: str, layers: int = 16, turns: int = 7) -> None:
    print(f"\nchunks: CPU seconds an epoch in one process, GCNII, {layers} layers of 64 channels")
    for graph in graphs:
        data = load(graph, root)
        for recompute in (True, False):
            trainers = {
                chunks: PipelineTrainer(
                    make_stack("gcnii", layers, 64, dropout=0.5),
                    data,
                    chunks=chunks,
                    normalization="gcn",
                    recompute=recompute,
                    refresh=23,
                )
                for chunks in (1, 4, 16)
            }
            best = dict.fromkeys(trainers, float("inf"))
            for turn in range(turns + 1):
                for chunks, trainer in trainers.items():
                    begin = time.process_time()
                    trainer.train_epoch()
                    if turn:
                        best[chunks] = min(best[chunks], time.process_time() - begin)
            halos = {
                chunks: trainer.layout.halo_rows / data.num_nodes
                for chunks, trainer in trainers.items()
            }
            print(
                f"  {graph:6s} {'recomputed' if recompute else 'kept      '} "
                + ", ".join(
                    f"K = {chunks}: {seconds:.3f} s (halos {halos[chunks]:.2f} N)"
                    for chunks, seconds in best.items()
                )
                + f"; 16 to 4: {best[16] / best[4]:.3f} x"
            )


def stage_turns(
    data: Data, layers: int, stages: int, chunks: int, epochs: int
) -> list[list[list[float]]]:
    """Least CPU seconds ``[forward, backward][S][K]`` of the turns."""
    stack = make_stack("gcnii", layers, 64, dropout=0.5)
    layout = Layout(data.edge_index, data.num_nodes, chunks, normalization="gcn")
    parts = [layout.chunk(number) for number in range(chunks)]
    held = HeldRows(parts, layout.chunk_of)
    costs = measure_costs(
        stack, parts[0], data.x, repeats=9, recompute=True, clock=time.process_time
    )
    ranges = split_layers(costs, stages)
    made = [
        Stage(
            [stack[number] for number in own],
            own.start,
            parts,
            held,
            [width.rows for width in layer_widths(stack, data.x)],
            dtype=torch.float32,
            device=torch.device("cpu"),
            gamma=2.0,
            recompute=True,
            exchange=Alone(),
            seed=0,
        )
        for own in ranges
    ]
    print(f"  layers of the stages: {[len(own) for own in ranges]}")
    turns: list[list[Turn]] = [[] for _ in made]

    def timed(stage: int, chunk: int, forward: bool, work: Callable[[], Any]) -> Any:
        begin = time.process_time()
        out = work()
        turns[stage].append(Turn(chunk, forward, begin, time.process_time()))
        return out

    for epoch in range(epochs):
        order = chunk_order(chunks, epoch, seed=0)
        for one in made:
            one.begin_epoch(epoch, order)
        for chunk in order:
            given = Passing(data.x[parts[chunk].nodes])
            for number, one in enumerate(made):
                given = timed(
                    number, chunk, True, lambda one=one, c=chunk, g=given: one.forward(c, g)
                )
        for chunk in order[::-1]:
            down: list[Any] = []
            for number in reversed(range(stages)):

                def back(one: Stage = made[number], chunk: int = chunk, down: Any = down) -> Any:
                    out = one.outcome(chunk)
                    return one.backward(chunk, down or [torch.ones_like(out.rows), None])

                down = timed(number, chunk, False, back)
                down = [None if part is None else part for part in down]
        for one in made:
            one.refresh()
    return [turn_seconds(turns, forward=way, chunks=chunks) for way in (True, False)]


def measure_bubble(graphs: Sequence[str], root: str, plot: Path | None) -> None:
    print("\nbubble: share of their time that stages work, GCNII, 32 layers of 64 channels")
    for graph in graphs:
        data = load(graph, root)
        for stages, chunks in ((2, 8), (4, 16), (8, 32)):
            forward, backward = stage_turns(data, 32, stages, chunks, epochs=6)
            timeline = simulate_turns(forward, backward)
            ideal = efficiency(chunks, stages)
            print(
                f"  {graph:6s} S = {stages}, K = {chunks}: {timeline.seconds:.3f} s an epoch, "
                f"working {100 * timeline.efficiency:.1f} %, K / (K + S - 1) = {100 * ideal:.1f} %,"
                f" ratio {timeline.efficiency / ideal:.3f}"
            )
            if plot is not None and (stages, graph) == (4, graphs[-1]):
                write_timeline(plot, timeline)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True)
    parser.add_argument("--part", choices=("volume", "chunks", "memory", "bubble"))
    names = ("cora", "enron", "rmat")
    parser.add_argument("--graphs", nargs="+", choices=names, default=list(names))
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.part in (None, "volume"):
        measure_volume(args.graphs, args.processes, args.data)
    if args.part in (None, "chunks"):
        measure_chunks(args.graphs, args.data)
    if args.part in (None, "memory"):
        measure_memory(args.graphs[-1:], args.processes, args.data)
    if args.part in (None, "bubble"):
        measure_bubble(args.graphs, args.data, args.plot)


if __name__ == "__main__":
    main()
