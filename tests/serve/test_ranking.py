"""The likeliest links, and as many of them as were asked for where so many nodes are unlinked."""

from __future__ import annotations

import pytest
import torch

from graphlearn.serve import LinkRecommender, ranking
from graphlearn.serve.ranking import RankedLinks, rank_links


def ranked(model: LinkRecommender, sources: torch.Tensor, count: int) -> RankedLinks:
    return rank_links(model.view, model.scorer, model.calibration, sources, count)


@pytest.mark.parametrize("name", ["model", "timed_model"])
@pytest.mark.parametrize("at_once", [1, 1 << 20])
def test_down_to_the_last_unlinked_node(
    name: str, at_once: int, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    model: LinkRecommender = request.getfixturevalue(name)
    monkeypatch.setattr(ranking, "_MOST_AT_ONCE", at_once)
    state, sources = model.view.state, torch.tensor([7, 3, 90])
    found = ranked(model, sources, 120)
    for source in sources.tolist():
        mine = found.source == source
        own = found.node[mine]
        begin, end = state.rowptr[source : source + 2].tolist()
        assert own.numel() == torch.unique(own).numel() == 119 - (end - begin)
        assert not torch.isin(own, state.col[begin:end].long()).any()
        assert source not in own.tolist()
        assert found.rank[mine].tolist() == list(range(own.numel()))
        assert bool((found.chance[mine].diff() <= 0).all())
    assert torch.unique_consecutive(found.source).tolist() == sources.tolist()


def test_more_changes_nothing_of_what_comes_first(timed_model: LinkRecommender) -> None:
    sources = torch.arange(120)
    few, many = (ranked(timed_model, sources, count) for count in (5, 100))
    first = many.rank < 5
    assert torch.equal(few.node, many.node[first])
    assert torch.equal(few.chance, many.chance[first])


def test_parts_are_the_same_beside_others(timed_model: LinkRecommender) -> None:
    whole = ranked(timed_model, torch.arange(120), 10)
    for source in range(0, 120, 7):
        one = ranked(timed_model, torch.tensor([source]), 10)
        mine = whole.source == source
        assert torch.equal(one.node, whole.node[mine])
        assert torch.equal(one.chance, whole.chance[mine])
