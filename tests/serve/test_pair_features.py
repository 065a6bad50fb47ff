"""A pair's numbers are its own: they do not depend on the pairs beside it."""

from __future__ import annotations

import torch

from graphlearn.serve.candidates import CandidateSizes, find_candidates, pair_candidates
from graphlearn.serve.pair_features import (
    count_columns,
    heuristic_scores,
    pair_dots,
    pair_features,
)
from graphlearn.serve.snapshot import Recency, Snapshot, link_graph


def state(*, timed: bool) -> Snapshot:
    generator = torch.Generator().manual_seed(0)
    graph = link_graph(torch.randint(40, (2, 150), generator=generator), 40)
    recency = None
    if timed:
        activity = torch.rand(40, 6, generator=generator)
        recency = Recency(activity, torch.rand(graph.col.numel(), generator=generator))
    return Snapshot(graph.rowptr, graph.col, None, recency)


def test_a_pair_alone_has_the_numbers_it_has_in_a_list() -> None:
    generator = torch.Generator().manual_seed(1)
    vectors = torch.rand(40, 5, generator=generator)
    for timed in (False, True):
        seen, sizes = state(timed=timed), CandidateSizes()
        sources = torch.arange(40)
        found = find_candidates(seen, sources, None, sizes)
        owner = sources[found.owner()]
        logit = torch.arange(owner.numel()).float()
        whole = pair_features(found, owner, seen, vectors, logit)
        alone = pair_candidates(seen, torch.stack([owner, found.node]), sizes)
        assert torch.equal(alone.node, found.node)
        assert torch.allclose(pair_features(alone, owner, seen, vectors, logit), whole)
        assert whole.size(1) == (22 if timed else 9) == count_columns(timed=timed, logit=True)
        assert torch.equal(whole[:, -1], logit)


def test_heuristics_by_hand() -> None:
    seen = state(timed=False)
    found = find_candidates(seen, torch.arange(40), None, CandidateSizes())
    owner = found.owner()
    scores = heuristic_scores(found, owner, seen)
    dense = torch.zeros(40, 40)
    dense[torch.repeat_interleave(torch.arange(40), seen.degree.long()), seen.col.long()] = 1
    assert torch.equal(scores["cn"], (dense @ dense)[owner, found.node])
    degree = dense.sum(1)
    assert torch.equal(scores["degree-product"], (1 + degree[owner]) * degree[found.node])
    assert torch.allclose(
        scores["ra"], (dense @ torch.diag(1 / degree.clamp(min=1)) @ dense)[owner, found.node]
    )


def test_dots_in_blocks() -> None:
    vectors = torch.rand(9, 4)
    one, other = torch.randint(9, (2, 20))
    assert torch.equal(pair_dots(vectors, one, other, block=3), pair_dots(vectors, one, other))
    assert pair_dots(vectors, one[:0], other[:0]).numel() == 0


def test_a_dot_alone_has_the_bits_it_has_beside_others() -> None:
    generator = torch.Generator().manual_seed(0)
    vectors = torch.randn(50, 64, generator=generator)
    one, other = torch.randint(50, (2, 500), generator=generator)
    whole = pair_dots(vectors, one, other)
    alone = [pair_dots(vectors, one[i : i + 1], other[i : i + 1]) for i in range(500)]
    assert torch.equal(torch.cat(alone), whole)
