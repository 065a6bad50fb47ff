"""What a data set is for: links, nodes or graphs; and the metrics that go with each."""

from __future__ import annotations

from pathlib import Path

from graphlearn.bench.recipe import Task
from graphlearn.data import dataset_names, load_card
from graphlearn.data.card import GRAPH_READERS, NODE_READERS, PAIR_READERS
from graphlearn.errors import InputError
from graphlearn.metrics import LinkEvaluator, PredictionEvaluator, TieRule
from graphlearn.pipeline.node_scores import check_node_metrics

OWN_METRICS = ("auc", "ap", "mrr")
"""Metrics for a user's own graph: defined for any number of negatives, unlike Hits@K."""

NODE_METRICS = ("accuracy",)
"""Metrics of a recipe that classifies nodes and names none."""

_FILE_SUFFIXES = {".csv", ".tsv", ".txt", ".gz", ".parquet", ".edges", ".mat", ".safetensors"}


def is_file_dataset(dataset: str) -> bool:
    """Whether ``dataset`` names a file rather than a data set with a card.

    Example:
        >>> is_file_dataset("links.csv"), is_file_dataset("cora")
        (True, False)
    """
    if dataset in dataset_names():
        return False
    path = Path(dataset)
    return path.suffix.lower() in _FILE_SUFFIXES or "/" in dataset or path.is_file()


def is_graph_dataset(dataset: str) -> bool:
    """Whether ``dataset`` names a data set of many graphs, rather than one for link prediction.

    Example:
        >>> is_graph_dataset("second-minimum"), is_graph_dataset("cora")
        (True, False)
    """
    return dataset in dataset_names() and load_card(dataset).reader in GRAPH_READERS


def default_task(dataset: str) -> Task:
    """What a data set is for, where nothing says what is to be predicted: links before nodes.

    Raises:
        UnknownNameError: If there is no such data set; offers the nearest.

    Example:
        >>> [default_task(name) for name in ("cora", "mutag", "squirrel-filtered")]
        ['links', 'graphs', 'nodes']
    """
    if is_graph_dataset(dataset):
        return "graphs"
    of_nodes = not is_file_dataset(dataset) and load_card(dataset).reader in NODE_READERS
    return "nodes" if of_nodes else "links"


def check_task(dataset: str, task: Task, who: str = "") -> None:
    """Raise unless a data set is one for the task.

    Args:
        dataset: A data set's name, or the path of an edge list.
        task: What is to be predicted.
        who: What is to run on it, for the error text.

    Raises:
        UnknownNameError: If there is no such data set; offers the nearest.
        InputError: If it is one for others.

    Example:
        >>> check_task("cora", "nodes")
        >>> check_task("cora", "links")
    """
    if is_file_dataset(dataset):
        tasks: dict[Task, bool] = {"links": True}
    else:
        card = load_card(dataset)
        is_one = card.reader not in (*GRAPH_READERS, *PAIR_READERS)
        tasks = {
            "graphs": card.reader in GRAPH_READERS,
            "nodes": card.node_split is not None,
            "links": is_one and card.reader not in NODE_READERS,
        }
    if tasks.get(task):
        return
    words: dict[Task, tuple[str, str]] = {
        "links": ("one graph, for link prediction", "a predictor"),
        "graphs": ("many graphs", "a network"),
        "nodes": ("one graph, for the classes of its nodes", "a stack"),
    }
    fitting = [name for name, fits in tasks.items() if fits]
    if not fitting:
        raise InputError(
            f"{dataset} is a data set of pairs of graphs to tell apart",
            expected="one to train and test on",
            mend="read it with graphlearn.data.load_graph_pairs",
        )
    raise InputError(
        f"{who or f'a model with {words[task][1]}'} cannot run on {dataset}, which is "
        + ", or ".join(words[name][0] for name in fitting),
        expected=f"a recipe with {' or '.join(words[name][1] for name in fitting)}",
    )


def check_metrics(task: Task, metrics: tuple[str, ...], ties: TieRule = "pessimistic") -> None:
    """Raise unless every metric is one for the task.

    Raises:
        UnknownNameError: If a metric is not known there.
        InputError: If one is named twice.
    """
    if task == "graphs":
        PredictionEvaluator(metrics)
    elif task == "nodes":
        check_node_metrics(metrics)
    else:
        LinkEvaluator(metrics, ties=ties)


def default_metrics(dataset: str, task: Task) -> tuple[str, ...]:
    """Return the metrics of a recipe that names none: the card's, or those for a user's own graph.

    Raises:
        UnknownNameError: If there is no such data set; offers the nearest.

    Example:
        >>> default_metrics("cora", "links"), default_metrics("cora", "nodes")
        (('hits@100',), ('accuracy',))
    """
    if task == "nodes":
        return NODE_METRICS
    return OWN_METRICS if is_file_dataset(dataset) else (load_card(dataset).metric,)
