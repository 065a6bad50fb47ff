"""What a benchmark run is, as frozen dataclasses: data set, model, training, metrics, seeds."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from graphlearn.bench.labels import shown_name
from graphlearn.errors import InputError
from graphlearn.metrics import TieRule
from graphlearn.pipeline.config import NodeTrainConfig
from graphlearn.train import GraphTrainConfig, SampledTrainConfig, TrainConfig

_GRAPH_NAME = re.compile(r"graph-[0-9a-f]{8}\.safetensors")  # see own_graph.graph_path
# What sets only where and how often a run reports, never what it computes.
_IDLE_TRAIN_FIELDS = frozenset({"checkpoint_seconds", "checkpoint_every"})
_ABSENT = object()

Task = Literal["links", "graphs", "nodes"]
"""What is predicted."""

AnyTrainConfig = TrainConfig | GraphTrainConfig | NodeTrainConfig | SampledTrainConfig


@dataclass(frozen=True)
class ComponentRecipe:
    """A registered class by name, with the options its constructor gets.

    Args:
        name: The registry name, such as ``"ncn"``.
        options: Keyword arguments for the constructor.

    Example:
        >>> ComponentRecipe("ncn", {"dropout": 0.05}).to_mapping()
        {'name': 'ncn', 'dropout': 0.05}
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)

    def to_mapping(self) -> dict[str, Any]:
        """Return the YAML form."""
        return {"name": self.name, **{k: _plain(v) for k, v in self.options.items()}}


@dataclass(frozen=True)
class ModelRecipe:
    """What is trained, by what it predicts.

    For links an encoder and a predictor (heuristics have no encoder), for graphs a network, for the
    nodes of one graph a stack of layers.

    Args:
        predictor: What turns node states into scores.
        encoder: What turns features into node states.
        network: What turns graphs, or sets, into predictions; then there is none of the others.
        stack: A deep network, layer after layer, that turns a graph's features into a class of each
            node; then there is none of the others.

    Raises:
        InputError: If there is none of predictor, network and stack, or one too many.

    Example:
        >>> ModelRecipe(ComponentRecipe("cn")).encoder is None
        True
    """

    predictor: ComponentRecipe | None = None
    encoder: ComponentRecipe | None = None
    network: ComponentRecipe | None = None
    stack: ComponentRecipe | None = None

    def __post_init__(self) -> None:
        parts = self.parts()
        given = [kind for kind in ("predictor", "network", "stack") if kind in parts]
        if len(given) != 1:
            raise InputError(
                f"model has a {' and a '.join(given)}"
                if given
                else "model has neither predictor nor network nor stack",
                expected="a predictor for links, a network for graphs, or a stack for nodes",
            )
        if self.encoder is not None and self.predictor is None:
            raise InputError(
                f"model has a {given[0]} and an encoder", expected=f"the {given[0]} alone"
            )

    def parts(self) -> dict[str, ComponentRecipe]:
        """Kind to component, of those that are there."""
        kinds = ("encoder", "predictor", "network", "stack")
        found = {kind: getattr(self, kind) for kind in kinds}
        return {kind: part for kind, part in found.items() if part is not None}

    @property
    def task(self) -> Task:
        """What it predicts."""
        if self.stack is not None:
            return "nodes"
        return "links" if self.network is None else "graphs"

    @property
    def is_trained(self) -> bool:
        """Whether it has weights to train: all but heuristics have."""
        return self.encoder is not None or self.predictor is None


TRAIN_CONFIGS: dict[Task, type[TrainConfig | GraphTrainConfig | NodeTrainConfig]] = {
    "links": TrainConfig,
    "graphs": GraphTrainConfig,
    "nodes": NodeTrainConfig,
}
"""The training settings that go with each task."""


def train_config(task: Task, train: Any) -> type[AnyTrainConfig]:
    """Return the class of the settings that a recipe's ``train`` means.

    Nodes are trained on the whole graph, or where ``fan_out`` is named on sampled neighborhoods.

    Args:
        task: What is predicted.
        train: The mapping, if there is one.

    Example:
        >>> train_config("nodes", {"fan_out": [10, 5]}).__name__
        'SampledTrainConfig'
    """
    if task == "nodes" and isinstance(train, dict) and "fan_out" in train:
        return SampledTrainConfig
    return TRAIN_CONFIGS[task]


