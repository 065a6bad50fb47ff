"""Snapshots: what is known at a cut, and nothing that comes later."""

from __future__ import annotations

import math

import numpy as np
import torch

from graphlearn.data.edge_columns import EdgeColumns
from graphlearn.serve.own_links import own_links
from graphlearn.serve.snapshot import Recency, Snapshot, late_note, link_graph, snapshot

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


def test_a_late_repetition_moves_nothing_that_is_served() -> None:
    """Now is when the last link was new, in the whole graph as at a cut."""
    plain = timed()
    late = own_links(
        EdgeColumns(np.array([*PAIRS, [0, 1]]), torch.arange(5), np.array([*TIMES, 1e9]))
    )
    assert torch.equal(plain.links, late.links)
    graph = link_graph(plain.links, 5)
    every = torch.ones(plain.links.size(1), dtype=torch.bool)
    found = [
        snapshot(graph, known, own).recency for own in (plain, late) for known in (None, every)
    ]
    assert float(found[0].lately().max()) == 1.0
    for other in found[1:]:
        assert torch.equal(found[0].activity, other.activity)
        assert torch.equal(found[0].entry, other.entry)


def test_a_note_on_what_comes_far_too_late() -> None:
    pairs = np.array([[i, i + 1] for i in range(200)])
    times = np.arange(200.0)

    def note(pair: list[int] | None, time: float) -> str | None:
        more = ([], []) if pair is None else ([pair], [time])
        columns = EdgeColumns(
            np.array([*pairs.tolist(), *more[0]]), torch.arange(201), np.array([*times, *more[1]])
        )
        return late_note(own_links(columns))

    assert note(None, 0) is None
    assert note([0, 1], 250) is None
    assert "49.8 times" in (note([0, 1], 1e4) or "")  # a repetition
    assert "times as long after 99%" in (note([0, 2], 1e4) or "")  # a new link
