"""A mixer learns what tells links apart, and stops by other links."""

from __future__ import annotations

import pytest
import torch

from graphlearn.serve.lists import Lists
from graphlearn.serve.mixing import learn_mixer, list_loss
from graphlearn.serve.quality import Examples, measure
from graphlearn.serve.scorer import Scorer


def examples(seed: int, *, links: bool = True) -> Examples:
    """Forty lists of 30 candidates; the link is where the second number is the largest."""
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(40, 30, 3, generator=generator)
    found = torch.zeros(40, 30, dtype=torch.bool)
    if links:
        found[torch.arange(40), features[:, :, 1].argmax(dim=1)] = True
    place = torch.repeat_interleave(torch.arange(40), 30)
    lists = Lists(place, place, torch.arange(1200), {}, features.view(1200, 3), 40)
    return Examples(lists, found.flatten(), 40)


@pytest.mark.parametrize("hidden", [0, 16])
def test_learns_and_repeats(hidden: int) -> None:
    options = {"columns": 3, "hidden": hidden, "epochs": 60, "seed": 0}
    before = torch.random.get_rng_state()
    mixer = learn_mixer([examples(0), examples(1)], examples(2), **options)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert measure(Scorer("mixture", mixer), examples(3)).mrr > 0.5
    again = learn_mixer([examples(0), examples(1)], examples(2), **options)
    for one, other in zip(mixer.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_nothing_to_learn_from() -> None:
    none = examples(0, links=False)
    mixer = learn_mixer([none], none, columns=3, hidden=0, seed=0)
    assert bool(torch.isfinite(mixer(torch.zeros(1, 3))).all())


def test_loss_by_hand() -> None:
    scores = torch.tensor([1.0, 2.0, 0.5])
    loss = list_loss(scores, torch.tensor([0, 0, 1]), torch.tensor([True, False, True]), 2)
    wanted = -(scores[:2].log_softmax(0)[0] + 0.0) / 2
    assert torch.allclose(loss, wanted)
