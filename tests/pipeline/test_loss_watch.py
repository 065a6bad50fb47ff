from __future__ import annotations

import random

import pytest

from graphlearn.errors import DivergedError, InputError
from graphlearn.pipeline import LossWatch


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
@pytest.mark.parametrize("factor", [5.0, None])
def test_a_loss_that_is_not_finite_ends_it_at_once(loss, factor) -> None:
    watch = LossWatch(factor)
    watch.see(1.0)
    with pytest.raises(DivergedError, match=f"the loss is {loss}.*smaller learning rate"):
        watch.see(loss)


def test_it_has_to_be_high_several_times_in_a_row() -> None:
    watch = LossWatch(factor=2.0, patience=3)
    for loss in [1.0, 2.5, 2.5, 1.9, 2.5, 2.5, 2.0, 0.1, 2.1, 2.1]:
        watch.see(loss)
    with pytest.raises(DivergedError, match="the loss is 2.1, and 1 in the first epoch: .*most 2 "):
        watch.see(2.1)


def test_lucky_epochs_of_a_noisy_loss_do_not_end_it() -> None:
    """Dropout on easy data: most epochs lie far above the best one, and below the first."""
    draw, watch = random.Random(0), LossWatch()
    watch.see(1.4)
    for _ in range(1000):
        watch.see(10 ** draw.uniform(-4, 0))


@pytest.mark.parametrize("losses", [(-0.1, -0.2, -0.3), (0.0, 0.5, 0.9), (3.0, 0.0, 2.0)])
def test_losses_may_be_negative_or_nothing(losses) -> None:
    watch = LossWatch()
    for loss in losses:
        for _ in range(10):
            watch.see(loss)


def test_a_negative_loss_that_runs_away_ends_it() -> None:
    watch = LossWatch(factor=3.0, patience=1)
    watch.see(-2.0)
    watch.see(2.0)
    with pytest.raises(DivergedError, match="the loss is 2.1, and -2 in the first"):
        watch.see(2.1)


def test_it_can_be_switched_off() -> None:
    watch = LossWatch(None)
    for exponent in range(30):
        watch.see(10.0**exponent)


@pytest.mark.parametrize(
    ("options", "text"),
    [({"factor": 1.0}, "factor is 1.0"), ({"patience": 0}, "patience is 0")],
)
def test_bad_options_are_refused(options, text) -> None:
    with pytest.raises(InputError, match=text):
        LossWatch(**options)
