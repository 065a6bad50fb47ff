from __future__ import annotations

from unittest import mock

import pytest
import torch

from graphlearn.pipeline import CostPrediction, Layout, predict
from graphlearn.pipeline.forecast import _own_cores, forecast, shared_cores
from graphlearn.pipeline.place import Place

PIPELINE = {"kind": "mixed", "stages": 2, "chunks": 4}
PARALLEL = {"kind": "mixed", "ways": 2, "chunks": 4}
ENDS = {"kind": "ends", "stages": 2, "chunks": 4}  # no layer of it reads its neighbors

# Seconds of a chunk's turn as they were measured, whether forward twice; what of it, once forward
# and back, is the fixed cost of calls; and what the rest is for the whole graph, of 4 chunks.
MEASURED = [
    (1e-3, False, 1e-4, 3.6e-3),
    (4e-3 / 3, True, 1e-4, 3.6e-3),
    (5e-5, False, 5e-5, 0.0),  # it takes no longer than its calls
]


def given(cost: float, recompute: bool) -> dict:
    """The two ends of the stack do not read their neighbors, and are left out."""
    return {"costs": [cost / 10, *[cost] * 4, cost / 10], "recompute": recompute}


def wanted(workers, task: dict, recompute: bool, overhead: float, rest: float) -> CostPrediction:
    ways = task.get("ways", 1)
    options = {"normalization": "gcn", "dtype": torch.float64, "seed": 0}
    return predict(
        Layout(workers.make_data().edge_index, workers.NODES, 4, ways, **options),
        channels=workers.HIDDEN,
        num_layers=4,
        stages=task.get("stages", 1),
        layer_seconds=rest * ways,
        bandwidth=1e9,
        latency=1e-5,
        overhead=overhead,
        recompute=recompute,
        carried=True,  # the rows of the first layer travel along
        itemsize=8,
        cores=len(_own_cores()),
    )


def test_a_process_alone_has_nothing_to_choose(workers) -> None:
    assert forecast(workers.node_trainer("mixed", chunks=4)) is None


@pytest.mark.parametrize(
    ("told", "found"),
    [
        ([("a", [0, 1], 1)] * 4, (2, 1)),
        ([("a", [0], 1), ("a", [1], 1)], (2, 1)),  # each is bound to its own
        ([("a", [0, 1], 1)] * 2 + [("b", [0, 1], 4)] * 2, (4, 4)),
        ([("a", [0, 1, 2, 3], 1)] + [("b", [0], 1)] * 2, (1, 1)),  # the scarcest counts
        ([("a", [0], 1), ("b", [], 1)], (1, 1)),
    ],
)
def test_cores_are_counted_by_machine(told, found) -> None:
    with mock.patch.object(Place, "gather", return_value=told):
        assert shared_cores(Place(1, 1)) == found


def test_two_processes(workers, results) -> None:
    shapes = (PIPELINE, PARALLEL)
    exact = [(task, case) for task in shapes for case in MEASURED]
    tasks = [*shapes, ENDS, *(task | given(*case[:2]) for task, case in exact)]
    came = results(2, [("foretell", task) for task in tasks])
    for task, told in zip(tasks, came, strict=True):  # the same on both
        assert told[0]["forecast"] == told[1]["forecast"], task
        assert str(told[0]["forecast"]) == str(told[1]["forecast"])
        assert told[0]["costs"] == told[1]["costs"]
    for task, told in zip(shapes, came, strict=False):
        check_measured(task, told)
    assert came[2][0]["forecast"] is None
    for (task, case), told in zip(exact, came[3:], strict=True):
        found, expected = told[0]["forecast"], wanted(workers, task, *case[1:])
        assert len(found.choices) == len(expected.choices)
        for choice, other in zip(found.choices, expected.choices, strict=True):
            assert choice.name == other.name
            assert choice.seconds == pytest.approx(other.seconds), (task, choice.name)
            assert choice.overhead == pytest.approx(other.overhead)
            assert choice.sent_bytes == other.sent_bytes
            assert choice.memory_bytes == other.memory_bytes
    alone = {choice.name: choice for choice in came[3][0]["forecast"].choices}["one device"]
    assert alone.seconds == pytest.approx(4 * 3.7e-3)


def check_measured(task: dict, told: list[dict]) -> None:
    found = told[0]["forecast"]
    assert isinstance(found, CostPrediction)
    assert min(min(one["link"]) for one in told) > 0
    assert told[0]["link"] == told[1]["link"]
    # Layers are timed too where no stages are to be balanced; else each would take a second.
    assert len(set(told[0]["costs"])) > 1
    asked = found.asked
    assert asked == found.choices[0]
    assert (asked.stages, asked.ways) == (task.get("stages", 1), task.get("ways", 1))
    assert asked.chunks == (4 if "stages" in task else 1)
    names = {"one device", "a pipeline of 2 stages", "graph parallelism, 2 ways"}
    assert {choice.name for choice in found.choices} == names
    for choice in found.choices:
        assert choice.seconds > 0
        assert 0 < choice.efficiency <= 1
        assert 0 <= choice.overhead <= 1
        assert (choice.sent_bytes > 0) == (choice.devices > 1)
    assert found.advice.startswith(("Pays: ", "Won't pay: "))
