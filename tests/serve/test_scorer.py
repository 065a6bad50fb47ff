"""Scorers: heuristics by name, mixers, and their independence of what is scored beside."""

from __future__ import annotations

import pytest
import torch

from graphlearn.errors import InputError
from graphlearn.serve.lists import Lists
from graphlearn.serve.scorer import HEURISTICS, Mixer, Scorer


@pytest.mark.parametrize("hidden", [0, 8])
def test_a_score_does_not_depend_on_the_rows_beside_it(hidden: int) -> None:
    torch.manual_seed(0)
    mixer = Mixer(5, hidden)
    features = torch.randn(1000, 5)
    mixer.standardize_by(features)
    whole = mixer(features).float()
    one_by_one = torch.cat([mixer(row[None]) for row in features]).float()
    assert torch.equal(whole, one_by_one)
    assert whole.dtype == torch.float32


def test_constant_columns_and_other_widths() -> None:
    mixer = Mixer(2)
    mixer.standardize_by(torch.ones(4, 2))
    assert bool(torch.isfinite(mixer(torch.ones(4, 2))).all())
    with pytest.raises(InputError, match=r"\[K, 2\]"):
        mixer(torch.ones(4, 3))


def test_a_mixer_reads_the_first_columns() -> None:
    none = torch.zeros(3).long()
    features = torch.rand(3, 4)
    scorer = Scorer("mixture", Mixer(2))
    full = Lists(none, none, none, {}, features, num_lists=1)
    cut = Lists(none, none, none, {}, features[:, :2], num_lists=1)
    assert torch.equal(scorer(full), scorer(cut))


def test_heuristics_keep_their_order() -> None:
    none = torch.zeros(3).long()
    values = torch.tensor([0.0, 4.0, 2.0])
    lists = Lists(none, none, none, dict.fromkeys(HEURISTICS, values), torch.empty(3, 0), 1)
    for name in HEURISTICS:
        assert torch.argsort(Scorer(name)(lists)).tolist() == [0, 2, 1]
    with pytest.raises(InputError, match="scorer is 'nc'"):
        Scorer("nc")
