"""Does a learnt aggregator help NCN? Poolings of the common neighbors on a part of ogbl-ddi.

    python experiments/perf/ncn_pooling.py [--data-root DIR] [--nodes 600] [--epochs 30] [--seeds 3]

The graph is the one that ogbl-ddi's training links induce on drugs drawn once; its links are split
at random for every seed (10 % validation, 20 % test, as many negatives). Every pooling has the
same encoder, splits, order of batches and negatives. Printed: Hits@20 on validation and test at
the best validation epoch, mean and standard deviation over the seeds, the seconds of an epoch, and
the mean number of common neighbors of a training link. Cora and CiteSeer are ordinary recipes:
``graphlearn run ncn/cora --set predictor.pooling=lcm``.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch_geometric.data import Data
from torch_geometric.utils import subgraph

from graphlearn.data import load_dataset, random_link_split
from graphlearn.kernels import CSRGraph, common_neighbors
from graphlearn.nn import NCN, ConvolutionEncoder, LinkModel, SAGEEncoder
from graphlearn.nn.aggr import AggregatorLike
from graphlearn.train import TrainConfig, fit_links

POOLINGS: dict[str, AggregatorLike] = {
    "sum": None,
    "mean": "mean",
    "max": "max",
    "lcm": {"name": "lcm", "shuffle": True},
    "lcm-associative": {"name": "lcm", "shuffle": True, "associativity_weight": 1.0},
}


def induced(data_root: str | None, nodes: int) -> Data:
    data = load_dataset("ogbl-ddi", data_root).data
    chosen = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(0))[:nodes]
    edges, _ = subgraph(chosen, data.edge_index, relabel_nodes=True, num_nodes=data.num_nodes)
    return Data(edge_index=edges, num_nodes=nodes)


def model(nodes: int, channels: int, pooling: AggregatorLike, seed: int) -> LinkModel:
    torch.manual_seed(seed)
    encoder: ConvolutionEncoder = SAGEEncoder(None, channels, 2, num_embeddings=nodes)
    return LinkModel(encoder, NCN(channels, dropout=0.3, pooling=pooling))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root")
    parser.add_argument("--nodes", type=int, default=600)
    parser.add_argument("--channels", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--poolings", nargs="+", default=list(POOLINGS), choices=list(POOLINGS))
    args = parser.parse_args()
    data = induced(args.data_root, args.nodes)
    config = TrainConfig(
        epochs=args.epochs,
        batch_size=2048,
        encoder_learning_rate=0.003,
        predictor_learning_rate=0.003,
        clip_gradient_norm=10.0,
    )
    splits = [random_link_split(data, seed=seed) for seed in range(args.seeds)]
    graph = CSRGraph.from_edge_index(splits[0].data.edge_index, args.nodes)
    shared = common_neighbors(graph, splits[0].train_pairs).counts().float().mean()
    print(f"{args.nodes} drugs, {splits[0].train_pairs.size(1):,} training links, each with "
          f"{shared:.0f} common neighbors on average; torch {torch.__version__}, "
          f"{torch.get_num_threads()} threads")  # fmt: skip
    for name in args.poolings:
        results, seconds = [], []
        for seed, split in enumerate(splits):
            made = model(args.nodes, args.channels, POOLINGS[name], seed)
            begin = time.perf_counter()
            results.append(fit_links(made, split, config, seed=seed, metrics=["hits@20"]))
            seconds.append((time.perf_counter() - begin) / args.epochs)
        parts = []
        for part in ("valid", "test"):
            values = [100 * getattr(result, part)["hits@20"] for result in results]
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            parts.append(f"{part} {statistics.fmean(values):5.2f} ± {spread:.2f}")
        print(f"{name:16} {', '.join(parts)}; {min(seconds):.2f} s an epoch", flush=True)


if __name__ == "__main__":
    main()
