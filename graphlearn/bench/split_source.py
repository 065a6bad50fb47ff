"""A recipe's data set: read once, split for each seed, audited before anything is trained on it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from torch_geometric.data import Data

from graphlearn.bench.recipe import Recipe, SplitRecipe, Task
from graphlearn.bench.recipe_files import model_names, recipe_names
from graphlearn.bench.stored_features import keeps_features_in_file, load_large_dataset
from graphlearn.bench.tasks import check_metrics, check_task, default_task, is_file_dataset
from graphlearn.data import (
    Dataset,
    GraphSplit,
    LinkSplit,
    NodeSplit,
    audit_split,
    dataset_names,
    load_card,
    load_dataset,
    load_graph_split,
    make_node_split,
    make_split,
    random_link_split,
    read_edge_list,
    read_graph,
    read_seal_mat,
)
from graphlearn.errors import InputError
from graphlearn.metrics import LinkEvaluator, TieRule
from graphlearn.registry import unknown_name
from graphlearn.train import check_metrics_fit

AnySplit = LinkSplit | GraphSplit | NodeSplit

_READERS: dict[str, Callable[[Path], Data]] = {
    ".mat": read_seal_mat,
    ".safetensors": read_graph,
}


def is_split_target(what: str) -> bool:
    """Whether ``what`` is a data set or edge list, rather than a model or recipe.

    Example:
        >>> [is_split_target(w) for w in ("cora", "links.csv", "ncn", "ncn/cora", "my/recipe.yaml")]
        [True, True, False, False, False]
    """
    if what in dataset_names():
        return True
    if what.partition("/")[0] in model_names() and not Path(what).exists():
        return False
    return (
        not what.endswith((".yaml", ".yml"))
        and what not in recipe_names()
        and (is_file_dataset(what))
    )


def refuse_unknown_target(what: str) -> None:
    """Raise for a word that is neither data set nor model nor recipe, offering the nearest of all.

    Raises:
        UnknownNameError: If a plain word is none of them.
    """
    folder, slash, _ = what.partition("/")
    if slash and folder in model_names() and not Path(what).exists():
        if what not in recipe_names():
            raise unknown_name("recipe", what, recipe_names())
        return
    known = [*dataset_names(), *model_names()]
    is_path = what.endswith((".yaml", ".yml")) or is_file_dataset(what)
    if what not in known and not is_path:
        raise unknown_name("dataset or model", what, known)


class SplitSource:
    """Makes the splits of one data set.

    Args:
        dataset: A data set's name, or the path of an edge list, ``.mat`` or ``.safetensors`` file.
        split: Departures from the card's rule.
        data_root: Folder of the data; see :func:`graphlearn.data.load_dataset`.
        task: What is to be predicted; by default that of the data set, links before nodes.

    Example:
        >>> SplitSource("digits-knn").audited_split(0).seed
        0
        >>> SplitSource("digits-knn", task="nodes").audited_split(3)
        NodeSplit(random(0.1,0.1), seed=3, nodes=1797, classes=10, train=179, valid=179, test=1439)
    """

    def __init__(
        self,
        dataset: str,
        split: SplitRecipe | None = None,
        data_root: Path | str | None = None,
        task: Task | None = None,
    ) -> None:
        self.dataset, self.split, self.data_root = dataset, split or SplitRecipe(), data_root
        self.task: Task = task or default_task(dataset)
        self._read: Dataset | None = None
        self._last: tuple[int, AnySplit] | None = None
        self._sound: LinkSplit | None = None

    def make(self, seed: int) -> AnySplit:
        """Return the split of ``seed``; official splits are the same for every seed.

        Raises:
            UnknownNameError: If there is no such data set.
            DataNotFoundError: If its files are missing.
            InputError: If its files or the split's ratios are unusable.
        """
        # A split without a seed was not drawn, and is the same for every seed.
        if self._last is not None and (self._last[0] == seed or self._last[1].seed is None):
            return self._last[1]
        split = self._make(seed)
        if isinstance(split, LinkSplit) and self.split.test_uses_valid_edges is not None:
            split = dataclasses.replace(
                split, test_uses_valid_edges=self.split.test_uses_valid_edges
            )
        self._last = (seed, split)
        return split

    def audited_split(
        self, seed: int, metrics: tuple[str, ...] = (), ties: TieRule = "pessimistic"
    ) -> AnySplit:
        """Return the split of ``seed`` once it is known to be sound and large enough to score.

        Raises:
            LeakError: If parts of the split overlap.
            InputError: If a metric cannot be computed on it (too few negatives for K).
            UnknownNameError: If a metric is not known.
        """
        if metrics:
            check_metrics(self.task, metrics, ties)
        split = self.make(seed)
        if isinstance(split, NodeSplit):
            return split  # refused overlapping parts when it was made
        if isinstance(split, GraphSplit):
            if metrics:
                check_metrics_fit(metrics, split.objective)
            return split  # its parts are graphs of their own
        evaluator = LinkEvaluator(metrics, ties=ties) if metrics else None
        if split is not self._sound:
            audit_split(split).raise_for_leaks()
            self._sound = split
        if evaluator is not None:
            for pairs, negatives in (
                (split.valid_pairs, split.valid_negatives),
                (split.test_pairs, split.test_negatives),
            ):
                # Scores are not there yet, but their number is, and that is what can be wrong.
                evaluator(pairs[0].double(), negatives[0].double())
        return split

    def link_split(self, seed: int) -> LinkSplit:
        """Return :meth:`audited_split` of a data set for link prediction.

        Raises:
            InputError: If it is one of many graphs, or of nodes to classify.
        """
        split = self.audited_split(seed)
        if not isinstance(split, LinkSplit):
            what = "many graphs" if isinstance(split, GraphSplit) else "nodes to classify"
            raise InputError(
                f"{self.dataset} is a data set of {what}",
                expected="one for link prediction, whose split and scores can be audited",
            )
        return split

    def _make(self, seed: int) -> AnySplit:
        check_task(self.dataset, self.task)
        if self.task == "graphs":
            return load_graph_split(self.dataset, self.data_root, seed=seed)
        if is_file_dataset(self.dataset):
            ratios = self.split if self.split.is_random else SplitRecipe(0.1, 0.2)
            return _random(self._graph_of_file(), ratios, seed)
        dataset = self._dataset()
        if self.task == "nodes":
            return make_node_split(dataset, seed)
        if self.split.is_random:
            return _random(dataset.data, self.split, seed)
        return make_split(dataset, seed)

    def graph(self) -> Data:
        """Return the whole graph, validation and test links among the others.

        Raises:
            UnknownNameError: If there is no such data set.
            DataNotFoundError: If its files are missing.
            InputError: If its files are unusable, or it is no graph to predict links of.
        """
        check_task(self.dataset, "links")
        if is_file_dataset(self.dataset):
            return self._graph_of_file()
        return self._dataset().data

    def _graph_of_file(self) -> Data:
        path = Path(self.dataset).expanduser()
        return _READERS.get(path.suffix.lower(), read_edge_list)(path)

    def _dataset(self) -> Dataset:
        if self._read is None:
            large = self.task == "nodes" and keeps_features_in_file(load_card(self.dataset))
            load = load_large_dataset if large else load_dataset
            self._read = load(self.dataset, self.data_root)
        return self._read

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.dataset!r})"


def _random(data: object, ratios: SplitRecipe, seed: int) -> LinkSplit:
    assert ratios.valid_ratio is not None
    assert ratios.test_ratio is not None
    return random_link_split(
        data, valid_ratio=ratios.valid_ratio, test_ratio=ratios.test_ratio, seed=seed
    )


class SplitSources:
    """The sources of several recipes: each data set is read once.

    Example:
        >>> from graphlearn.bench.recipe_yaml import recipe_from_text
        >>> recipe = recipe_from_text("{name: cn, dataset: digits-knn, model: {predictor: cn}}")
        >>> sources = SplitSources()
        >>> sources.of(recipe, None) is sources.of(recipe, None)
        True
    """

    def __init__(self) -> None:
        self._known: dict[object, SplitSource] = {}

    def of(self, recipe: Recipe, data_root: Path | str | None) -> SplitSource:
        """The source of a recipe whose data set is filled in."""
        assert recipe.dataset is not None
        task = recipe.model.task
        key = (recipe.dataset, recipe.split, task, str(data_root))
        if key not in self._known:
            self._known[key] = SplitSource(recipe.dataset, recipe.split, data_root, task)
        return self._known[key]
