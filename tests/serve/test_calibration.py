"""Probabilities that come true as often as they say, and that keep every list's order."""

from __future__ import annotations

import math

import pytest
import torch

from graphlearn.serve.calibration import (
    Calibration,
    calibrate,
    calibration_error,
    calibration_inputs,
    calibration_tenths,
    list_sums,
)
from graphlearn.serve.lists import Lists
from graphlearn.serve.served import ServedLists
from graphlearn.serve.snapshot import Recency, Snapshot


def state(nodes: int, timed: bool = False) -> Snapshot:
    """Each node has one link, to the next."""
    recency = Recency(torch.rand(nodes, 6), torch.ones(nodes)) if timed else None
    return Snapshot(torch.arange(nodes + 1), torch.arange(nodes) ^ 1, None, recency)


def served(lists: int, seed: int, weight: float = 1.0) -> ServedLists:
    """Candidates that are links with the chance exp(score) / (1 + exp(score))."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.repeat_interleave(torch.arange(lists), 20)
    score = 2 * torch.randn(20 * lists, generator=generator) - 3
    found = torch.rand(20 * lists, generator=generator) < torch.sigmoid(score)
    count = torch.arange(20 * lists)
    bare = Lists(place, place, count, {}, torch.empty(20 * lists, 0), lists)
    return ServedLists(bare, score, found, torch.full((lists,), weight, dtype=torch.float64))


@pytest.mark.parametrize("timed", [False, True])
@pytest.mark.parametrize("lists", [100, 2000])
def test_calibrated_on_other_lists(lists: int, timed: bool) -> None:
    known = state(lists, timed)
    calibration = calibrate(served(lists, 0), known)
    assert isinstance(calibration, Calibration)
    assert calibration.weights.numel() == 4 + timed
    assert (calibration.knots.numel() > 0) == (lists == 2000)
    fresh = served(lists, 1)
    chance = calibration(fresh.lists, fresh.score, known)
    assert calibration_error(calibration_tenths(chance, fresh.found)) < 0.02
    assert bool(((chance > 0) & (chance < 1)).all())
    for number in range(10):
        mine = fresh.lists.place == number
        ordered = chance[mine][torch.argsort(fresh.score[mine])]
        assert bool((ordered.diff() >= 0).all())


def test_lists_count_as_often_as_they_stand_for() -> None:
    """Half of the lists hold no link, and each stands for nine: the mean chance is theirs."""
    given = served(400, 0)
    empty = given.lists.place >= 200
    given.found[empty] = False
    given.score[empty] += 1e-3 * torch.randn(int(empty.sum()))
    given.weight[200:] = 9.0
    calibration = calibrate(given, state(400))
    chance = calibration(given.lists, given.score, state(400))
    weights = given.weights
    mean = float((chance * weights).sum() / weights.sum())
    true = float((given.found * weights).sum() / weights.sum())
    assert abs(mean / true - 1) < 0.02
    given.weight[:200] = 0.0  # others have no say
    none = calibrate(given, state(400))
    assert float(none(given.lists, given.score, state(400)).max()) < 1e-3


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_to_tell_apart(share: float) -> None:
    given = served(50, 0)
    given.found[:] = bool(share)
    chance = calibrate(given, state(50))(given.lists, given.score, state(50))
    assert bool(((chance - share).abs() < 1e-3).all())
    assert bool(((chance > 1e-6) & (chance < 1 - 1e-6)).all())


def test_few_links_say_little() -> None:
    """Two links, apart from all else, are no proof that the next such is one."""
    given = served(40, 0)
    given.score[:] = 0.0
    given.found[:] = False
    given.score[:2], given.found[:2] = 1.0, True
    calibration = calibrate(given, state(40))
    assert calibration.weights[1:3].tolist() == [0.0, 0.0]
    chance = calibration(given.lists, given.score, state(40))
    assert 0.5 < float(chance[0]) < 0.8
    assert float(chance[2]) < 0.01


def test_a_score_that_turns_around_does_not_turn_lists_around() -> None:
    given = served(200, 0)
    given.found[:] = given.score < given.score.median()
    calibration = calibrate(given, state(200))
    assert float(calibration.weights[0]) >= 0
    chance = calibration(given.lists, given.score, state(200))
    assert math.isclose(float(chance.mean()), 0.5, abs_tol=0.01)


def test_parts_of_lists_with_the_sums_of_the_whole() -> None:
    given, known = served(100, 0), state(100)
    calibration = calibrate(given, known)
    whole = list_sums(given.lists, given.score)
    some = torch.arange(2000) % 3 == 0
    part = given.lists.where(some)
    chance = calibration(part, given.score[some], known, whole)
    assert torch.equal(chance, calibration(given.lists, given.score, known)[some])
    assert calibration_inputs(part, given.score[some], known, whole).shape == (int(some.sum()), 3)


def test_six_digits() -> None:
    given, known = served(100, 0), state(100)
    for chance in calibrate(given, known)(given.lists, given.score, known)[:200].tolist():
        assert chance == float(f"{chance:.6g}")


def test_tenths() -> None:
    chance = torch.linspace(0, 1, 1000).double()
    tenths = calibration_tenths(chance, chance > 0.5)
    assert len(tenths) == 10
    assert tenths[0][1] == 0.0
    assert tenths[-1] == (float(chance[900:].mean()), 1.0)
    weight = (torch.arange(1000) < 500).double()
    halves = calibration_tenths(chance, chance > 0.25, weight, bins=2)
    assert [came for _, came in halves] == [0.0, 1.0]
    assert calibration_error(calibration_tenths(torch.empty(0), torch.empty(0))) == 0.0
