"""Samplers over graphs that sampling trips over, in every mode, and the plain form beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from graphlearn.kernels.sample import HopSampler, NeighborRows, Relation, SampledHops
from graphlearn.kernels.sample.reference import sample_reference

Array = NDArray[Any]

# What the graph carries, and the options of the call.
MODES: dict[str, tuple[str, dict[str, bool]]] = {
    "drawn": ("", {}),
    "with-replacement": ("", {"replace": True}),
    "disjoint": ("", {"disjoint": True}),
    "induced": ("", {"induced": True}),
    "induced-disjoint": ("", {"induced": True, "disjoint": True}),
    "weighted": ("weight", {}),
    "weighted-with-replacement": ("weight", {"replace": True}),
    "edge-times": ("edge_time", {"disjoint": True}),
    "node-times": ("node_time", {"disjoint": True}),
    "float-times-with-replacement": ("float_time", {"disjoint": True, "replace": True}),
    "latest": ("node_time", {"disjoint": True, "latest": True}),
    "latest-with-replacement": ("edge_time", {"disjoint": True, "latest": True, "replace": True}),
    "latest-edges-of-positive-weight": ("weight edge_time", {"disjoint": True, "latest": True}),
    "weighted-in-time": ("weight node_time", {"disjoint": True}),
    "induced-in-time": ("edge_time", {"disjoint": True, "induced": True}),
}


@dataclass(frozen=True)
class Case:
    """A sampler of one node type and one relation, its graph, and how to call it."""

    source: Tensor
    target: Tensor
    sampler: HopSampler
    seeds: Array
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def rows(self) -> NeighborRows:
        return self.sampler.relations[0].rows


def _numbers(size: int, seed: int, low: int, high: int) -> Tensor:
    return torch.randint(low, high, (size,), generator=torch.Generator().manual_seed(seed))


def build(edges: tuple[Tensor, int], mode: str, width: type = np.int32) -> Case:
    edge_index, nodes = edges
    carried, options = MODES[mode]
    source, target = edge_index
    made: dict[str, Any] = {}
    if "weight" in carried:  # a third of the edges has none, and some have nearly all
        made["weight"] = _numbers(source.numel(), 1, -3, 7).clamp(min=0).double() ** 9
    if "edge_time" in carried:
        made["edge_time"] = _numbers(source.numel(), 2, 0, 6)
    if "node_time" in carried:
        made["source_time"] = _numbers(nodes, 3, 0, 6)
    if "float_time" in carried:
        made["edge_time"] = _numbers(source.numel(), 2, 0, 6) / 2
    rows = NeighborRows.from_edges(source, target, num_sources=nodes, num_targets=nodes, **made)
    rows = dataclasses.replace(rows, col=rows.col.astype(width))
    time = made["source_time"].numpy() if "source_time" in made else None
    # Some twice, from all over the graph, and at most 40.
    picked = torch.arange(nodes)[:: max(1, nodes // 30)]
    seeds = torch.cat([picked, picked[::3]]).numpy()
    options = dict(options)
    if "time" in carried:
        until = _numbers(len(seeds), 4, -1, 7)
        options["seed_time"] = {0: (until / 2 if "float" in carried else until).numpy()}
    sampler = HopSampler([nodes], [Relation(0, 0, rows)], [time])
    return Case(source, target, sampler, seeds, options)


@pytest.fixture
def case_of() -> Callable[..., Case]:
    """``case_of(edges, mode, width)``: the sampler of a graph in a mode, its ids so wide."""
    return build


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    """The name of what a graph carries and of how it is sampled."""
    return request.param


@pytest.fixture
def case(edges: tuple[Tensor, int], mode: str) -> Case:
    """Every graph in every mode."""
    return build(edges, mode)


def _assert_equal(found: SampledHops, expected: SampledHops) -> None:
    assert (found.tree is None) == (expected.tree is None)
    for name in ("node", "tree", "entry", "source", "target"):
        pairs = zip(getattr(found, name) or [], getattr(expected, name) or [], strict=True)
        for number, (mine, plain) in enumerate(pairs):
            assert mine.dtype == np.int64
            np.testing.assert_array_equal(mine, plain, err_msg=f"{name} {number}")
    assert found.nodes_per_hop == expected.nodes_per_hop
    assert found.edges_per_hop == expected.edges_per_hop


@pytest.fixture
def assert_equal() -> Callable[[SampledHops, SampledHops], None]:
    """``assert_equal(found, expected)``: two samples are the same in all their parts."""
    return _assert_equal


@pytest.fixture(scope="session")  # hypothesis wants one for all its examples
def checked() -> Callable[..., SampledHops]:
    """``checked(sampler, seeds, fan_outs, key=...)``: a sample, equal to the plain one."""

    def run(
        sampler: HopSampler,
        seeds: Mapping[int, Array],
        fan_outs: Sequence[Sequence[int]],
        **options: Any,
    ) -> SampledHops:
        found = sampler.sample(seeds, fan_outs, **options)
        expected = sample_reference(
            sampler.num_nodes,
            sampler.relations,
            seeds,
            fan_outs,
            node_time=sampler.node_time,
            **options,
        )
        _assert_equal(found, expected)
        return found

    return run
