"""Memory of a deep network on one device: chunk after chunk with recomputation, and all at once.

    python experiments/perf/pipeline_memory.py [--nodes 50000] [--degree 10] [--layers 64]
        [--channels 64] [--chunks 16] [--graph local rmat] [--models gcnii resgcn+]
        [--device cpu|cuda]

Each training is a process of its own, of which the memory counts that was held at most beyond what
stood before the network was made: allocated by torch on a GPU, resident on a CPU. ``plain`` is an
ordinary loop over the whole graph; ``chunked`` is ``PipelineTrainer`` with one stage,
``recompute=True`` and K chunks. ``local`` is a ring of nodes linked to near ones, one edge in fifty
to anywhere; ``rmat`` a power-law graph without places, where nearly every node has a
neighbor in another chunk. For the issue's figure on a GPU: ``--nodes 2000000 --device cuda``.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from datetime import date

import torch
import torch.nn.functional as F
from rmat import local_graph, rmat
from torch_geometric.data import Data
from torch_geometric.utils import to_undirected

from graphlearn.nn.deep import WholeGraphStack, deep_stack
from graphlearn.pipeline import Layout, PipelineTrainer

CLASSES, FEATURES = 10, 64


def make_data(graph: str, nodes: int, degree: int) -> Data:
    generator = torch.Generator().manual_seed(0)
    if graph == "local":
        edge_index = local_graph(
            nodes, nodes * degree // 2, seed=0, reach=max(1, nodes // 500), noise=0.02
        )
    else:
        edge_index = rmat(nodes, nodes * degree // 2, seed=0)
    edge_index = to_undirected(edge_index, num_nodes=nodes)
    data = Data(
        x=torch.randn(nodes, FEATURES, generator=generator),
        edge_index=edge_index,
        y=torch.randint(CLASSES, (nodes,), generator=generator),
    )
    data.train_mask = torch.rand(nodes, generator=generator) < 0.5
    return data


class Peak:
    """Bytes held at most since it was made."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        if device.type == "cuda":
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
        self.before = self.now()

    def now(self) -> int:
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated()
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024

    def grown(self) -> int:
        return self.now() - self.before


def train_once(args: argparse.Namespace, graph: str, model: str, way: str) -> dict[str, float]:
    device = torch.device(args.device)
    data = make_data(graph, args.nodes, args.degree)
    torch.manual_seed(0)
    stack = deep_stack(model, FEATURES, args.channels, CLASSES, args.layers, dropout=0.5)
    normalization = "gcn" if model == "gcnii" else None
    chunks = 1 if way == "plain" else args.chunks
    layout = Layout(data.edge_index, args.nodes, chunks, normalization=normalization)
    peak = Peak(device)
    if way == "chunked":
        trainer = PipelineTrainer(stack, data, layout=layout, recompute=True, device=device)
        loss, seconds = 0.0, 0.0
        for _ in range(args.epochs):
            record = trainer.train_epoch()
            loss, seconds = record.loss, record.seconds
        return {"peak": peak.grown(), "loss": loss, "seconds": seconds}
    network = WholeGraphStack(stack).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=0.01)
    whole = layout.chunk(0).to(device)
    x, y, mask = (data[name][whole.nodes.cpu()].to(device) for name in ("x", "y", "train_mask"))
    for _ in range(args.epochs):
        begin = time.perf_counter()
        optimizer.zero_grad()
        value = F.cross_entropy(network(x, whole)[mask], y[mask])
        value.backward()
        optimizer.step()
        loss = float(value)
        seconds = time.perf_counter() - begin
    return {"peak": peak.grown(), "loss": loss, "seconds": seconds}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nodes", type=int, default=50_000)
    parser.add_argument("--degree", type=int, default=10)
    parser.add_argument("--layers", type=int, default=64)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--chunks", type=int, default=16)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--graph", nargs="+", choices=("local", "rmat"), default=["local", "rmat"])
    models = ("gcnii", "resgcn+")
    parser.add_argument("--models", nargs="+", choices=models, default=list(models))
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--one", nargs=3, metavar=("GRAPH", "MODEL", "WAY"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.device == "cpu":
        torch.set_num_threads(1)
    if args.one:
        print(json.dumps(train_once(args, *args.one)))
        return
    name = torch.cuda.get_device_name() if args.device != "cpu" else "CPU, one thread"
    print(
        f"{date.today()}, {name}, torch {torch.__version__}: {args.nodes:,} nodes of degree about "
        f"{args.degree}, {args.layers} layers of {args.channels} channels, {args.chunks} chunks"
    )
    print(f"{'graph':7s}{'model':10s}{'plain':>12s}{'chunked':>12s}{'ratio':>7s}   s an epoch")
    for graph in args.graph:
        for model in args.models:
            found = {}
            for way in ("plain", "chunked"):
                words = [*sys.argv[1:], "--one", graph, model, way]
                done = subprocess.run(
                    [sys.executable, __file__, *words], capture_output=True, text=True
                )
                last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
                found[way] = json.loads(done.stdout) if not done.returncode else {"failed": last}
            cells = [
                f"{one['peak'] / 2**20:8.0f} MiB" if "peak" in one else "     failed"
                for one in found.values()
            ]
            line = f"{graph:7s}{model:10s}{cells[0]:>12s}{cells[1]:>12s}"
            if all("peak" in one for one in found.values()):
                line += f"{found['chunked']['peak'] / found['plain']['peak']:7.2f}"
                line += "   " + " and ".join(f"{one['seconds']:.1f}" for one in found.values())
            print(line, *(one["failed"] for one in found.values() if "failed" in one), flush=True)


if __name__ == "__main__":
    main()
