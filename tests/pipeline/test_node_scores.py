from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from graphlearn.errors import InputError, InputTypeError, UnknownNameError
from graphlearn.metrics import PredictionEvaluator
from graphlearn.pipeline import Layout
from graphlearn.pipeline.node_scores import (
    NODE_METRICS,
    check_classes,
    check_node_metrics,
    score_nodes,
)


def parts_of(workers) -> dict[str, torch.Tensor]:
    one = torch.zeros(workers.NODES, dtype=torch.bool)
    one[7] = True
    generator = torch.Generator().manual_seed(3)
    return {
        "train": workers.make_data().train_mask,
        "some": torch.rand(workers.NODES, generator=generator) < 0.3,
        "one": one,
        "none": torch.zeros(workers.NODES, dtype=torch.bool),
        "all": torch.ones(workers.NODES, dtype=torch.bool),
    }


def wanted(workers, kind: str, dtype: torch.dtype = torch.float64, draw: int = 0) -> dict:
    """By the evaluator of other tasks, of what the stack gives for the graph at once."""
    data, stack = workers.make_data(dtype), workers.make_stack(kind, dtype, draw).eval()
    options = {"normalization": workers.normalization(kind), "dtype": dtype}
    graph = Layout(data.edge_index, workers.NODES, 1, **options).chunk(0)
    with torch.no_grad():
        out = workers.run_layers(stack, data.x, graph)
    evaluate = PredictionEvaluator(NODE_METRICS)
    return {
        part: evaluate([(out[mask], data.y[mask, None])])
        for part, mask in parts_of(workers).items()
        if mask.any()
    }


def check(found: dict, expected: dict) -> None:
    assert list(found) == ["train", "some", "one", "none", "all"]
    for part, values in expected.items():
        assert found[part]["accuracy"] == values["accuracy"], part
        assert abs(found[part]["cross-entropy"] - values["cross-entropy"]) <= 1e-12, part
    assert all(math.isnan(value) for value in found["none"].values())


@pytest.mark.parametrize("chunks", [1, 5])
@pytest.mark.parametrize("draw", range(5))
@pytest.mark.parametrize("kind", ["mixed", "dropping", "gcnii"])
def test_it_is_what_the_evaluator_finds(workers, kind, draw, chunks) -> None:
    found = workers.score_parts(
        kind, parts_of(workers), NODE_METRICS, draw=draw, chunks=chunks, recompute=False
    )
    check(found, wanted(workers, kind, draw=draw))


def test_single_precision_is_added_up_in_double(workers) -> None:
    options = {"dtype": torch.float32, "chunks": 1}
    found = workers.score_parts("mixed", parts_of(workers), NODE_METRICS, **options)
    check(found, wanted(workers, "mixed", torch.float32))


def test_two_and_four_processes_find_the_same_numbers(workers, results) -> None:
    shapes = {2: [(2, 1), (1, 2)], 4: [(2, 2), (4, 1), (1, 4)]}
    for processes, those in shapes.items():
        tasks = [
            {"kind": kind, "stages": stages, "ways": ways, "chunks": 4, "draw": 2}
            for stages, ways in those
            for kind in ("mixed", "gcnii")
        ]
        given = {"parts": parts_of(workers), "names": NODE_METRICS}
        came = results(processes, [("score_parts", task | given) for task in tasks])
        for task, told in zip(tasks, came, strict=True):
            check(told[0], wanted(workers, task["kind"], draw=2))
            assert len({repr(one) for one in told}) == 1, task  # bit for bit


def test_names_and_parts_come_in_the_order_asked_for(workers) -> None:
    parts = parts_of(workers)
    trainer = workers.make_trainer("mixed", chunks=2)
    names = ("cross-entropy", "accuracy")
    found = score_nodes(trainer, workers.make_data().y, parts, names)
    assert list(found["one"]) == list(names)
    (alone,) = score_nodes(trainer, workers.make_data().y, {"all": parts["all"]}, names[1:]).items()
    assert alone == ("all", {"accuracy": found["all"]["accuracy"]})
    assert score_nodes(trainer, workers.make_data().y, {}, names) == {}


def test_scoring_changes_no_training(workers) -> None:
    trainer, other = (workers.make_trainer("dropping", chunks=3) for _ in range(2))
    for _ in range(3):
        score_nodes(trainer, workers.make_data().y, parts_of(workers), NODE_METRICS)
        assert trainer.train_epoch().loss == other.train_epoch().loss


def test_nodes_of_no_part_may_have_no_class(workers) -> None:
    trainer, parts, target = (
        workers.make_trainer("mixed"),
        parts_of(workers),
        workers.make_data().y,
    )
    known = {"one": parts["one"]}
    unknown = torch.where(parts["one"], target, -1)
    assert score_nodes(trainer, unknown, known, NODE_METRICS) == score_nodes(
        trainer, target, known, NODE_METRICS
    )


# Bad input #######################################################################################


@pytest.mark.parametrize(
    ("names", "error", "text"),
    [
        (["acuracy"], UnknownNameError, "metric of nodes 'acuracy'.*did you mean 'accuracy'"),
        (["accuracy", "auc"], UnknownNameError, "one of accuracy, cross-entropy"),
        (["accuracy", "accuracy"], InputError, r"metrics are \['accuracy', 'accuracy'\].*once"),
        ([], InputError, r"metrics are \[\]: expected one or more"),
        ("accuracy", InputTypeError, r"metrics are 'accuracy'.*pass \('accuracy',\)"),
    ],
)
def test_metrics_that_are_unknown_or_repeated_are_refused(workers, names, error, text) -> None:
    with pytest.raises(error, match=text):
        check_node_metrics(names)
    with pytest.raises(error, match=text):
        score_nodes(nn.Identity(), torch.zeros(1), {}, names)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "mask", "error", "text"),
    [
        (torch.tensor([0, 3]), torch.tensor([True, True]), InputError, "node 1.*'test'.*class 3"),
        (torch.tensor([-1, 0]), torch.tensor([True, True]), InputError, r"class -1.*\[0, 3\)"),
        (torch.tensor([[0], [1]]), torch.tensor([True, True]), InputError, "target has shape"),
        (torch.tensor([0, 1]), torch.tensor([True]), InputError, r"'test' has shape \[1\]"),
        (torch.tensor([0, 1]), torch.tensor([0, 1]), InputTypeError, "'test' has dtype torch.int"),
        (torch.tensor([0.0, 1]), torch.tensor([True, True]), InputTypeError, "target has dtype"),
    ],
)
def test_classes_that_do_not_fit_are_refused(target, mask, error, text) -> None:
    with pytest.raises(error, match=text):
        check_classes(target, {"test": mask}, 3)
