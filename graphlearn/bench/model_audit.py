"""``graphlearn audit ncn``: build a recipe's model untrained and check its scores' consistency."""

from __future__ import annotations

from pathlib import Path

import torch

from graphlearn.bench.build import build_model
from graphlearn.bench.consistency import ConsistencyReport, audit_predictor
from graphlearn.bench.recipe import Recipe
from graphlearn.bench.split_source import SplitSource
from graphlearn.data import LinkSplit
from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.train.threads import computing_with
from graphlearn.typing import Pairs


def audit_recipe(
    recipe: Recipe,
    *,
    data_root: Path | str | None = None,
    num_pairs: int = 256,
    seed: int = 0,
) -> ConsistencyReport:
    """Check that a recipe's model scores a pair the same whatever stands beside it.

    Weights are random: consistency is a property of the formula, and trained weights could hide a
    dependence by making it small.

    Args:
        recipe: The recipe, with its data set filled in.
        data_root: Folder of the data.
        num_pairs: About how many pairs: links of training and test, and negatives.
        seed: Seed of split, weights and choice of pairs.

    Raises:
        InconsistentScoresError: With the largest difference of each check that failed.
    """
    with computing_with(1):  # batches are small: threads would cost more than they save
        return _audit(recipe, data_root, num_pairs, seed)


def sample_pairs(split: LinkSplit, num_pairs: int, seed: int) -> Pairs:
    """Return training links, test links and negatives, in equal parts, and some that share a node.

    Args:
        split: Where they come from.
        num_pairs: About how many.
        seed: Seed of the choice.
    """
    generator = torch.Generator().manual_seed(seed)
    if num_pairs < 4:
        raise InputError(f"num_pairs is {num_pairs}", expected="an integer >= 4")
    share = num_pairs // 4
    parts = []
    for pairs in (split.train_pairs, split.test_pairs, split.test_negatives.flatten(1)):
        chosen = torch.randperm(pairs.size(1), generator=generator)[:share]
        parts.append(pairs[:, chosen])
    # One source against many targets: kernels share the source's work, and must not show it.
    hub = parts[0][0, 0]
    targets = torch.cat([part[1] for part in parts])
    targets = targets[targets != hub][:share]
    parts.append(torch.stack([hub.expand_as(targets), targets]))
    return torch.cat(parts, dim=1)


def _audit(
    recipe: Recipe, data_root: Path | str | None, num_pairs: int, seed: int
) -> ConsistencyReport:
    assert recipe.dataset is not None
    split = SplitSource(recipe.dataset, recipe.split, data_root).link_split(seed)
    x = split.data.get("x")
    num_nodes = int(split.data.num_nodes)
    graph = CSRGraph.from_edge_index(split.data.edge_index, num_nodes)
    model = build_model(
        recipe.model,
        in_channels=None if x is None else int(x.size(1)),
        num_nodes=num_nodes,
        num_entries=graph.col.numel(),
        seed=seed,
    )
    states = None
    if model.encoder is not None:
        # The encoder sees no pairs, so it is computed once, in float64 as the predictor is.
        model = model.double().eval()
        with torch.no_grad():
            states = model.encode(None if x is None else x.double(), graph)
    pairs = sample_pairs(split, num_pairs, seed)
    return audit_predictor(model.predictor, states, graph, pairs, seed=seed, name=recipe.label)
