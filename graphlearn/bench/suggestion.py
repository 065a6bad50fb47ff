"""A recipe for a graph that nobody tuned one for, from its number of nodes, links and features."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch_geometric.data import Data

from graphlearn.bench.recipe import Recipe
from graphlearn.bench.recipe_yaml import recipe_from_document, recipe_text
from graphlearn.bench.yaml_lines import YamlDocument
from graphlearn.data import from_pyg
from graphlearn.errors import InputError
from graphlearn.kernels import CSRGraph
from graphlearn.registry import unknown_name
from graphlearn.validate import check_num_nodes

SUGGESTED_MODELS = ("cnmix", "gae")
"""Models that :func:`suggest_recipe` knows defaults for."""

_TRAINING_SHARE = 0.8  # about: .7 and .81 are usual
_FEWEST_LINKS = 10
_HELD_OUT = 0.3  # at most, of the rules in use


@dataclass(frozen=True)
class GraphStatistics:
    """What the defaults are chosen from: sizes alone, of the whole graph.

    Links held out for validation and test are counted too, as they are in a paper's description of
    its data; which they are, or what they link, nothing here sees.

    Args:
        num_nodes: Number of nodes.
        num_links: Number of distinct undirected links.
        num_features: Number of features a node; 0 for none.

    Raises:
        InputTypeError: If one is no integer.
        InputError: If one is negative, there are no nodes, fewer than ten links, or too few pairs
            that are not linked.

    Example:
        >>> GraphStatistics(332, 2126).mean_degree
        12.80722891566265
    """

    num_nodes: int
    num_links: int
    num_features: int = 0

    def __post_init__(self) -> None:
        for name, least in (("num_nodes", 1), ("num_links", 0), ("num_features", 0)):
            check_num_nodes(getattr(self, name), name=name)
            if getattr(self, name) < least:
                raise InputError(f"{name} is {getattr(self, name)}", expected=f"at least {least}")
        if self.num_links < _FEWEST_LINKS:
            raise InputError(
                f"the graph has {self.num_links} link{'s' * (self.num_links != 1)}",
                expected=f"at least {_FEWEST_LINKS}, to divide into training, validation and test",
            )
        unlinked = self.num_nodes * (self.num_nodes - 1) // 2 - self.num_links
        if unlinked < _HELD_OUT * self.num_links:
            raise InputError(
                f"the graph's {self.num_links:,} links leave {max(0, unlinked):,} pairs of its "
                f"{self.num_nodes:,} nodes unlinked",
                expected="about as many as links that are held out to be told from them, "
                f"{_HELD_OUT:.0%} of all",
            )

    @classmethod
    def of(cls, data: Data) -> GraphStatistics:
        """Return those of a graph."""
        data = from_pyg(data)
        x = data.get("x")
        graph = CSRGraph.from_edge_index(data.edge_index, data.num_nodes)
        return cls(graph.num_nodes, graph.num_edges, 0 if x is None else int(x.size(1)))

    @property
    def mean_degree(self) -> float:
        """Mean number of neighbors."""
        return 2 * self.num_links / self.num_nodes


@dataclass(frozen=True)
class Suggestion:
    """A recipe, and why it is as it is.

    Args:
        recipe: The recipe; its data set is still to be named.
        reasons: One sentence for each choice that the graph decided.

    Example:
        >>> print(suggest_recipe(GraphStatistics(332, 2126)).reasons[1])
        no features: neighborhoods are not completed
    """

    recipe: Recipe
    reasons: tuple[str, ...]

    def text(self) -> str:
        """Return the recipe's YAML, the reasons above it as comments."""
        notes = "".join(f"# {reason}\n" for reason in self.reasons)
        return notes + recipe_text(self.recipe, full=False)


