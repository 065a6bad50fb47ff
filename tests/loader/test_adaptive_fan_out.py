"""Fan-outs grow when the metric stands still, and never past where they are to end."""

from __future__ import annotations

import re

import pytest
import torch
from torch_geometric.data import Data
from torch_geometric.sampler import NodeSamplerInput

from graphlearn.errors import InputError, InputTypeError
from graphlearn.loader import AdaptiveFanOut, NeighborSampler


@pytest.fixture
def sampler() -> NeighborSampler:
    source = torch.arange(1, 41)
    edge_index = torch.stack([source, torch.zeros_like(source)])
    return NeighborSampler(Data(edge_index=edge_index, num_nodes=41), [30], seed=0)


def _drawn(sampler: NeighborSampler) -> int:
    return int(sampler.sample_from_nodes(NodeSamplerInput(None, torch.tensor([0]))).row.numel())


def test_the_sampler_draws_by_the_fan_outs_of_the_moment(sampler: NeighborSampler) -> None:
    growth = AdaptiveFanOut(sampler, [30], start=[5])
    assert _drawn(sampler) == 5
    growth.step(1.0)
    assert growth.step(1.0)
    assert _drawn(sampler) == 10


def test_a_better_metric_keeps_the_fan_outs(sampler: NeighborSampler) -> None:
    growth = AdaptiveFanOut(sampler, [30])
    assert not any(growth.step(metric) for metric in (0.1, 0.2, 0.3))
    assert growth.current == [1]


def test_smaller_is_better_when_so_asked(sampler: NeighborSampler) -> None:
    growth = AdaptiveFanOut(sampler, [30], mode="min")
    assert not any(growth.step(metric) for metric in (0.3, 0.2, 0.1))
    assert growth.step(0.2)


def test_patience_counts_steps_in_a_row(sampler: NeighborSampler) -> None:
    growth = AdaptiveFanOut(sampler, [30], patience=2)
    assert [growth.step(metric) for metric in (1, 0, 2, 0, 0)] == [False] * 4 + [True]


def test_growth_ends_at_the_most(sampler: NeighborSampler) -> None:
    growth = AdaptiveFanOut(sampler, [30], factor=3)
    seen = []
    for _ in range(8):
        growth.step(0.0)
        seen.append(growth.current[0])
    assert seen == [1, 3, 9, 27, 30, 30, 30, 30]
    assert growth.is_grown


def test_a_factor_near_one_still_adds_a_neighbor(sampler: NeighborSampler) -> None:
    growth = AdaptiveFanOut(sampler, [30], factor=1.01)
    growth.step(0.0)
    growth.step(0.0)
    assert growth.current == [2]


def test_a_gain_below_min_delta_does_not_count(sampler: NeighborSampler) -> None:
    growth = AdaptiveFanOut(sampler, [30], min_delta=0.1)
    growth.step(0.5)
    assert growth.step(0.55)


def test_a_resumed_growth_goes_on_alike(sampler: NeighborSampler) -> None:
    whole = AdaptiveFanOut(sampler, [30], patience=2)
    metrics = [0.1, 0.1, 0.1, 0.2, 0.2, 0.2, 0.1]
    expected = [whole.step(metric) for metric in metrics]
    first = AdaptiveFanOut(sampler, [30], patience=2)
    before = [first.step(metric) for metric in metrics[:4]]
    second = AdaptiveFanOut(sampler, [30], patience=2)
    second.load_state_dict(first.state_dict())
    assert before + [second.step(metric) for metric in metrics[4:]] == expected
    assert sampler.num_neighbors.values == whole.current


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"most": [0]}, "most is 0"),
        ({"most": [4], "start": [5]}, "start is \\[5\\]"),
        ({"most": [4], "start": [1, 1]}, "start is"),
        ({"most": [4], "factor": 1.0}, "factor is 1.0"),
        ({"most": [4], "patience": 0}, "patience is 0"),
        ({"most": [4], "mode": "maxx"}, "did you mean 'max'"),
    ],
)
def test_bad_options_are_refused(
    sampler: NeighborSampler, options: dict[str, object], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        AdaptiveFanOut(sampler, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize("most", [[4, 4], [], 4, None, "4"])
def test_there_is_a_fan_out_for_each_hop_of_the_sampler(sampler: NeighborSampler, most) -> None:
    message = f"most is {most!r}: expected 1 fan-outs, one for each hop of the sampler"
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        AdaptiveFanOut(sampler, most)
    assert sampler.num_neighbors.values == [30]


def test_a_graph_with_types_is_refused(typed_graph) -> None:
    message = "^sampler is of a graph with types: expected one of a homogeneous graph$"
    typed = NeighborSampler(typed_graph, [4, 4])
    with pytest.raises(InputTypeError, match=message):
        AdaptiveFanOut(typed, [4, 4])
    assert typed.num_neighbors.values == [4, 4]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({}, "the state has no best, waited and current: expected a state_dict()"),
        (
            {"best": 1.0, "waited": 0},
            "the state has no best, waited and current: expected a state_dict()",
        ),
        (
            {"best": 1.0, "waited": 0, "current": [31]},
            "the state's fan-outs are [31]: expected up to [30]",
        ),
        ({"best": 1.0, "waited": 0, "current": [0]}, "current is 0: expected an integer >= 1"),
    ],
)
def test_a_state_that_is_none_changes_nothing(sampler: NeighborSampler, state, message) -> None:
    growth = AdaptiveFanOut(sampler, [30], start=[5])
    growth.step(0.5)
    before = growth.state_dict()
    with pytest.raises(InputError, match=f"^{re.escape(message)}$"):
        growth.load_state_dict(state)
    assert growth.state_dict() == before
    assert sampler.num_neighbors.values == [5]


def test_another_sampler_and_a_metric_that_is_nan_are_refused(sampler: NeighborSampler) -> None:
    with pytest.raises(InputTypeError, match="sampler is a str"):
        AdaptiveFanOut("sampler", [4])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="metric is nan"):
        AdaptiveFanOut(sampler, [4]).step(float("nan"))
    with pytest.raises(InputError, match="2 fan-outs"):
        AdaptiveFanOut(sampler, [4]).load_state_dict({"best": 1, "waited": 0, "current": [1, 2]})
