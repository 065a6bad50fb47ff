"""How much of OCN's figure is the label, leaking through the batch?

    python experiments/perf/ocn_leak.py cora citeseer ddi [--data-root DIR] [--seeds 10]

OCN's reference code divides by how often a node occurs among the pairs of the current call, and
scores links and non-links in calls of their own. All forms are trained and evaluated on the same
splits with the settings of ``ocn/DATASET-published``, those of OCN's authors:

- **published**: batch counts, links and non-links apart in training and evaluation;
- **published, tested mixed**: the same weights, links and non-links shuffled into common calls;
- **batch counts, mixed**: batch counts, but links and non-links together in training and test;
- **sound**: counts over the graph, see :class:`graphlearn.nn.OCN`;
- **no common neighbors**: the same encoder with the tuned graph autoencoder's predictor.

``ddi`` is the graph that ogbl-ddi's links induce on ``--nodes`` drugs drawn once, split at random
for each seed (10 % validation, 20 % test, as many negatives), Hits@20. Printed: the test metric at
the best validation epoch, in percent, mean and sample standard deviation over the seeds, and each
seed's.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
from collections.abc import Callable

import torch
from torch_geometric.data import Data
from torch_geometric.utils import subgraph

from graphlearn.bench.build import build_model
from graphlearn.bench.recipe import ModelRecipe
from graphlearn.bench.recipe_files import find_recipe
from graphlearn.data import LinkSplit, load_dataset, make_split, random_link_split
from graphlearn.errors import GraphLearnError
from graphlearn.kernels import CSRGraph
from graphlearn.metrics import LinkEvaluator
from graphlearn.nn import LinkModel
from graphlearn.train import LinkTrainer, TrainConfig
from graphlearn.train.evaluate import score_links

FORMS = ("published", "batch counts, mixed", "sound", "no common neighbors")
TESTED_MIXED = "published, tested mixed"
EVALUATION_BATCH = 8192
DDI_BATCH = 4096


def ddi_splits(data_root: str | None, nodes: int) -> Callable[[int], LinkSplit]:
    data = load_dataset("ogbl-ddi", data_root).data
    chosen = torch.randperm(data.num_nodes, generator=torch.Generator().manual_seed(0))[:nodes]
    edges, _ = subgraph(chosen, data.edge_index, relabel_nodes=True, num_nodes=data.num_nodes)
    part = Data(edge_index=edges, num_nodes=nodes)
    return lambda seed: random_link_split(part, seed=seed)


def settings(dataset: str, form: str) -> tuple[ModelRecipe, TrainConfig, str]:
    dataset = "ogbl-ddi" if dataset == "ddi" else dataset
    recipe, _, _ = find_recipe(f"ocn/{dataset}-published")
    assert isinstance(recipe.train, TrainConfig)
    assert recipe.metrics is not None
    assert recipe.model.predictor is not None
    train, predictor = recipe.train, recipe.model.predictor
    if dataset == "ogbl-ddi":  # a part of it: a batch in proportion
        train = dataclasses.replace(train, batch_size=DDI_BATCH)
    if form != "published":
        train = dataclasses.replace(train, negatives_apart=False)
    options = dict(predictor.options)
    if form in ("sound", "no common neighbors"):
        del options["as_published"]
    if form == "no common neighbors":
        options.pop("beta", None)
        predictor = dataclasses.replace(predictor, name="hadamard")
    predictor = dataclasses.replace(predictor, options=options)
    return dataclasses.replace(recipe.model, predictor=predictor), train, recipe.metrics[0]


def tested_mixed(trainer: LinkTrainer, split: LinkSplit, metric: str, seed: int) -> float:
    """Test metric of a trained model, links and non-links in one shuffled order."""
    graph = CSRGraph.from_edge_index(split.data.edge_index, split.data.num_nodes)
    pairs = torch.cat([split.test_pairs, split.test_negatives], dim=1)
    order = torch.randperm(pairs.size(1), generator=torch.Generator().manual_seed(seed))
    scores = torch.empty(pairs.size(1))
    x = split.data.get("x")
    (shuffled,) = score_links(trainer.model, x, graph, [pairs[:, order]], EVALUATION_BATCH)
    scores[order] = shuffled
    links = split.test_pairs.size(1)
    return LinkEvaluator([metric])(scores[:links], scores[links:])[metric]


def run(
    dataset: str, split: LinkSplit, form: str, seed: int, epochs: int | None
) -> dict[str, float]:
    recipe, train, metric = settings(dataset, form)
    if epochs is not None:
        train = dataclasses.replace(train, epochs=epochs)
    x = split.data.get("x")
    model: LinkModel = build_model(
        recipe,
        in_channels=None if x is None else int(x.size(1)),
        num_nodes=int(split.data.num_nodes),
        seed=seed,
    )
    trainer = LinkTrainer(model, split, train, seed=seed, metrics=[metric])
    tested = trainer.fit().test[metric]
    if form == "published":
        return {form: tested, TESTED_MIXED: tested_mixed(trainer, split, metric, seed)}
    if form == "batch counts, mixed":  # in the order of the parts a call may hold links alone
        return {form: tested_mixed(trainer, split, metric, seed)}
    return {form: tested}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("datasets", nargs="+", choices=["cora", "citeseer", "ddi"])
    parser.add_argument("--data-root")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--epochs", type=int, help="by default the recipes'")
    parser.add_argument("--nodes", type=int, default=600)
    parser.add_argument("--forms", nargs="+", default=FORMS, choices=FORMS)
    args = parser.parse_args()
    if args.seeds < 1:
        parser.error(f"--seeds is {args.seeds}: expected 1 or more")
    try:
        study(args)
    except GraphLearnError as error:
        raise SystemExit(f"ocn_leak.py: {error}") from error


def study(args: argparse.Namespace) -> None:
    """Train and test all forms, and print a row for each."""
    for dataset in args.datasets:
        if dataset == "ddi":
            splits = ddi_splits(args.data_root, args.nodes)
        else:
            data = load_dataset(dataset, args.data_root)
            splits = lambda seed, data=data: make_split(data, seed=seed)  # noqa: E731
        figures: dict[str, list[float]] = {}
        for seed in range(args.seeds):
            for form in args.forms:
                for row, value in run(dataset, splits(seed), form, seed, args.epochs).items():
                    figures.setdefault(row, []).append(100 * value)
        for row, values in figures.items():
            spread = statistics.stdev(values) if len(values) > 1 else 0.0
            seeds = " ".join(f"{value:.2f}" for value in values)
            mean = statistics.mean(values)
            print(f"{dataset:9} {row:24} {mean:6.2f} +- {spread:.2f}   {seeds}", flush=True)


if __name__ == "__main__":
    main()
