"""What is computed list by list."""

from __future__ import annotations

import torch

from graphlearn.serve.lists import Lists, join_lists, list_order, log_sums, ragged_ranges


def lists(place: list[int], node: list[int], count: int) -> Lists:
    places, nodes = torch.tensor(place), torch.tensor(node)
    score = {"ra": nodes.float()}
    return Lists(places, places, nodes, score, nodes[:, None].float(), num_lists=count)


def test_order_within_lists_with_ties_by_node() -> None:
    place = torch.tensor([0, 0, 0, 2, 2])
    order, rank = list_order(place, torch.tensor([1.0, 3.0, 3.0, -1.0, 9.0]))
    assert order.tolist() == [1, 2, 0, 4, 3]
    assert rank.tolist() == [0, 1, 2, 0, 1]


def test_nothing_has_an_order() -> None:
    order, rank = list_order(torch.empty(0).long(), torch.empty(0))
    assert order.numel() == rank.numel() == 0


def test_joining_and_choosing() -> None:
    joined = join_lists([lists([0, 1], [5, 6], 3), lists([1], [7], 2)])
    assert joined.num_lists == 5
    assert joined.place.tolist() == [0, 1, 4]
    kept = joined.where(joined.node > 5)
    assert (kept.node.tolist(), kept.num_lists) == ([6, 7], 5)
    assert kept.features.flatten().tolist() == kept.heuristics["ra"].tolist() == [6.0, 7.0]


def test_log_sums_of_large_scores_and_of_empty_lists() -> None:
    sums = log_sums(torch.tensor([1000.0, 1000.0]).double(), torch.tensor([1, 1]), 2)
    assert sums[0] == -torch.inf
    assert abs(float(sums[1]) - 1000 - float(torch.tensor(2.0).log())) < 1e-6


def test_ragged_ranges() -> None:
    rows, which = ragged_ranges(torch.tensor([3, 8, 0]), torch.tensor([5, 8, 1]))
    assert rows.tolist() == [3, 4, 0]
    assert which.tolist() == [0, 0, 2]
