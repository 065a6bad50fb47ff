"""Which nodes a trained model serves badly, and which measure of their surroundings says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.bench.recipe import Recipe
from graphlearn.bench.run_folder import open_run_folder
from graphlearn.bench.saved_model import CONFIG_NAME, load_model
from graphlearn.bench.split_source import SplitSource
from graphlearn.bench.table import Table
from graphlearn.data import LinkSplit
from graphlearn.errors import DataNotFoundError, InputError
from graphlearn.kernels import CSRGraph
from graphlearn.metrics import (
    Correlation,
    Group,
    Shift,
    grouped_means,
    paired_shift,
    pearson,
    spearman,
)
from graphlearn.topology import (
    approximate_concentration,
    local_clustering,
    mean_resource_allocation,
    node_degree,
    subgraph_density,
    topological_concentration,
)
from graphlearn.train import rank_links
from graphlearn.validate import check_size

PERFORMANCE = ("mrr", "hits@10", "hits@100")
"""Of each node, over the test links it has: mean of one over the rank; share within the first K."""

MEASURES = {
    "tc": "topological concentration over training neighbors",
    "tc_test": "topological concentration over test neighbors",
    "atc": "approximated topological concentration (cosine), training neighbors",
    "degree": "training degree",
    "clustering": "local clustering coefficient",
    "density": "density of the node and its neighbors",
    "resource_allocation": "mean resource allocation with training neighbors",
}
"""Columns of the table that performance is compared with."""

_ALL_PAIRS = 20_000_000  # of sources and candidates: above that candidates are drawn
_DRAWN = 1000


@dataclass(frozen=True, repr=False)
class NodeAnalysis:
    """One row for each node with a test link, and what goes with what.

    Args:
        recipe: What was run.
        seed: Which of its seeds.
        nodes: Column to values: ``node``, ``test_links``, ``candidates``, :data:`PERFORMANCE`,
            :data:`MEASURES`, and ``tc_apart``, see :meth:`shift`.
        hops: K of TC and ATC.
        sampled: Whether candidates were drawn, rather than all nodes.

    Example:
        >>> from graphlearn.bench.recipe import ComponentRecipe, ModelRecipe
        >>> recipe = Recipe("cn", ModelRecipe(ComponentRecipe("cn")), dataset="cora")
        >>> columns = {"node": np.arange(5), "mrr": np.ones(5), "tc": np.arange(5.0)}
        >>> analysis = NodeAnalysis(recipe, 0, columns, 1, False)
        >>> analysis
        NodeAnalysis(cn on cora, seed 0: 5 nodes)
        >>> analysis.worst("mrr", 2)["node"].tolist()
        [0, 1]
    """

    recipe: Recipe
    seed: int
    nodes: Mapping[str, NDArray[Any]]
    hops: int
    sampled: bool

    def correlations(self, metric: str) -> dict[str, tuple[Correlation, Correlation]]:
        """Pearson's and Spearman's correlation of each measure with a metric over the nodes.

        Args:
            metric: One of :data:`PERFORMANCE`.

        Raises:
            InputError: If there are fewer than four nodes.
        """
        values = self.nodes[metric]
        return {
            name: (pearson(self.nodes[name], values), spearman(self.nodes[name], values))
            for name in MEASURES
            if name in self.nodes
        }

    def groups(self, measure: str, metric: str, groups: int = 10) -> list[Group]:
        """Mean performance of nodes grouped by a measure.

        Args:
            measure: One of :data:`MEASURES`.
            metric: One of :data:`PERFORMANCE`.
            groups: Most groups.
        """
        return grouped_means(self.nodes[measure], self.nodes[metric], groups)

    def shift(self) -> Shift:
        """How TC over test neighbors differs from TC over training neighbors, node by node.

        Each training neighbor is left out of the surroundings it is compared with, as a test
        neighbor is anyway; that leaves nothing of a node with one neighbor, so nodes of degree 2 or
        more count.

        Raises:
            InputError: If there are fewer than four.
        """
        several = self.nodes["degree"] >= 2
        return paired_shift(self.nodes["tc_apart"][several], self.nodes["tc_test"][several])

    def worst(self, metric: str, count: int = 20) -> dict[str, NDArray[Any]]:
        """The rows of the nodes served worst; of equals those of the least TC, then the first.

        Args:
            metric: One of :data:`PERFORMANCE`.
            count: How many.
        """
        order = np.lexsort((self.nodes["node"], self.nodes["tc"], self.nodes[metric]))[:count]
        return {name: values[order] for name, values in self.nodes.items()}

    def table(self, metric: str = "mrr") -> Table:
        """The correlations of each measure with a metric, the strongest rank correlation first.

        Args:
            metric: One of :data:`PERFORMANCE`.
        """
        found = self.correlations(metric)
        ordered = sorted(found, key=lambda name: -abs(np.nan_to_num(found[name][1].value)))
        cells = [
            (name, *(_with_interval(one) for one in found[name]), MEASURES[name])
            for name in ordered
        ]
        caption = (
            f"{metric} of {len(self.nodes['node'])} nodes with test links, "
            f"{self.recipe.label}, seed {self.seed}, K = {self.hops}; 95 % confidence intervals."
        )
        return Table(("measure", "Pearson", "Spearman", "what it is"), tuple(cells), caption)

    def __repr__(self) -> str:
        count = len(self.nodes["node"])
        return f"{type(self).__name__}({self.recipe.label}, seed {self.seed}: {count} nodes)"


def analyze_run(
    path: Path | str,
    *,
    hops: int = 1,
    dim: int = 1024,
    num_candidates: int | None = None,
    data_root: Path | str | None = None,
) -> NodeAnalysis:
    """Rank every test link of a trained model from both ends, and measure the nodes it is of.

    A link (i, j) is ranked among the links of i to all nodes that i has no true link with. The
    split is made again from the run's seed.

    Args:
        path: A seed's folder of a run, or a recipe's folder with one finished seed.
        hops: K of TC and ATC.
        dim: Dimensions of ATC.
        num_candidates: How many nodes to draw for each node; None takes all where that is at most
            20 million scores, else draws 1,000.
        data_root: Folder of the data; by default where the run had it.

    Raises:
        DataNotFoundError: If there is no run, it is not finished, or the data are missing.
        InputError: If the run is one on many graphs, which has no scores of links; if the folder
            has several seeds; or if fewer than four nodes have a test link.
    """
    hops, dim = check_size(hops, name="hops"), check_size(dim, name="dim")
    folder, recipe = open_run_folder(path)
    if recipe.model.network is not None:
        raise InputError(
            f"{recipe.label} is a run on many graphs: it holds no scores of nodes' links",
            expected="a run of link prediction",
        )
    seed = _one_seed(path, recipe)
    place = folder.seed(seed)
    if not (place / CONFIG_NAME).is_file():
        raise DataNotFoundError(
            f"{place} holds no trained model",
            expected=f"{CONFIG_NAME} and weights, as a finished seed has them",
            mend=f"finish it with: graphlearn resume {folder.path}",
        )
    noted_root, _ = folder.settings()
    root = data_root if data_root is not None else noted_root
    assert recipe.dataset is not None
    split = SplitSource(recipe.dataset, recipe.split, root).link_split(seed)
    columns, sampled = _rank_nodes(load_model(place), split, num_candidates, seed)
    chosen = columns["node"]
    columns |= {
        name: values[chosen].numpy() for name, values in measure_nodes(split, hops, dim).items()
    }
    return NodeAnalysis(recipe, seed, {k: np.asarray(v) for k, v in columns.items()}, hops, sampled)


def measure_nodes(split: LinkSplit, hops: int, dim: int) -> dict[str, Tensor]:
    """Return every measure of every node, from the training graph.

    Args:
        split: The split.
        hops: K of TC and ATC.
        dim: Dimensions of ATC.

    Shapes:
        - each output: ``[N]``
    """
    graph = CSRGraph.from_edge_index(split.data.edge_index, int(split.data.num_nodes))
    return {
        "tc": topological_concentration(graph, hops=hops),
        # A training neighbor is one of the surroundings and a test neighbor is not: without it the
        # two compare.
        "tc_apart": topological_concentration(graph, hops=hops, leave_out_neighbor=True),
        "tc_test": topological_concentration(graph, split.test_pairs, hops=hops),
        # Cosines: a dot product of projections is noisier by far where neighborhoods are large.
        "atc": approximate_concentration(
            graph, hops=hops, dim=dim, similarity="cosine", seed=0
        ).double(),
        "degree": node_degree(graph),
        "clustering": local_clustering(graph),
        "density": subgraph_density(graph),
        "resource_allocation": mean_resource_allocation(graph),
    }


def _rank_nodes(
    model: torch.nn.Module, split: LinkSplit, num_candidates: int | None, seed: int
) -> tuple[dict[str, Any], bool]:
    """The performance of each node with a test link, and whether candidates were drawn."""
    nodes = int(split.data.num_nodes)
    edges = split.data.edge_index
    both = torch.cat([edges, split.valid_pairs], dim=1) if split.test_uses_valid_edges else edges
    graph = CSRGraph.from_edge_index(both, nodes)
    every = torch.cat([edges, split.valid_pairs, split.test_pairs], dim=1)
    links = torch.cat([split.test_pairs, split.test_pairs.flip(0)], dim=1)
    links = torch.unique(links, dim=1)
    sources, owner, count = torch.unique(links[0], return_inverse=True, return_counts=True)
    if sources.numel() < 4:
        raise InputError(f"{sources.numel()} nodes have a test link", expected="at least 4")
    if num_candidates is None and sources.numel() * nodes > _ALL_PAIRS:
        num_candidates = _DRAWN
    sampled = num_candidates is not None and num_candidates < nodes  # else all are taken
    x = split.data.get("x")
    if getattr(model, "encoder", None) is None:  # a heuristic: the graph is all it reads
        model, x = model.predictor, None  # type: ignore[assignment]
    elif x is not None:
        x = x.to(next(model.parameters()).dtype)
    found = rank_links(
        model,
        x,
        graph,
        links,
        CSRGraph.from_edge_index(every, nodes),
        num_candidates=num_candidates,
        seed=seed,
    )

    def mean(values: Tensor) -> NDArray[Any]:
        total = torch.zeros(sources.numel(), dtype=torch.float64).index_add(0, owner, values)
        result: NDArray[Any] = (total / count).numpy()
        return result

    columns = {
        "node": sources.numpy(),
        "test_links": count.numpy(),
        "candidates": mean(found.candidates.double()),
        "mrr": mean(1 / found.rank),
        "hits@10": mean((found.rank <= 10).double()),
        "hits@100": mean((found.rank <= 100).double()),
    }
    return columns, sampled


def _one_seed(path: Path | str, recipe: Recipe) -> int:
    if len(recipe.seeds) != 1:
        seeds = ", ".join(f"seed-{seed}" for seed in recipe.seeds)
        raise InputError(
            f"{path} has seeds {', '.join(map(str, recipe.seeds))}",
            expected=f"the folder of one: {seeds} inside it",
        )
    return recipe.seeds[0]


def _with_interval(found: Correlation) -> str:
    if np.isnan(found.value):
        return "– (does not vary)"
    return f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
