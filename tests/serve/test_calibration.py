"""Probabilities that come true as often as they say, and that keep every list's order."""

from __future__ import annotations

import pytest
import torch

from graphlearn.serve.calibration import Calibration, calibrate, calibration_error
from graphlearn.serve.lists import Lists
from graphlearn.serve.quality import Examples
from graphlearn.serve.scorer import Scorer


def examples(lists: int, seed: int) -> Examples:
    """Candidates that are links with the chance score / (1 + score)."""
    generator = torch.Generator().manual_seed(seed)
    place = torch.repeat_interleave(torch.arange(lists), 20)
    score = torch.exp(2 * torch.randn(20 * lists, generator=generator) - 3)
    chance = score / (1 + score)
    found = torch.rand(20 * lists, generator=generator) < chance
    return Examples(
        Lists(place, place, torch.arange(20 * lists), {"ra": score}, torch.empty(0, 0), lists),
        found,
        int(found.sum()),
    )


@pytest.mark.parametrize("lists", [100, 2000])
def test_calibrated_on_other_lists(lists: int) -> None:
    scorer, degree = Scorer("ra"), torch.ones(lists, dtype=torch.int64)
    calibration = calibrate(scorer, examples(lists, 0), degree)
    assert isinstance(calibration, Calibration)
    assert (calibration.knots.numel() > 0) == (lists == 2000)
    fresh = examples(lists, 1)
    score = scorer(fresh.lists)
    chance = calibration(fresh.lists, score, degree)
    assert calibration_error(chance, fresh.found) < 0.02
    assert bool(((chance > 0) & (chance < 1)).all())
    for number in range(10):
        mine = fresh.lists.place == number
        ordered = chance[mine][torch.argsort(score[mine])]
        assert bool((ordered.diff() >= 0).all())


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_nothing_to_tell_apart(share: float) -> None:
    lists = examples(5, 0)
    same = Examples(lists.lists, torch.full_like(lists.found, bool(share)), 1)
    calibration = calibrate(Scorer("ra"), same, torch.ones(5).long())
    chance = calibration(lists.lists, torch.zeros(100), torch.ones(5).long())
    assert bool(((chance - share).abs() < 1e-3).all())


def test_a_score_that_turns_around_does_not_turn_lists_around() -> None:
    given = examples(200, 0)
    wrong = Examples(
        given.lists, given.lists.heuristics["ra"] < given.lists.heuristics["ra"].median(), 1
    )
    calibration = calibrate(Scorer("ra"), wrong, torch.ones(200).long())
    assert float(calibration.weights[0]) >= 0


def test_error_of_nothing() -> None:
    assert calibration_error(torch.empty(0), torch.empty(0)) == 0.0
