from __future__ import annotations

import pytest

from graphlearn.errors import DivergedError, InputError
from graphlearn.pipeline import LossWatch


@pytest.mark.parametrize("loss", [float("nan"), float("inf")])
def test_a_loss_that_is_not_finite_ends_it_at_once(loss) -> None:
    watch = LossWatch()
    watch.see(1.0)
    with pytest.raises(DivergedError, match=f"the loss is {loss}.*smaller learning rate"):
        watch.see(loss)


def test_it_has_to_be_high_several_times_in_a_row() -> None:
    watch = LossWatch(factor=2.0, patience=3)
    for loss in [1.0, 2.5, 2.5, 1.9, 2.5, 2.5, 2.0, 0.9, 1.9, 1.9]:
        watch.see(loss)
    with pytest.raises(
        DivergedError, match="the loss is 1.9 after 0.9: expected one below 2 times"
    ):
        watch.see(1.9)


def test_a_loss_that_falls_never_ends_it() -> None:
    watch = LossWatch(factor=1.001, patience=1)
    for epoch in range(1000):
        watch.see(1.0 / (epoch + 1))


@pytest.mark.parametrize(
    ("options", "text"),
    [({"factor": 1.0}, "factor is 1.0"), ({"patience": 0}, "patience is 0")],
)
def test_bad_options_are_refused(options, text) -> None:
    with pytest.raises(InputError, match=text):
        LossWatch(**options)
