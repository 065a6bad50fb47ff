"""Snapshots: what is known at a cut, and nothing that comes later."""

from __future__ import annotations

import math

import numpy as np
import torch

from graphlearn.data.edge_columns import EdgeColumns
from graphlearn.serve.own_links import own_links
from graphlearn.serve.snapshot import Recency, Snapshot, link_graph, snapshot

PAIRS = [[0, 1], [1, 2], [0, 1], [2, 3], [0, 3]]
TIMES = [0.0, 1.0, 9.0, 10.0, 30.0]


def timed(extra: float = 0.0):
    times = np.array(TIMES) + np.array([0, 0, 0, 0, extra])
    return own_links(EdgeColumns(np.array(PAIRS), torch.arange(5), times))


def test_a_mask_hides_links() -> None:
    own = own_links(EdgeColumns(np.array(PAIRS), torch.arange(5)))
    graph = link_graph(own.links, 5)
    known = torch.tensor([True, False, True, True])  # without 0 - 3
    state = snapshot(graph, known, own)
    assert isinstance(state, Snapshot)
    assert state.degree.tolist() == [1, 2, 2, 1, 0]
    assert state.popular.tolist() == [[1, 2, 0, 3, 4]]
    assert state.recency is None
    whole = snapshot(graph, None, own)
    assert whole.degree.tolist() == [2, 2, 2, 2, 0]


def test_what_comes_later_changes_nothing() -> None:
    found = []
    for extra in (0.0, 1000.0):
        own = timed(extra)
        known = own.events.first < 20
        found.append(snapshot(link_graph(own.links, 5), known, own).recency)
    assert isinstance(found[0], Recency)
    assert torch.equal(found[0].activity, found[1].activity)
    assert torch.equal(found[0].entry, found[1].entry)


def test_decays() -> None:
    own = timed()
    known = own.events.first < 20
    state = snapshot(link_graph(own.links, 5), known, own)
    clock = 10.0 - float(np.quantile([0.0, 1.0, 10.0], 0.9))
    # The event at 9 repeats a known link: it counts as an event, not as a new link.
    new, events, last = state.recency.activity[1][[0, 3, 5]].tolist()
    assert math.isclose(new, sum(math.exp((t - 10) / clock) for t in (0, 1)), rel_tol=1e-4)
    assert math.isclose(events, sum(math.exp((t - 10) / clock) for t in (0, 1, 9)), rel_tol=1e-4)
    assert math.isclose(last, math.exp(-1 / clock), rel_tol=1e-4)
    assert state.recency.activity[4].tolist() == [0.0] * 6
    assert state.popular.shape == (3, 5)
