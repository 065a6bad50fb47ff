"""What bfloat16 is worth in training: steps of ogbl-ddi's wide GraphSAGE, and the kernels below.

    python experiments/perf/autocast.py [--data-root FOLDER]

One thread; both sides of a ratio take turns. "By lists" is the propagation that a thinner graph
takes, "plain torch" what half precision takes where it has no path of its own. Random graphs of as
many nodes show from which density on the matrix pays.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from graphlearn.bench import find_recipe
from graphlearn.bench.build import build_model
from graphlearn.data import load_dataset, make_split
from graphlearn.kernels import CSRGraph, spmm
from graphlearn.kernels.dropout import hashed_dropout
from graphlearn.kernels.spmm import spmm_reference
from graphlearn.nn import propagate
from graphlearn.train import LoopConfig, keep_freed_memory, link_loss, uniform_negatives


def compare(
    what: str, names: tuple[str, str], one: Callable[[], object], other: Callable[[], object]
) -> None:
    """Print the median milliseconds of both, in turn, and the second's over the first's."""
    taken: tuple[list[float], list[float]] = ([], [])
    for repeat in range(6):
        for contender, times in zip((one, other), taken, strict=True):
            start = time.perf_counter()
            contender()
            if repeat:  # the first round compiles
                times.append(1000 * (time.perf_counter() - start))
    fast, slow = (statistics.median(times) for times in taken)
    print(
        f"{what:58} {names[0]} {fast:6.0f} ms, {names[1]} {slow:6.0f} ms: {slow / fast:4.1f}",
        flush=True,
    )


def step(model: nn.Module, graph: CSRGraph, links: Tensor, *, autocast: bool) -> None:
    """One training step on some links, which leave the graph, and as many others."""
    batch = torch.arange(links.size(1))
    others = uniform_negatives(graph, links.size(1), torch.Generator().manual_seed(0))
    config = LoopConfig(autocast="bfloat16" if autocast else None)
    with config.training_precision():  # as the trainers have it
        scores = model(None, graph.without_edges(batch), torch.cat([links, others], dim=1))
        loss = link_loss(scores, links.size(1))
    model.zero_grad()
    loss.backward()


def propagated(x: Tensor, graph: CSRGraph, *, matrix: bool) -> None:
    """A mean over neighbors and its gradient, without some links, whatever the density."""
    seen = graph.without_edges(torch.arange(16))
    if matrix:
        with torch.autocast("cpu", torch.bfloat16):
            out = (seen.matrix @ x) / seen.degree().clamp(min=1)[:, None]
    else:
        out = propagate(x, seen, "mean")
    out.backward(torch.ones_like(out))


def random_graph(nodes: int, density: float) -> CSRGraph:
    """A graph in which so many of all pairs are linked."""
    draws = torch.rand(nodes, nodes, generator=torch.Generator().manual_seed(0))
    return CSRGraph.from_edge_index((draws.triu(1) > 1 - density).nonzero().t(), nodes)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", default=None)
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()
    recipe, _, _ = find_recipe("sage/ogbl-ddi-wide")
    split = make_split(load_dataset("ogbl-ddi", args.data_root))
    nodes = split.data.num_nodes
    graph = CSRGraph.from_edge_index(split.train_pairs, nodes)
    model = build_model(recipe.model, in_channels=None, num_nodes=nodes, seed=0)
    links = split.train_pairs[:, : recipe.train.batch_size]
    print(f"torch {torch.__version__}, ogbl-ddi, one thread")
    compare(
        "a training step of sage/ogbl-ddi-wide",
        ("bfloat16", "float32"),
        lambda: step(model, graph, links, autocast=True),
        lambda: step(model, graph, links, autocast=False),
    )
    x = torch.rand(nodes, 256, requires_grad=True)
    for name, seen in {
        "ogbl-ddi": graph,
        "random, 1 pair in 12": random_graph(nodes, 1 / 12),
        "random, 1 pair in 16": random_graph(nodes, 1 / 15.5),
    }.items():
        compare(
            f"propagation of 256 channels, {name}",
            ("by matrix", "by lists"),
            lambda seen=seen: propagated(x, seen, matrix=True),
            lambda seen=seen: propagated(x, seen, matrix=False),
        )
    half = x.detach().bfloat16()
    compare(
        "the list-sum in bfloat16",
        ("ours", "plain torch"),
        lambda: spmm(graph.rowptr, graph.col, half),
        lambda: spmm_reference(graph.rowptr, graph.col, half),
    )
    rows = torch.rand(131_072, 256).bfloat16()
    compare(
        "dropout of 131,072 x 256 in bfloat16",
        ("ours", "torch"),
        lambda: hashed_dropout(rows, 0.3, 1),
        lambda: torch.nn.functional.dropout(rows, 0.3),
    )


if __name__ == "__main__":
    main()
