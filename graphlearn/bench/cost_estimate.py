"""What a run will take in memory and time, from the sizes on a data set's card alone.

Rough, and said to be so: within a factor of three on the machines seen, because caches, other
processes and the shape of the graph are not known beforehand. With N nodes, E undirected links, F
features, width H, L layers, S pairs scored in an evaluation, B examples a batch:

- **memory**: what the data are held as (features 4 N F bytes, a link some 120 bytes as edges both
  ways, sorted rows and training pairs, a scored pair 36), and what training keeps: 12 bytes for
  each of the numbers that layers give, which are (L + 2) N H for one graph and 3 H for each node
  and edge of a batch of graphs, times L; for each pair of a batch 40 H; in a stack 20 to 64 bytes
  for each of those numbers, or 4 where activations are computed again.
- **time**: multiply-adds of the maps (N F H + L N H^2 forward, three times that in training; plain
  propagation has no maps between its layers) and of the messages (2 E H a layer, counted at a fifth
  of the speed, because they wait for memory), once a batch of links, once an epoch of nodes; a pair
  costs H^2 for each of its layers and one more, and with D = 2 E / N common neighbors D rows of H
  more, with those of second order 2 D^2 walks and min(N / 4, D^2) rows, 60 bytes each. Features
  count as dense: sparse ones (Cora's, CiteSeer's) take a small part of that. With sampled
  neighborhoods N and E are those of a batch. Completion doubles the work; matrices in bfloat16
  (``train.autocast``) are 2.7 times as fast on a CPU that has instructions for it. Reading and
  checking come to that: 3 us a link, 0.2 us a feature, 1 us a scored pair; and 2 ms for each step
  on links.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from graphlearn.bench.recipe import ComponentRecipe, Recipe
from graphlearn.bench.stored_features import keeps_features_in_file
from graphlearn.data import DatasetCard
from graphlearn.kernels import multiplies_bfloat16
from graphlearn.store.store_plan import show_bytes
from graphlearn.train import GraphTrainConfig, SampledTrainConfig, TrainConfig

SPEEDS = {"cpu": 8e9, "cuda": 4e12}
"""Multiply-adds a second: of one thread at widths up to 75, and of a GPU."""

_WIDE_ROWS = 75  # wider ones are faster to multiply on a CPU: 24e9 was seen at 224 and 300
_MOST_FASTER = 3
_BFLOAT16_FASTER = 2.7  # a step of ogbl-ddi's wide GraphSAGE, experiments/perf/autocast.py

_MESSAGES = 5  # one of a message takes as long as so many of a map
_COMMON_NEIGHBORS = ("cn", "aa", "ra", "ncn", "ncnc", "ocn", "cnmix")
_SECOND_ORDER = ("ocn", "cnmix")
_KEPT_BY_STACK = {"gcn": 5, "sage": 6, "gcnii": 6, "resgcn+": 16}
"""How many numbers a stack's layer keeps of a row for the way back, for each that it gives."""

_LOOKUP = 100  # multiply-adds that finding one neighbor takes as long as
_WALK = 5  # likewise a step of a walk to those of second order
_ENTRY = 60  # bytes for each of these that a batch keeps


@dataclass(frozen=True)
class CostEstimate:
    """What one seed is thought to take.

    Args:
        memory_bytes: At its largest.
        seconds: For all epochs.

    Example:
        >>> print(CostEstimate(3 << 30, 7200.0))
        about 3.00 GiB and 2.0 h a seed
    """

    memory_bytes: float
    seconds: float

    def __str__(self) -> str:
        return f"about {show_bytes(self.memory_bytes)} and {_show_time(self.seconds)} a seed"


