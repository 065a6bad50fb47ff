from __future__ import annotations

import pytest

from graphlearn.bench.recipe import Task
from graphlearn.bench.tasks import (
    OWN_METRICS,
    check_metrics,
    check_task,
    default_metrics,
    default_task,
    is_file_dataset,
    is_graph_dataset,
)
from graphlearn.errors import InputError, UnknownNameError


@pytest.mark.parametrize(
    ("what", "is_file"),
    [
        ("cora", False),
        ("links.txt.gz", True),
        ("some/folder", True),
        ("ncn", False),
        ("ncn/cora", True),
        ("corra", False),
    ],
)
def test_a_path_is_no_name(what: str, is_file: bool) -> None:
    assert is_file_dataset(what) == is_file


def test_a_recipe_that_names_no_metrics_has_those_of_the_card_or_the_task() -> None:
    assert default_metrics("ogbl-ddi", "links") == ("hits@20",)
    assert default_metrics("second-minimum", "graphs") == ("all-bits",)
    assert default_metrics("cora", "nodes") == ("accuracy",)
    assert default_metrics("a/b.csv", "links") == OWN_METRICS


def test_metrics_are_checked_by_the_task() -> None:
    check_metrics("graphs", ("mae", "mse"))
    check_metrics("links", ("auc",))
    check_metrics("nodes", ("accuracy", "cross-entropy"))
    wrong: list[tuple[Task, str]] = [("graphs", "mrr"), ("links", "mae"), ("nodes", "auc")]
    for task, metric in wrong:
        with pytest.raises(UnknownNameError):
            check_metrics(task, (metric,))
    with pytest.raises(InputError, match="accuracy"):
        check_metrics("nodes", ("accuracy", "accuracy"))


def test_what_a_data_set_is_for() -> None:
    assert [is_graph_dataset(name) for name in ("second-minimum", "cora", "my.csv")] == [
        True,
        False,
        False,
    ]
    names = ("cora", "digits-knn", "my.csv", "mutag", "squirrel-filtered")
    assert [default_task(name) for name in names] == ["links"] * 3 + ["graphs", "nodes"]
    for name in ("cora", "digits-knn"):
        check_task(name, "links")
        check_task(name, "nodes")
    with pytest.raises(UnknownNameError, match="did you mean 'cora'"):
        default_task("corra")


@pytest.mark.parametrize(
    ("dataset", "task", "text"),
    [
        (
            "cora",
            "graphs",
            "a network cannot run on cora.*classes of its nodes, or one.*link",
        ),
        (
            "my.csv",
            "nodes",
            "a stack cannot run on my.csv, which is one graph.*predictor",
        ),
        ("mutag", "links", "a predictor cannot run on mutag, which is many graphs.*a network"),
        ("squirrel-filtered", "links", "classes of its nodes: expected a recipe with a stack"),
        ("usair", "nodes", "a stack cannot run on usair, which is one graph, for link prediction"),
        ("brec", "links", "brec is a data set of pairs of graphs.*load_graph_pairs"),
    ],
)
def test_a_model_for_another_task_is_refused(dataset: str, task: Task, text: str) -> None:
    with pytest.raises(InputError, match=text):
        check_task(dataset, task)
