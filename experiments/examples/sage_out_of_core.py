"""GraphSAGE on a graph whose features do not fit into the memory that it is given.

    python experiments/examples/sage_out_of_core.py
    python experiments/examples/sage_out_of_core.py --nodes 1000000 --dim 1024 --budget 1000000000

A graph of communities is generated, its features (noise around a center for each community) written
to a file block by block. The rows that batches ask for most stay in memory, a quarter of what the
budget leaves; before each epoch the other rows are packed in the order of its batches, and training
reads them in one piece. With --in-memory the same batches come from a table in memory: the losses
are the same to the last digit.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Iterator
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.nn import GraphSAGE

from graphlearn.loader import NeighborLoader, NeighborSampler, pack_epoch
from graphlearn.store import (
    DiskStore,
    MemoryStore,
    PackedStore,
    inclusion_probability,
    write_rows,
)

CLASSES = 16


def graph(nodes: int, degree: int) -> Data:
    """Nodes of one class have consecutive ids; nine links in ten stay within a class."""
    generator = torch.Generator().manual_seed(0)
    target = torch.arange(nodes, dtype=torch.int32).repeat_interleave(degree)
    size = nodes // CLASSES
    source = torch.randint(size, target.shape, generator=generator, dtype=torch.int32)
    source += (target // size).clamp(max=CLASSES - 1) * size
    far = torch.rand(target.shape, generator=generator) < 0.1
    count = int(far.sum())
    source[far] = torch.randint(nodes, (count,), generator=generator, dtype=torch.int32)
    label = (torch.arange(nodes) // size).clamp(max=CLASSES - 1)
    return Data(edge_index=torch.stack([source, target]), y=label, num_nodes=nodes)


def feature_blocks(label: Tensor, dim: int, rows: int = 2048) -> Iterator[Tensor]:
    """Noise around the center of each node's class; the noise drowns it in a single row."""
    generator = torch.Generator().manual_seed(1)
    center = torch.randn(CLASSES, dim, generator=generator)
    for block in label.split(rows):
        noise = torch.randn(block.numel(), dim, generator=generator)
        yield center[block] * (2 / dim**0.5) + noise


def peak_bytes() -> int:
    """The most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def train(model: GraphSAGE, optimizer: torch.optim.Optimizer, batches: Iterator[Data]) -> float:
    model.train()
    total, seeds = 0.0, 0
    for batch in batches:
        optimizer.zero_grad()
        out = model(batch.x, batch.edge_index)[: batch.batch_size]
        loss = F.cross_entropy(out, batch.y[: batch.batch_size])
        loss.backward()
        optimizer.step()
        total, seeds = total + float(loss.detach()) * batch.batch_size, seeds + batch.batch_size
    return total / seeds


@torch.no_grad()
def accuracy(model: GraphSAGE, batches: Iterator[Data]) -> float:
    model.eval()
    right = seeds = 0
    for batch in batches:
        out = model(batch.x, batch.edge_index)[: batch.batch_size]
        right += int((out.argmax(1) == batch.y[: batch.batch_size]).sum())
        seeds += batch.batch_size
    return right / seeds


def main() -> float:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--nodes", type=int, default=20_000)
    parser.add_argument("--degree", type=int, default=5)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--train-nodes", type=int, default=2_000)
    parser.add_argument("--batch-size", type=int, default=256)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--budget", type=int, help="bytes for the whole process, Python and all")
    parser.add_argument("--in-memory", action="store_true", help="features in memory, to compare")
    options = parser.parse_args()

    torch.manual_seed(0)
    data = graph(options.nodes, options.degree)
    order = torch.randperm(options.nodes, generator=torch.Generator().manual_seed(2))
    seeds, held_out = order[: options.train_nodes], order[options.train_nodes :][:2_000]
    fan_out = [10, 5]
    sampler = NeighborSampler(data, fan_out, is_sorted=True, seed=3)
    loaders = [
        NeighborLoader(
            data,
            fan_out,
            input_nodes=nodes,
            batch_size=options.batch_size,
            shuffle=True,
            neighbor_sampler=sampler,
        )
        for nodes in (seeds, held_out)
    ]
    model = GraphSAGE(options.dim, 64, num_layers=2, out_channels=CLASSES)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)

    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        write_rows(folder / "x.rows", feature_blocks(data.y, options.dim))
        table_bytes = options.nodes * options.dim * 4
        if options.budget is not None:
            print(f"features: {table_bytes / options.budget:.2f} times the budget")
        with DiskStore(folder / "x.rows", access="pread") as disk:
            if options.in_memory:
                store = MemoryStore(disk.read(0, options.nodes))
                for epoch in range(options.epochs):
                    loss = train(model, optimizer, loaders[0].epoch(epoch, feature_store=store))
                    print(f"epoch {epoch}: loss {loss!r}")
                score = accuracy(model, loaders[1].epoch(0, feature_store=store))
            else:
                asked = inclusion_probability(
                    data.edge_index, seeds, fan_out, num_nodes=options.nodes
                )
                # What the graph, the model and Python itself leave; half of it for the batches. A
                # process is far larger than the features of a small example: a quarter of these.
                left = table_bytes // 4
                if options.budget is not None:
                    left = max(options.budget - peak_bytes(), options.budget // 16)
                rows = min(options.nodes, left // 4 // (options.dim * 4))
                resident = asked.topk(rows).indices
                group = left // 8

                def packed(loader: NeighborLoader, epoch: int) -> PackedStore:
                    path = folder / "epoch.pack"
                    pack_epoch(
                        loader, disk, path, epoch=epoch, resident=resident, group_bytes=group
                    )
                    return PackedStore(path, read_ahead_bytes=left // 8)

                for epoch in range(options.epochs):
                    with packed(loaders[0], epoch) as store:
                        loss = train(model, optimizer, loaders[0].epoch(epoch, feature_store=store))
                        read, kept = store.traffic.tier("disk"), store.traffic.share("memory")
                    print(
                        f"epoch {epoch}: loss {loss!r}\n  {kept:.0%} of the rows were in memory, "
                        f"{read.amplification:.2f} bytes read for each byte of the others"
                    )
                with packed(loaders[1], 0) as store:
                    score = accuracy(model, loaders[1].epoch(0, feature_store=store))
    if options.budget is not None:
        print(f"peak memory: {peak_bytes() / options.budget:.2f} times the budget")
    print(f"accuracy on held-out nodes: {score:.3f}")
    return score


if __name__ == "__main__":
    main()