def estimate_cost(recipe: Recipe, card: DatasetCard, *, threads: int = 1) -> CostEstimate | None:
    """Estimate memory and time of one seed of a recipe.

    Args:
        recipe: The recipe.
        card: The card of its data set.
        threads: CPU threads that it computes with.

    Returns:
        The estimate; None where the card does not state the sizes.

    Example:
        >>> from graphlearn.bench.recipe_files import find_recipe
        >>> from graphlearn.data import load_card
        >>> recipe = find_recipe("cn/ogbl-ddi")[0]
        >>> print(estimate_cost(recipe, load_card("ogbl-ddi")))
        about 138 MiB and 7 s a seed
    """
    if card.num_nodes is None or card.num_edges is None:
        return None
    speed = SPEEDS["cuda"] if _on_gpu(recipe) else SPEEDS["cpu"] * threads
    speed *= _faster(recipe)
    make = {"links": _links, "nodes": _nodes, "graphs": _graphs}[recipe.model.task]
    memory, work = make(recipe, card)
    return CostEstimate(memory, _fixed_seconds(recipe, card) + work / speed)


def _fixed_seconds(recipe: Recipe, card: DatasetCard) -> float:
    """What no faster multiplication shortens: reading, checking, and the calls of a step."""
    nodes, edges, features = _sizes(card)
    reading = 3e-6 * edges + 2e-7 * nodes * features + 1e-6 * (card.num_scored or 0)
    if not isinstance(recipe.train, TrainConfig):
        return reading
    return reading + 2e-3 * recipe.train.epochs * math.ceil(edges / recipe.train.batch_size)


def _on_gpu(recipe: Recipe) -> bool:
    return recipe.train is not None and recipe.train.device.startswith("cuda")


def _faster(recipe: Recipe) -> float:
    """How much faster than :data:`SPEEDS` the matrices of a recipe are multiplied."""
    if _on_gpu(recipe):
        return 1.0
    faster = min(_MOST_FASTER, max(1.0, _width(recipe) / _WIDE_ROWS))
    if getattr(recipe.train, "autocast", None) is not None and multiplies_bfloat16("cpu"):
        faster *= _BFLOAT16_FASTER
    return faster


def _links(recipe: Recipe, card: DatasetCard) -> tuple[float, float]:
    nodes, edges, features = _sizes(card)
    scored = card.num_scored or edges // 5
    predictor = recipe.model.predictor
    assert predictor is not None
    encoder = _innermost(recipe.model.encoder)
    width, layers = _width(recipe), int(encoder.get("num_layers", 1))
    degree = 2 * edges / max(1, nodes)
    per_pair = (1.0 + predictor.options.get("num_layers", 1)) * width**2
    second = walks = 0.0
    if predictor.name in _COMMON_NEIGHBORS:
        per_pair += degree * (width + _LOOKUP)
    if predictor.options.get("second_order", predictor.name in _SECOND_ORDER):
        second = min(nodes / 4, degree**2)
        per_pair += second * width
        walks = 2 * degree**2 * _WALK * _faster(recipe)  # wider rows do not speed them up
    data = 4 * nodes * features + 120 * edges + 36 * scored
    if not isinstance(recipe.train, TrainConfig):
        return data, scored * (per_pair + walks)
    maps = 0 if encoder.get("name") == "propagation" else layers * width
    encode = nodes * width * (features + maps) + _MESSAGES * 2 * edges * width * layers
    batch = recipe.train.batch_size * (1 + recipe.train.negatives_per_positive)
    batches = math.ceil(edges / recipe.train.batch_size)
    epochs = recipe.train.epochs
    work = epochs * batches * (3 * (encode + batch * per_pair) + batch * walks)
    work += epochs / recipe.train.evaluate_every * (encode + scored * (per_pair + walks))
    if _completes(predictor):  # scores what neighbors lack, once more
        work *= 2
    held = 12 * (layers + 2) * nodes * width + 40 * batch * width * (1 + min(degree, 16) / 4)
    held += _ENTRY * batch * second
    return data + held, work