def suggest_recipe(
    statistics: GraphStatistics | Data, model: str = "cnmix", *, dataset: str | None = None
) -> Suggestion:
    """Return a recipe for link prediction that needs no tuning.

    The rules for graphs without features were found on the validation parts of SEAL's graphs;
    ``experiments/results/seal.md`` has what they give. Those for features are in the manner of the
    recipes of Cora and CiteSeer, with rounder numbers; ``experiments/results/beyond.md`` has what
    they give on Cora, and no other graph with features was measured.

    Args:
        statistics: Those of the graph, or the graph.
        model: One of :data:`SUGGESTED_MODELS`.
        dataset: Its name, or the path of its file.

    Raises:
        UnknownNameError: For another model; offers the nearest.
        InputError: If the graph has too few links to divide.

    Example:
        >>> suggestion = suggest_recipe(GraphStatistics(332, 2126), dataset="usair")
        >>> suggestion.recipe.label, suggestion.recipe.train.batch_size
        ('cnmix on usair', 64)
    """
    if model not in SUGGESTED_MODELS:
        raise unknown_name("model with defaults", model, SUGGESTED_MODELS)
    known = (
        statistics if isinstance(statistics, GraphStatistics) else GraphStatistics.of(statistics)
    )
    reasons: list[str] = []
    encoder = _encoder(known, reasons)
    predictor: dict[str, Any] = {
        "name": "cnmix" if model == "cnmix" else "hadamard",
        "hidden_channels": encoder["hidden_channels"],
        "dropout": 0.4,
        "layer_norm": True,
    }
    if model == "cnmix":
        _neighborhoods(known, predictor, reasons)
    document: dict[str, Any] = {
        "name": model,
        "title": f"{model}, defaults for a graph of {known.num_nodes:,} nodes and "
        f"{known.num_links:,} links",
        "dataset": dataset,
        "model": {"encoder": encoder, "predictor": predictor},
        "train": _training(known, reasons),
    }
    recipe = recipe_from_document(YamlDocument(document, "defaults"))
    return Suggestion(recipe, tuple(reasons))


def _encoder(known: GraphStatistics, reasons: list[str]) -> dict[str, Any]:
    encoder: dict[str, Any] = {"name": "propagation"}
    if known.num_features:
        reasons.append(
            f"{known.num_features:,} features: half of them dropped in training, mapped to 256 "
            "numbers"
        )
        return encoder | {
            "normalization": "gcn",
            "hidden_channels": 256,
            "feature_dropout": 0.5,
            "dropout": 0.3,
            "output_dropout": 0.3,
            "jumping_knowledge": True,
        }
    width = _power_of_two(1.4 * math.sqrt(known.num_links), 32, 128)
    reasons.append(
        f"no features, {known.num_links:,} links: every node has a learned vector of {width} "
        "numbers, of which most are dropped in training, averaged over neighbors twice"
    )
    return encoder | {
        "normalization": "mean",
        "num_layers": 2,
        "hidden_channels": width,
        "dropout": 0.6,
        "output_dropout": 0.1,
        "jumping_knowledge": True,
    }


def _neighborhoods(known: GraphStatistics, predictor: dict[str, Any], reasons: list[str]) -> None:
    predictor["completion"] = False
    if not known.num_features:
        reasons.append("no features: neighborhoods are not completed")
        return
    # experiments/results/beyond.md, What each part gives
    predictor["second_order"] = False
    reasons.append(
        "neighborhoods are neither completed nor of second order: beside features the validation "
        "parts of Cora and CiteSeer do without both"
    )


def _training(known: GraphStatistics, reasons: list[str]) -> dict[str, Any]:
    # Vectors of the nodes' own take more steps to learn than a map of features.
    parts, steps = (16, 1280) if known.num_features else (32, 2048)
    size = _power_of_two(known.num_links / parts, 1, 16384)
    batches = max(1, math.ceil(_TRAINING_SHARE * known.num_links / size))
    epochs = min(200, max(30, round(steps / batches)))
    reasons.append(
        f"batches of {size:,} link{'s' * (size != 1)}, so that few leave the graph while they "
        f"are scored; {epochs} epochs of about {batches}"
    )
    return {
        "epochs": epochs,
        "batch_size": size,
        "encoder_learning_rate": 0.003,
        "predictor_learning_rate": 0.006,
        "weight_averaging": 0.98,
    }


def _power_of_two(value: float, low: int, high: int) -> int:
    """The nearest power of two on a logarithmic scale, within bounds.

    Example:
        >>> _power_of_two(46.1, 32, 128), _power_of_two(3.0, 32, 128)
        (64, 32)
    """
    return min(high, max(low, int(2 ** round(math.log2(max(value, 1.0))))))