@dataclass(frozen=True)
class Published:
    """A published figure as the papers print it: shares in percent, errors as they are.

    Args:
        metric: The metric's name here, such as ``"hits@100"``.
        value: The mean; a share in percent.
        source: Where it stands.
        std: Its standard deviation, likewise.
        runs: How many runs it is over.

    Example:
        >>> Published("hits@100", 89.05, "arXiv 2302.00890, table 2", std=0.96, runs=10).value
        89.05
    """

    metric: str
    value: float
    source: str
    std: float | None = None
    runs: int | None = None


@dataclass(frozen=True)
class SplitRecipe:
    """How the links are split, where a recipe departs from the data set's card.

    Args:
        valid_ratio: Share of validation links of a random split; ``None`` for the card's rule.
        test_ratio: Share of test links of a random split; ``None`` for the card's rule.
        test_uses_valid_edges: Whether validation links join the graph at test time; ``None`` for
            the card's rule.

    Raises:
        InputError: If only one ratio is given, or they leave nothing to train on.

    Example:
        >>> SplitRecipe(valid_ratio=0.1, test_ratio=0.2).is_random
        True
    """

    valid_ratio: float | None = None
    test_ratio: float | None = None
    test_uses_valid_edges: bool | None = None

    def __post_init__(self) -> None:
        if (self.valid_ratio is None) != (self.test_ratio is None):
            raise InputError(
                f"split has valid_ratio {self.valid_ratio} and test_ratio {self.test_ratio}",
                expected="both or neither",
            )
        if self.valid_ratio is not None and self.test_ratio is not None:
            total = self.valid_ratio + self.test_ratio
            if min(self.valid_ratio, self.test_ratio) <= 0 or total >= 1:
                raise InputError(
                    f"split ratios are {self.valid_ratio} and {self.test_ratio}",
                    expected="positive shares that add up to less than 1",
                )

    @property
    def is_random(self) -> bool:
        """Whether the recipe asks for a random split whatever the card says."""
        return self.valid_ratio is not None