def _nodes(recipe: Recipe, card: DatasetCard) -> tuple[float, float]:
    nodes, edges, features = _sizes(card)
    width, layers = _width(recipe), _layers(recipe)
    train: Any = recipe.train
    if isinstance(train, SampledTrainConfig):
        return _sampled(train, card, width, layers)
    forward = nodes * width * (features + 2 * layers * width)
    forward += _MESSAGES * 2 * edges * width * layers
    work = train.epochs * forward * (3 + 1 / train.evaluate_every)
    assert recipe.model.stack is not None
    of_layer = 4.0 * nodes * width * _KEPT_BY_STACK.get(recipe.model.stack.name, 6)
    if train.recompute:  # the rows between layers, and one layer's own
        held = 4.0 * (layers + 2) * nodes * width + of_layer / train.chunks
    else:
        held = (layers + 2) * of_layer
    return 8 * nodes * features + 100 * edges + held, work


def _sampled(
    train: SampledTrainConfig, card: DatasetCard, width: int, layers: int
) -> tuple[float, float]:
    """Batches of as many nodes as their fan-outs ask for, if there are that many."""
    nodes, edges, features = _sizes(card)
    drawn, met = 1.0, 1.0
    for count in train.fan_out:
        drawn *= min(count, 2 * edges / nodes) if count > 0 else 2 * edges / nodes
        met += drawn
    rows = min(float(nodes), met * train.batch_size)
    trained, evaluated = card.num_trained or nodes, card.num_scored or nodes
    a_node = rows / train.batch_size * width * (features + 2 * layers * width + _MESSAGES)
    work = train.epochs * a_node * (3 * trained + evaluated / train.evaluate_every)
    table = 0 if keeps_features_in_file(card) else 8 * nodes * features
    return table + 100 * edges + 12 * (layers + 2) * rows * max(width, features), work


def _graphs(recipe: Recipe, card: DatasetCard) -> tuple[float, float]:
    nodes, edges, features = _sizes(card)
    graphs = card.num_graphs or 1
    width, layers = _width(recipe), _layers(recipe)
    assert isinstance(recipe.train, GraphTrainConfig)
    assert recipe.model.network is not None
    data = 8 * nodes * (features + 1) + 2 * edges * (16 + 8 * (card.num_edge_features or 0))
    rows, messages = float(nodes), 2.0 * edges
    if recipe.model.network.name == "subgraph":  # a row for each pair of a graph's nodes
        rows = nodes * nodes / graphs
        messages = 2 * 2.0 * edges * nodes / graphs
    # Select copies the parts out of the whole.
    share = min(1.0, recipe.train.batch_size / graphs)
    kept = share * 3 * width * layers * (rows + messages / 2)
    forward = layers * (4 * rows * width**2 + _MESSAGES * messages * width)
    return 2 * data + 12 * kept, 3.3 * recipe.train.epochs * forward


def _sizes(card: DatasetCard) -> tuple[int, int, int]:
    assert card.num_nodes is not None
    assert card.num_edges is not None
    return card.num_nodes, card.num_edges, card.num_features or 0


def _innermost(encoder: ComponentRecipe | None) -> dict[str, Any]:
    """Return name and options of the encoder, or of the one that a reweighted encoder holds."""
    if encoder is None:
        return {}
    found: dict[str, Any] = {"name": encoder.name, **encoder.options}
    while isinstance(found.get("encoder"), dict):
        found = found["encoder"]
    return found


def _completes(predictor: ComponentRecipe) -> bool:
    return predictor.name == "ncnc" or bool(predictor.options.get("completion", False))


def _options(recipe: Recipe) -> list[dict[str, Any]]:
    held = [_innermost(recipe.model.encoder)] if recipe.model.encoder is not None else []
    return [*(part.options for part in recipe.model.parts().values()), *held]


def _width(recipe: Recipe) -> int:
    named = [options.get("hidden_channels") for options in _options(recipe)]
    widths = [width for width in named if width is not None]
    if widths:
        return int(max(widths))
    return 64 if recipe.model.is_trained else 0


def _layers(recipe: Recipe) -> int:
    return max([int(options.get("num_layers", 1)) for options in _options(recipe)], default=1)


def _show_time(seconds: float) -> str:
    if seconds < 100:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    hours = seconds / 3600
    return f"{hours:.1f} h" if hours < 48 else f"{hours / 24:.0f} days"
