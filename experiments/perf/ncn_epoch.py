"""Seconds of a training epoch on Cora and CiteSeer: tuned GAE, NCN and NCNC in one loop.

    python experiments/perf/ncn_epoch.py [--data-root FOLDER] [--datasets cora citeseer]

One thread; recipes' sizes; models take turns, epoch by epoch, so that a busy machine is equally
busy for all. "NCN as usually written" has dense features, torch's own dropout, every map on every
row, and a graph that is built anew for every batch.
"""

from __future__ import annotations

import argparse
import statistics
import time

import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid

from graphlearn.bench import Recipe, find_recipe, recipe_names
from graphlearn.bench.build import build_model
from graphlearn.data import LinkSplit, load_dataset, make_split
from graphlearn.kernels import CSRGraph, NeighborLists, pool_lists
from graphlearn.nn import NCN, Dropout
from graphlearn.train import keep_freed_memory, uniform_negatives


class DenseNCN(NCN):
    """NCN that maps every node and every pair, empty sets included."""

    def combine(
        self, x: Tensor, pairs: Tensor, neighbors: NeighborLists, entry_weight: Tensor | None
    ) -> Tensor:
        mapped = x if self.node_map is None else x + self.node_map(x)
        pooled = pool_lists(neighbors, mapped, entry_weight=entry_weight, path="gather")
        product = x[pairs[0]] * x[pairs[1]]
        hidden = self.pair_branch(product) + self.beta * self.set_branch(pooled)
        return self.head(hidden).squeeze(-1)


def as_usually_written(model: nn.Module) -> nn.Module:
    """The same model with torch's dropout and without what makes NCN cheap."""
    model.predictor.__class__ = DenseNCN
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Dropout):
                setattr(parent, name, nn.Dropout(child.p))
    return model


class Contender:
    """A model with its optimizer, ready to train one epoch at a time."""

    def __init__(self, recipe: Recipe, split: LinkSplit, *, usual: bool = False) -> None:
        x = split.data.x
        self.size = recipe.train.batch_size
        self.pairs, self.usual = split.train_pairs, usual
        self.graph = CSRGraph.from_edge_index(self.pairs, split.data.num_nodes)
        self.x = x.to_dense() if usual else x
        self.model = build_model(recipe.model, in_channels=x.size(1), num_nodes=x.size(0), seed=0)
        if usual:
            as_usually_written(self.model)
        groups = [
            {"params": self.model.encoder.parameters(), "lr": recipe.train.encoder_learning_rate},
            {
                "params": self.model.predictor.parameters(),
                "lr": recipe.train.predictor_learning_rate,
            },
        ]
        self.optimizer = torch.optim.Adam(groups, fused=True)
        self.generator = torch.Generator().manual_seed(0)

    def without(self, batch: Tensor) -> CSRGraph:
        """The graph without the batch's links: by the mask, or built anew."""
        if not self.usual:
            return self.graph.without_edges(batch)
        keep = torch.ones(self.pairs.size(1), dtype=torch.bool)
        keep[batch] = False
        return CSRGraph.from_edge_index(self.pairs[:, keep], self.graph.num_nodes)

    def epoch(self) -> float:
        """Train one epoch, all batches, and return its seconds."""
        begin = time.perf_counter()
        order = torch.randperm(self.pairs.size(1), generator=self.generator)
        drawn = uniform_negatives(self.graph, order.numel(), self.generator)
        self.model.train()
        for batch, negative in zip(
            order.split(self.size), drawn.split(self.size, dim=1), strict=True
        ):
            scores = self.model(
                self.x, self.without(batch), torch.cat([self.pairs[:, batch], negative], dim=1)
            )
            positive, other = scores.split(batch.numel())
            loss = -logsigmoid(positive).mean() - logsigmoid(-other).mean()
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
        return time.perf_counter() - begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data-root", default=None)
    parser.add_argument("--datasets", nargs="+", default=["cora", "citeseer"])
    parser.add_argument("--epochs", type=int, default=30)
    args = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as in a run from the command line, and for all alike
    for name in args.datasets:
        split = make_split(load_dataset(name, args.data_root), 0)
        recipes = {model: find_recipe(model, name)[0] for model in ("gae", "ncn")}
        contenders = {
            "tuned GAE": Contender(recipes["gae"], split),
            "NCN": Contender(recipes["ncn"], split),
            "NCN as usually written": Contender(recipes["ncn"], split, usual=True),
        }
        for label in recipe_names():
            if label.startswith(f"ncnc/{name}"):
                contenders[label] = Contender(find_recipe(label)[0], split)
        times: dict[str, list[float]] = {label: [] for label in contenders}
        for _ in range(args.epochs):
            for label, contender in contenders.items():
                times[label].append(contender.epoch())
        size = recipes["ncn"].train.batch_size
        print(f"{name}: {split.train_pairs.size(1)} links, batches of {size}")
        print(f"  {'seconds an epoch, one thread':30s}   median   minimum   to GAE   to NCN")
        # The first epochs compile and warm the caches.
        rows = {label: sorted(seconds[5:]) for label, seconds in times.items()}
        for label, row in rows.items():
            median = statistics.median(row)
            print(
                f"  {label:30s}   {median:6.3f}    {row[0]:6.3f}   "
                f"{median / statistics.median(rows['tuned GAE']):6.2f}   "
                f"{median / statistics.median(rows['NCN']):6.2f}"
            )


if __name__ == "__main__":
    main()