@dataclass(frozen=True)
class Recipe:
    """Everything that decides a run's result, and what it is compared with.

    Args:
        name: Short name: the row's label in tables and the stem of run folders.
        model: Encoder and predictor, network, or stack.
        dataset: A data set's name, the path of an edge list, or ``None`` to be filled in.
        train: Training settings; ``None`` for heuristics, which are not trained.
        metrics: Metrics by name, the first picks the best epoch; ``None`` for the card's.
        seeds: The seeds, each a split and a run of its own.
        ties: The rule for equal scores in ranking metrics.
        split: Departures from the data set's split rule.
        title: A sentence for reports.
        published: The figure to compare with.
        swept: The keys by which it differs from the other recipes of a sweep, such as
            ``("train.batch_size",)``; tables show them with their values.

    Raises:
        InputError: If name, seeds or metrics are unusable, a heuristic has training settings, or
            a swept key has no value here.

    Example:
        >>> recipe = Recipe("cn", ModelRecipe(ComponentRecipe("cn")), dataset="cora")
        >>> recipe.seeds, len(recipe.digest())
        ((0,), 64)
    """

    name: str
    model: ModelRecipe
    dataset: str | None = None
    train: AnyTrainConfig | None = None
    metrics: tuple[str, ...] | None = None
    seeds: tuple[int, ...] = (0,)
    ties: TieRule = "pessimistic"
    split: SplitRecipe = field(default_factory=SplitRecipe)
    title: str = ""
    published: Published | None = None
    swept: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._+-]*", self.name):
            raise InputError(
                f"recipe name is {self.name!r}", expected="letters, digits, '.', '_', '+' or '-'"
            )
        if not self.seeds or min(self.seeds) < 0 or len(set(self.seeds)) != len(self.seeds):
            raise InputError(
                f"seeds are {list(self.seeds)}", expected="distinct integers >= 0, at least one"
            )
        if self.metrics is not None and (
            not self.metrics or len(set(self.metrics)) != len(self.metrics)
        ):
            raise InputError(
                f"metrics are {list(self.metrics)}", expected="distinct names, at least one"
            )
        if not self.model.is_trained and self.train is not None:
            raise InputError(
                f"recipe {self.name!r} has training settings but no encoder",
                expected="an encoder, or a heuristic without 'train'",
            )
        if self.model.task != "links" and self.split != SplitRecipe():
            kind = "network" if self.model.task == "graphs" else "stack"
            raise InputError(
                f"recipe {self.name!r} has a {kind} and a split of links",
                expected="the split that the data set comes with",
            )
        absent = [key for key in self.swept if key not in self.swept_values]
        if absent:
            raise InputError(
                f"swept names {absent[0]!r}, which has no value in recipe {self.name!r}",
                expected="keys of the recipe, such as train.batch_size",
            )

    @property
    def swept_values(self) -> dict[str, Any]:
        """The value of each key by which it differs from the others of its sweep."""
        if not self.swept:
            return {}
        mapping = self.to_mapping()
        found = {key: _value_at({**mapping["model"], **mapping}, key) for key in self.swept}
        return {key: value for key, value in found.items() if value is not _ABSENT}

    @property
    def shown_name(self) -> str:
        """``"ncn"``, or of a sweep ``"ncn (batch_size=512)"``."""
        return shown_name(self.name, self.swept_values)

    @property
    def label(self) -> str:
        """``"ncn on cora"``, for messages and titles."""
        return f"{self.shown_name} on {self.dataset_label}"

    @property
    def dataset_label(self) -> str:
        """The data set's name, or the file's stem where the data set is a path."""
        dataset = self.dataset or "no data set"
        return re.sub(
            r"(\.(csv|tsv|txt|gz|parquet|mat|safetensors|edges))+$", "", dataset.rsplit("/", 1)[-1]
        )

    def to_mapping(self, *, full: bool = True) -> dict[str, Any]:
        """Return the YAML form.

        Args:
            full: Write every training setting; otherwise only those that are not the default.
        """
        model = {kind: part.to_mapping() for kind, part in self.model.parts().items()}
        mapping: dict[str, Any] = {"name": self.name}
        if self.title:
            mapping["title"] = self.title
        mapping["dataset"] = self.dataset
        mapping["model"] = model
        if self.train is not None:
            mapping["train"] = _fields(self.train, full=full)
        if self.metrics is not None:
            mapping["metrics"] = list(self.metrics)
        mapping["ties"] = self.ties
        mapping["seeds"] = list(self.seeds)
        split = _fields(self.split, full=False)
        if split:
            mapping["split"] = split
        if self.published is not None:
            mapping["published"] = _fields(self.published, full=True)
        if self.swept:
            mapping["swept"] = list(self.swept)
        return mapping

    def digest(self) -> str:
        """Return the sha256 of all that decides a seed's result, and of nothing else.

        Names, titles, seeds and published figures may change without making a finished seed
        unfinished; so may a setting written out at its default.
        """
        mapping = self.to_mapping(full=False)
        for label in ("name", "title", "seeds", "published", "swept"):
            mapping.pop(label, None)
        for idle in _IDLE_TRAIN_FIELDS:
            mapping.get("train", {}).pop(idle, None)
        dataset = Path(str(mapping.get("dataset")))
        if _GRAPH_NAME.fullmatch(dataset.name):  # named by its content: where it lies is no matter
            mapping["dataset"] = dataset.name
        text = json.dumps(mapping, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def _fields(config: Any, *, full: bool) -> dict[str, Any]:
    values = {}
    for entry in dataclasses.fields(config):
        value = getattr(config, entry.name)
        if full or entry.default is dataclasses.MISSING or value != entry.default:
            values[entry.name] = _plain(value)
    return values


def _plain(value: Any) -> Any:
    return [_plain(v) for v in value] if isinstance(value, (tuple, list)) else value


def _value_at(mapping: Any, key: str) -> Any:
    """The value at a dotted key, or ``_ABSENT``."""
    for part in key.split("."):
        if not isinstance(mapping, dict) or part not in mapping:
            return _ABSENT
        mapping = mapping[part]
    return mapping
