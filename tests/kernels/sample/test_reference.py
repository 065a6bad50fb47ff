from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from graphlearn.kernels.sample import HopSampler, NeighborRows, Relation
from graphlearn.kernels.sample.reference import sample_reference

# Beyond 24 draws the compiled form remembers them in a table.
FAN_OUTS = [[], [3, 2], [-1, -1], [-1, 1], [0, 3], [30, 2]]


@pytest.mark.parametrize("width", [np.int32, np.int64])
def test_compiled_samples_are_the_plain_ones(edges, mode, width, case_of, checked) -> None:
    case = case_of(edges, mode, width)
    for number, fan_outs in enumerate(FAN_OUTS):
        checked(case.sampler, {0: case.seeds}, [fan_outs], key=2**63 - 3 + number, **case.options)


@st.composite
def typed_graphs(draw: st.DrawFn) -> tuple[HopSampler, dict[int, np.ndarray], list[list[int]]]:
    """Up to three types of nodes and four relations, each weighted, in time, both or neither."""
    counts = draw(st.lists(st.integers(1, 6), min_size=1, max_size=3))
    kind = st.integers(0, len(counts) - 1)
    timed = draw(st.booleans())
    relations = []
    for _ in range(draw(st.integers(0, 4))):
        source, target = draw(kind), draw(kind)
        edge = st.tuples(st.integers(0, counts[source] - 1), st.integers(0, counts[target] - 1))
        edges = draw(st.lists(edge, max_size=20))
        made: dict[str, torch.Tensor] = {}
        if draw(st.booleans()):
            weight = st.sampled_from([0.0, 1e-30, 0.5, 1.0, 1e12])
            made["weight"] = torch.tensor([draw(weight) for _ in edges], dtype=torch.float64)
        if timed and draw(st.booleans()):
            made["edge_time"] = torch.tensor([draw(st.integers(0, 3)) for _ in edges]).long()
        ends = torch.tensor(edges, dtype=torch.int64).reshape(-1, 2)
        rows = NeighborRows.from_edges(
            ends[:, 0], ends[:, 1], num_sources=counts[source], num_targets=counts[target], **made
        )
        relations.append(Relation(source, target, rows))
    seeds = {
        k: np.array(draw(st.lists(st.integers(0, counts[k] - 1), max_size=5)), np.int64)
        for k in draw(st.sets(kind, min_size=1))
    }
    hops = draw(st.integers(0, 3))
    fan_outs = [[draw(st.integers(-1, 4)) for _ in range(hops)] for _ in relations]
    return HopSampler(counts, relations), seeds, fan_outs


@given(
    made=typed_graphs(),
    key=st.integers(0, 2**64 - 1),
    disjoint=st.booleans(),
    replace=st.booleans(),
    induced=st.booleans(),
    latest=st.booleans(),
)
def test_several_types_of_nodes_and_relations(
    checked, made, key, disjoint, replace, induced, latest
) -> None:
    sampler, seeds, fan_outs = made
    timed = any(relation.rows.entry_time is not None for relation in sampler.relations)
    options = {"disjoint": disjoint, "replace": replace, "induced": induced}
    if timed:
        times = {k: np.arange(len(ids)) % 4 for k, ids in seeds.items()}
        options |= {"disjoint": True, "latest": latest, "seed_time": times}
    checked(sampler, seeds, fan_outs, key=key, **options)


def test_by_hand_where_nothing_is_left_to_chance() -> None:
    # 1 and 2 point to 0, 3 to both, and 0 to 3.
    source, target = torch.tensor([[1, 2, 3, 3, 0], [0, 0, 1, 2, 3]])
    rows = NeighborRows.from_edges(source, target, num_sources=4, num_targets=4)
    hops = sample_reference([4], [Relation(0, 0, rows)], {0: np.array([0])}, [[-1] * 3], key=0)
    assert hops.node[0].tolist() == [0, 1, 2, 3]
    assert hops.entry[0].tolist() == [0, 1, 2, 3, 4]
    assert hops.source[0].tolist() == [1, 2, 3, 3, 0]
    assert hops.target[0].tolist() == [0, 0, 1, 2, 3]
    assert hops.nodes_per_hop == [[1, 2, 1, 0]]
    assert hops.edges_per_hop == [[2, 2, 1]]
    assert hops.tree is None
