"""fit and predict on whole graphs: seconds, memory, and hit rates beside the heuristics'.

    python experiments/perf/serve.py [enron college large] [--data ../shared/data] [--nodes 2e6]

Each graph has a process of its own, whose peak memory is its own. Both wall-clock and CPU seconds
are printed: on a machine that is shared the first say how busy it was. ``large`` is a generated
graph of 2 million nodes and 20 million edges, most of them local; one source at a time is asked for
after loading, then 10,000 at once. ``--kind rmat`` takes one with hubs and no communities instead.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from rmat import local_graph, rmat
from torch_geometric.data import Data

import graphlearn
from graphlearn.serve import quality_lines

FILES = {
    "enron": ("snap/email-Enron.txt.gz", None),
    "college": ("temporal/CollegeMsg.txt", "3"),
}


@contextmanager
def timed(what: str) -> Iterator[None]:
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  {what:42}{wall:9.1f} s {cpu:9.1f} s CPU   peak {peak:.2f} GiB", flush=True)


def say(line: str) -> None:
    print(f"  {line}", flush=True)


def real_graph(name: str, data: Path, folder: Path) -> None:
    file, column = FILES[name]
    with timed("fit"):
        model = graphlearn.fit(data / file, time=column, out=folder / "model", say=say)
    with timed("predict --all-sources --top 10"):
        loaded = graphlearn.load(folder / "model")
        rows = loaded.write_links(folder / "links.csv", 10)
    say(f"{rows:,} links")
    for line in quality_lines(model.quality):
        say(line)


def large_graph(kind: str, nodes: int, edges: int, folder: Path) -> None:
    make: Callable[[], torch.Tensor] = {
        "local": lambda: local_graph(nodes, edges, 0, reach=50),
        "rmat": lambda: rmat(nodes, edges, 0),
    }[kind]
    with timed("generate"):
        data = Data(edge_index=make(), num_nodes=nodes)
    with timed("fit"):
        model = graphlearn.fit(data, out=folder / "model", say=say)
    for line in quality_lines(model.quality):
        say(line)
    del model, data
    ask_large(folder / "model", folder)


def ask_large(place: Path, folder: Path) -> None:
    with timed("load"):
        model = graphlearn.load(place)
    nodes = len(model.ids)
    generator = torch.Generator().manual_seed(0)
    sources = model.ids.of(torch.randint(nodes, (10_000,), generator=generator))
    model.recommend(sources[0])  # kernels are compiled, orders of nodes made
    walls, cpus = [], []
    for source in sources[:50]:
        wall, cpu = time.perf_counter(), time.process_time()
        model.recommend(source)
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
    for what, seconds in (("wall", walls), ("CPU", cpus)):
        milliseconds = [1e3 * value for value in seconds]
        say(
            f"one source, {what}: median {statistics.median(milliseconds):.0f} ms, "
            f"least {min(milliseconds):.0f} ms, most {max(milliseconds):.0f} ms"
        )
    with timed("10,000 sources, exact search"):
        model.write_links(folder / "links.csv", 10, sources=sources, search="exact")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("graphs", nargs="*", default=["enron", "college", "large"])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--kind", choices=["local", "rmat"], default="local")
    parser.add_argument("--nodes", type=float, default=2e6)
    parser.add_argument("--edges", type=float, default=2e7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--model", type=Path, help="a large model that was fitted before")
    args = parser.parse_args()
    if len(args.graphs) > 1:
        for name in args.graphs:
            options = [word for word in sys.argv[1:] if word not in args.graphs]
            subprocess.run([sys.executable, __file__, name, *options], check=True)
        return
    torch.set_num_threads(args.threads)
    (name,) = args.graphs
    print(f"{name}, {args.threads} threads", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        if name in FILES:
            real_graph(name, args.data, Path(folder))
        elif args.model is not None:
            ask_large(args.model, Path(folder))
        else:
            large_graph(args.kind, int(args.nodes), int(args.edges), Path(folder))


if __name__ == "__main__":
    main()
