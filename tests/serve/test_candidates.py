"""Candidate lists: new links alone, from all three kinds, and single pairs."""

from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError, InputTypeError
from graphlearn.serve.candidates import CandidateSizes, find_candidates, pair_candidates
from graphlearn.serve.nearest import NearestNodes
from graphlearn.serve.snapshot import Snapshot, link_graph

# A star of 0, a chain 3 - 4 - 5, and 6 alone.
EDGES = torch.tensor([[0, 0, 0, 3, 4], [1, 2, 3, 4, 5]])


def star() -> Snapshot:
    graph = link_graph(EDGES, 7)
    return Snapshot(graph.rowptr, graph.col)


def test_kinds() -> None:
    vectors = torch.eye(7)
    vectors[6] = vectors[1]
    none = CandidateSizes(best=0, popular=0, nearest=0)
    found = [
        find_candidates(star(), torch.tensor([1]), NearestNodes(vectors), sizes).node.tolist()
        for sizes in (
            none,
            CandidateSizes(best=9, popular=0, nearest=0),
            CandidateSizes(best=0, popular=2, nearest=0),
            CandidateSizes(best=0, popular=0, nearest=1),
            CandidateSizes(),
        )
    ]
    assert found == [[], [2, 3], [3, 4], [6], [2, 3, 4, 5, 6]]


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ({"best": -5}, "best is -5"),
        ({"popular": 1.5}, "popular is 1.5"),
        ({"nearest": "x"}, "nearest is 'x'"),
        ({"budget": 0}, "budget is 0"),
        ({"budget": 2**70}, "budget is 1180591620717411303424"),
    ],
)
def test_sizes(sizes: dict[str, int], expected: str) -> None:
    with pytest.raises((InputError, InputTypeError), match=expected):
        CandidateSizes(**sizes)


def test_pairs_one_by_one() -> None:
    found = pair_candidates(star(), torch.tensor([[1, 0, 6], [3, 1, 6]]), CandidateSizes())
    assert found.rowptr.tolist() == [0, 1, 1, 1]  # of linked ones, and of itself, nothing
    assert found.common.tolist() == [1.0]
